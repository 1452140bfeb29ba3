"""A classifier in a folder is checked in full before it answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM, CheckpointCorruptError, CheckpointVersionError, ForeignFileError, TextClassifier
from chartok.files.envelope import sealed

DESCRIPTION = "classifier.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = {"abc": CharLM.fit("abc " * 9, order=2), "xyz": CharLM.fit("xyz " * 9, order=2)}
    TextClassifier(models).save(tmp_path / "it")
    return tmp_path / "it"


def models_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def rewrite(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / DESCRIPTION).read_text("utf-8")) | changes
    (folder / DESCRIPTION).write_text(json.dumps(sealed(content)), encoding="utf-8")


def test_every_flipped_byte_is_noticed(folder: Path) -> None:
    for name in (DESCRIPTION, models_of(folder)[0].name):
        whole = (folder / name).read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 60)):
            damaged = bytearray(whole)
            damaged[place] ^= 4
            (folder / name).write_bytes(damaged)
            with pytest.raises((CheckpointCorruptError, CheckpointVersionError)):
                TextClassifier.load(folder)
        (folder / name).write_bytes(whole)
    assert TextClassifier.load(folder).labels == ("abc", "xyz")


def test_a_valid_model_in_the_place_of_another_is_noticed(folder: Path) -> None:
    first, second = models_of(folder)
    first.write_bytes(second.read_bytes())
    with pytest.raises(CheckpointCorruptError, match=r"\.safetensors' is not the file that classifier\.json describes"):
        TextClassifier.load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": []}, "list of classes"),
        ({"classes": 5}, "list of classes"),
        ({"classes": [5]}, "each class must have a label, a prior and model_sha256"),
        ({"classes": [{"label": 5, "prior": 1, "model_sha256": ""}]}, "each label must be a string"),
        ({"classes": [{"label": "a", "prior": "1", "model_sha256": ""}]}, "prior must be a number"),
        ({"classes": [{"label": "a", "prior": 0.5, "model_sha256": ""}] * 2}, "a label occurs twice"),
        ({"classes": [{"label": "a", "prior": 1, "model_sha256": "../other"}]}, "must give the SHA-256 of each model"),
        ({"temperature": None}, "it must have the numbers scale, power"),
        ({"temperature": {"scale": 1, "power": True}}, "power must be a number"),
        ({"temperature": {"scale": -1, "power": 0}}, "scale must be above 0"),
        ({"temperature": {"scale": 1, "power": 9}}, "power must be at most 1"),
    ],
)
def test_a_sealed_description_is_checked_all_the_same(folder: Path, changes: Any, message: str) -> None:
    rewrite(folder, **changes)
    with pytest.raises(CheckpointCorruptError, match=message):
        TextClassifier.load(folder)


def test_priors_that_do_not_sum_to_one_are_refused(folder: Path) -> None:
    classes = json.loads((folder / DESCRIPTION).read_text("utf-8"))["classes"]
    rewrite(folder, classes=[one | {"prior": 0.9} for one in classes])
    with pytest.raises(CheckpointCorruptError, match="priors must sum to 1"):
        TextClassifier.load(folder)


def test_a_newer_version_says_so(folder: Path) -> None:
    rewrite(folder, version=2)
    with pytest.raises(CheckpointVersionError, match=r"classifier\.json.*of version 2 is newer"):
        TextClassifier.load(folder)


def test_what_is_missing_or_in_the_way_is_an_error_of_the_system(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=DESCRIPTION):
        TextClassifier.load(tmp_path / "nothing")
    classifier = TextClassifier.load(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "my.safetensors").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="something else in it"):
        classifier.save(tmp_path / "full")
    assert (tmp_path / "full" / "my.safetensors").read_bytes() == b"mine"
    models_of(folder)[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"\.safetensors"):
        TextClassifier.load(folder)


def test_a_label_is_no_path(tmp_path: Path) -> None:
    TextClassifier({"../../escape": CharLM.fit("abc " * 9, order=2)}).save(tmp_path / "it")
    (model,) = models_of(tmp_path / "it")
    assert {path.name for path in (tmp_path / "it").iterdir()} == {model.name, DESCRIPTION}
    assert TextClassifier.load(tmp_path / "it").labels == ("../../escape",)


def test_a_model_and_a_classifier_are_told_apart(tmp_path: Path) -> None:
    """Each names what reads the other."""
    lm = CharLM.fit(["anna", "hanna"], order=2)
    TextClassifier({"a": lm, "b": lm}).save(tmp_path / "classifier")
    with pytest.raises(ForeignFileError, match=r"is the folder of a classifier, .* TextClassifier\.load read it$"):
        CharLM.load(tmp_path / "classifier")
    (tmp_path / "run").mkdir()
    lm.save(tmp_path / "run" / "model.safetensors")
    assert CharLM.load(tmp_path / "run").family == "ngram"
    with pytest.raises(FileNotFoundError, match=r"there is no classifier\.json in this folder: CharLM\.load reads"):
        TextClassifier.load(tmp_path / "run")
    with pytest.raises(NotADirectoryError, match=r"got a file: CharLM\.load reads a model file"):
        TextClassifier.load(tmp_path / "run" / "model.safetensors")
    with pytest.raises(FileNotFoundError, match="No such file"):
        TextClassifier.load(tmp_path / "nothing")
