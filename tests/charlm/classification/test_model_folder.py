"""A save that fails leaves the models and the description that were there."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from charlm import CharLM, TextClassifier
from charlm.classification import model_folder
from charlm.files.run_lock import RunLock
from chartok import Vocabulary
from lively_gpt import TINY, lively


def trained() -> CharLM:
    vocabulary = Vocabulary("abcd", special_tokens=["bos", "unk"])
    return CharLM(lively(replace(TINY, vocab_size=6, context_only=(4,))), vocabulary)


def models_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = {"abc": CharLM.fit("abc " * 9, order=2), "xyz": CharLM.fit("xyz " * 9, order=2)}
    TextClassifier(models).save(tmp_path / "it")
    return tmp_path / "it"


def test_a_smaller_classifier_over_a_larger_one_leaves_no_models_of_it(folder: Path) -> None:
    TextClassifier({"x": CharLM.fit("xyz " * 8, order=2)}).save(folder)
    assert len(models_of(folder)) == 1
    assert TextClassifier.load(folder).labels == ("x",)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_save_that_fails_leaves_what_was_there(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    mixed = TextClassifier({"new": CharLM.fit("new " * 9, order=2), "gpt": trained()})
    for path in (folder, tmp_path / "first"):
        with pytest.raises(ValueError, match="compact"):
            mixed.save(path, compact=True)
    assert contents(folder) == before
    assert not (tmp_path / "first").exists()


@pytest.mark.parametrize("fails", ["replace_file", "_sha256"])
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_save_that_is_interrupted_leaves_what_was_there_and_can_be_repeated(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, is_killed: bool
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    new, before = TextClassifier({"new": CharLM.fit("new " * 9, order=2)}), contents(folder)
    with monkeypatch.context() as patch:
        patch.setattr(model_folder, fails, interrupted)
        if is_killed:  # nothing is cleared away
            patch.setattr(model_folder, "_remove", lambda _: None)
        for path in (folder, tmp_path / "first"):
            with pytest.raises(KeyboardInterrupt):
                new.save(path)
    assert contents(folder).items() >= before.items()
    assert is_killed or contents(folder) == before
    assert TextClassifier.load(folder).labels == ("abc", "xyz")
    for path in (folder, tmp_path / "first"):
        new.save(path)
        assert len([*path.iterdir()]) == 2
        assert TextClassifier.load(path).labels == ("new",)


def test_one_process_at_a_time_saves_and_the_others_are_told(folder: Path) -> None:
    before, new = contents(folder), TextClassifier({"new": CharLM.fit("new " * 9, order=2)})
    with RunLock(folder / model_folder.LOCK):
        with pytest.raises(BlockingIOError, match=rf"process {os.getpid()} on .* is writing to this folder") as caught:
            new.save(folder)
        assert TextClassifier.load(folder).labels == ("abc", "xyz")
    assert caught.value.filename == os.fspath(folder)
    assert contents(folder) == before
    new.save(folder)
    assert len(contents(folder)) == 2


def test_the_lock_of_a_save_that_was_killed_is_taken_over(folder: Path) -> None:
    (folder / model_folder.LOCK).write_text("{}")
    TextClassifier({"new": CharLM.fit("new " * 9, order=2)}).save(folder)
    assert len(contents(folder)) == 2
