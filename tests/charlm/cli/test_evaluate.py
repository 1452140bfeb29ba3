"""Lines are scored as they come, in whatever pieces."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM
from charlm.cli.app import main
from chartok import Vocabulary
from lively_gpt import TINY, lively


def test_a_text_that_comes_byte_by_byte_is_scored_as_one_that_comes_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(io.RawIOBase):
        left = "the cät\nsat on\n\n\u4e00 the mat".encode()

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            byte, Slow.left = Slow.left[:1], Slow.left[1:]
            buffer[: len(byte)] = byte
            return len(byte)

    model = str(tmp_path / "model.safetensors")
    CharLM.fit("the cat sat on the mat. " * 50, order=4).save(model)
    (tmp_path / "text.txt").write_bytes(Slow.left)
    assert main(["score", model, str(tmp_path / "text.txt")]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Slow())))
    assert main(["score", model]) == 0
    assert capsys.readouterr().out == whole
    assert whole.count("\n") == 4


@pytest.fixture
def transformer(tmp_path: Path) -> str:
    vocabulary = Vocabulary("abcd\n", special_tokens=["bos", "unk"])
    model = lively(replace(TINY, vocab_size=7, block_size=6, context_only=(5,)))
    CharLM(model, vocabulary).save(tmp_path / "gpt.safetensors")
    (tmp_path / "text.txt").write_text("abcdabdcabbcaddc\ncabb\n", encoding="utf-8")
    return str(tmp_path / "gpt.safetensors")


@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_a_stride_is_half_a_block_unless_asked_otherwise(
    transformer: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, printed = str(tmp_path / "text.txt"), list[str]()
    for flags in ([], ["--stride", "3"], ["--stride", "6"]):
        assert main([command, transformer, text, *flags]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


@pytest.mark.parametrize("stride", ["0", "7"])
def test_a_stride_that_is_not_in_the_block_is_refused_by_each_command(
    transformer: str, stride: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = str(tmp_path / "text.txt")
    for arguments in (["evaluate", transformer, text], ["score", transformer, text], ["report", transformer]):
        assert main([*arguments, "--stride", stride]) == 2
        told = capsys.readouterr().err
        assert f"stride must be from 1 to the block size of the model, 6, got {stride}" in told
        assert told.count("\n") == 1


def test_a_stride_of_a_token_file_counts_too(
    transformer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = str(tmp_path / "text.tok")
    assert main(["prepare", str(tmp_path / "text.txt"), "--out", tokens, "--vocabulary", transformer]) == 0
    capsys.readouterr()
    printed = set()
    for stride in ("1", "3", "6"):
        assert main(["evaluate", transformer, tokens, "--stride", stride]) == 0
        printed.add(capsys.readouterr().out)
    assert len(printed) == 3


def test_a_stride_is_refused_where_a_model_has_no_blocks_unless_it_is_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, text, config = str(tmp_path / "m.safetensors"), str(tmp_path / "t.txt"), tmp_path / "c.toml"
    CharLM.fit("the cat sat on the mat. " * 50, order=4).save(model)
    Path(text).write_text("the cat\n", encoding="utf-8")
    config.write_text("stride = 32\n", encoding="utf-8")
    for command in ("evaluate", "score"):
        assert main([command, model, text, "--stride", "32"]) == 2
        assert "stride applies only to a model with a block size" in capsys.readouterr().err
        assert main([command, model, text, "--config", str(config)]) == 0
