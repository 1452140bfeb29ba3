"""A path is opened once, what is open is checked, and everything is read from that."""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm import (
    GPT,
    BigramLanguageModel,
    CharLM,
    GPTConfig,
    LanguageModel,
    NGramLanguageModel,
    load_model,
    save_model,
)
from charlm.cli.app import main
from charlm.cli.config_file import read_flags
from charlm.cli.flags import COMMANDS
from charlm.files.run_folder import RunFolder
from charlm.training.checkpoint import read_checkpoint
from charlm.training.log import read_log
from chartok import SourceError, TokenFile, TokenFileError, Vocabulary, encode_file
from chartok.files import opening
from chartok.files.pread import pread
from open_files import open_below, tells_open_files
from within import within_seconds

VOCABULARY = Vocabulary("ab", special_tokens=["bos"])
CONFIG = GPTConfig(vocab_size=3, block_size=4, n_layers=1, n_heads=1, width=2, hash_rows=0, context_only=(2,))
PAIRS: dict[str, Sequence[LanguageModel]] = {
    "ngram": [NGramLanguageModel(3, order=2, context_only=(2,)).fit(ids) for ids in ([0, 1, 0], [1, 1, 0])],
    "gpt": [GPT(CONFIG, seed=seed) for seed in (0, 1)],
}
READERS: dict[str, Callable[[Path], object]] = {
    "a model": load_model,
    "a language model": CharLM.load,
    "a vocabulary": Vocabulary.load,
    "a token file": TokenFile,
    "a log": read_log,
    "a description": lambda path: RunFolder(path.parent).read_description(),
    "a checkpoint": lambda path: read_checkpoint(path.parent),
    "flags": lambda path: read_flags(path, "train", COMMANDS),
}
NAMES = {"a description": "run.json", "a checkpoint": "manifest.json"}


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    (tmp_path / "text.txt").write_text("banana" * 1000, encoding="utf-8")
    return encode_file(tmp_path / "text.txt", tmp_path / "text.tokens")


@pytest.mark.parametrize("family", PAIRS)
@pytest.mark.parametrize(
    "load", [lambda path: CharLM(*load_model(path)), CharLM.load], ids=["load_model", "CharLM.load"]
)
def test_a_model_that_is_replaced_while_it_is_loaded_is_the_one_that_was_opened(
    tmp_path: Path, family: str, load: Callable[[Path], CharLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = tmp_path / "model.safetensors", []
    save_model(path, PAIRS[family][0], VOCABULARY)
    expected = repr(CharLM.load(path).score_samples(["abab"]))
    really_open = opening.open_descriptor

    def open_and_replace(name: str | os.PathLike[str]) -> int:
        descriptor = really_open(name)
        opened.append(os.fspath(name))
        save_model(path, PAIRS[family][1], VOCABULARY)
        return descriptor

    monkeypatch.setattr(opening, "open_descriptor", open_and_replace)
    lm = load(path)
    monkeypatch.undo()
    assert opened == [os.fspath(path)]
    assert repr(lm.score_samples(["abab"])) == expected != repr(CharLM.load(path).score_samples(["abab"]))


def test_a_model_of_a_run_whose_checkpoint_is_removed_meanwhile_is_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        folder = RunFolder(tmp_path).checkpoint_path(step)
        folder.mkdir(parents=True)
        save_model(folder / "model.safetensors", BigramLanguageModel(3, seed=step, context_only=(2,)), VOCABULARY)
    really_open = opening.open_descriptor

    def remove_and_open(name: str | os.PathLike[str]) -> int:
        (RunFolder(tmp_path).checkpoint_path(2) / "model.safetensors").unlink(missing_ok=True)
        return really_open(name)

    expected = load_model(RunFolder(tmp_path).checkpoint_path(1) / "model.safetensors")[0].state_dict()["table"]
    monkeypatch.setattr(opening, "open_descriptor", remove_and_open)
    assert torch.equal(load_model(tmp_path)[0].state_dict()["table"], expected)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_regular_file_is_refused_by_name_at_once(tmp_path: Path, reader: str, kind: str) -> None:
    path = tmp_path / NAMES.get(reader, "file")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()

    def read() -> None:
        if kind == "folder" and reader in ("a model", "a language model", "a log"):
            with pytest.raises(FileNotFoundError, match=path.name):  # an empty run
                READERS[reader](path)
        elif reader == "a description":
            assert READERS[reader](path) is None
        else:
            with pytest.raises(OSError, match=path.name):
                READERS[reader](path)

    within_seconds(read)


@pytest.mark.parametrize("reads_a_range", [True, False])
def test_a_file_that_is_closed_beside_a_reading_thread_is_read_to_the_end(
    tmp_path: Path, tokens: TokenFile, reads_a_range: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").write_bytes(b"\xff" * 100_000)
    others = []

    def close_and_read(descriptor: int, length: int, offset: int) -> bytes:
        thread = threading.Thread(target=tokens.close)
        thread.start()
        thread.join()
        others.append(os.open(tmp_path / "other", os.O_RDONLY))  # would get the number that was closed
        return pread(descriptor, length, offset)

    monkeypatch.setattr("chartok.files.fixed.pread", close_and_read)
    ids = tokens.read(0, 6) if reads_a_range else tokens.windows([0], 6)[0]
    assert ids.tolist() == [1, 0, 2, 0, 2, 0]
    monkeypatch.undo()
    with pytest.raises(ValueError, match="has been closed"):
        tokens.read(0, 6)
    for other in others:
        os.close(other)


@tells_open_files
def test_a_closed_token_file_gives_its_descriptor_back(tmp_path: Path, tokens: TokenFile) -> None:
    assert open_below(tmp_path) == [Path(tokens.path).resolve()]
    tokens.close()
    assert open_below(tmp_path) == []


def rewritten_in_place(path: Path, offset: int, data: bytes) -> None:
    """Writes into a file and sets its time back."""
    status = path.stat()
    with path.open("rb+") as file:
        file.seek(offset)
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_an_edit_in_place_with_its_time_restored_is_seen(tokens: TokenFile) -> None:
    rewritten_in_place(Path(tokens.path), -1 + Path(tokens.path).stat().st_size, b"\x01")
    for _ in range(2):
        with pytest.raises(TokenFileError, match="changed since it was opened"):
            tokens.read(0, 1)
        with pytest.raises(TokenFileError, match="changed since it was opened"):
            tokens.windows([0], 1)


def test_no_thread_gets_an_edited_id_once_the_edit_is_done(tokens: TokenFile) -> None:
    rewritten_in_place(Path(tokens.path), -1 + Path(tokens.path).stat().st_size, b"\x01")
    wrong = []

    def read() -> None:
        for _ in range(200):
            with contextlib.suppress(TokenFileError):
                wrong.append(tokens.read(0, 1))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_file_whose_permissions_keep_changing_can_be_read(tokens: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def change_and_read(descriptor: int, length: int, offset: int) -> bytes:
        Path(tokens.path).chmod(0o600)
        return pread(descriptor, length, offset)

    monkeypatch.setattr("chartok.files.fixed.pread", change_and_read)
    for _ in range(3):
        assert tokens.read(0, 6).tolist() == [1, 0, 2, 0, 2, 0]
        tokens.verify()


def test_a_new_link_and_other_permissions_are_no_change(tmp_path: Path, tokens: TokenFile) -> None:
    Path(tokens.path).chmod(0o600)
    (tmp_path / "backup").hardlink_to(tokens.path)
    assert tokens.read(0, 6).tolist() == [1, 0, 2, 0, 2, 0]
    assert np.array_equal(tokens.windows([0], 6)[0], tokens.read(0, 6))


def test_a_text_edited_in_place_with_its_time_restored_while_it_is_read_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("ab" * 10, encoding="utf-8")

    def edit(_: int, __: int | None) -> None:
        rewritten_in_place(text, 0, b"b")

    with pytest.raises(SourceError, match="changed while it was read"):
        encode_file(text, tmp_path / "text.tokens", progress=edit)


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_path_that_is_no_utf_8_is_a_path_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / os.fsdecode(b"caf\xe9.txt")
    text.write_text("the cat sat on the mat. " * 40, encoding="utf-8")
    run = tmp_path / os.fsdecode(b"run\xe9")
    for family, more in (("ngram", ()), ("trained-bigram", ("--max-steps", "2", "--device", "cpu"))):
        out = os.fspath(run) + family
        assert main(["train", os.fspath(text), "--model", family, "--out", out, *more]) == 0
        for command in ("info", "report", "generate"):
            assert main([command, out]) == 0
        for command in ("score", "evaluate"):
            assert main([command, out, os.fspath(text)]) == 0
        assert main(["export", out, "--format", "tokenizer-json", "--out", out + ".json"]) == 0
        assert main(["prepare", os.fspath(text), "--out", out + ".tokens"]) == 0
    assert "run\\udce9" in capsys.readouterr().out
