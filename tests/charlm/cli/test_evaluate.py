"""Lines are scored as they come, in whatever pieces."""

import io
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM
from charlm.cli.app import main


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
