"""A calibration is added to a file in which nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from charlm import GPT, CharLM, CheckpointCorruptError, GPTConfig, load_model
from charlm.files.calibrating import write_calibration
from charlm.files.model_file import read_model_file
from charlm.files.run_folder import RunFolder
from charlm.files.tensor_file import read_tensor_file
from charlm.recipes.corpus import Corpus
from charlm.recipes.presets import Recipe
from charlm.recipes.train import train
from chartok import Vocabulary

DIGITS = [f"{number:03}" for number in range(1000)]
CALIBRATED = CharLM.fit(DIGITS[::2], order=2).calibrate(DIGITS[1::2])
CALIBRATION = CALIBRATED.calibration.to_dict() if CALIBRATED.calibration is not None else {}


@pytest.mark.parametrize("compact", [False, True])
def test_tensors_settings_and_vocabulary_stay_to_the_last_bit(tmp_path: Path, *, compact: bool) -> None:
    path = tmp_path / "model"
    CharLM.fit(DIGITS[::2], order=3).save(path, compact=compact)
    before, tensors = read_model_file(path), read_tensor_file(path).tensors
    assert write_calibration(path, CALIBRATION) == path
    after, again = read_model_file(path), read_tensor_file(path).tensors
    assert (after.family, after.settings, after.vocabulary) == (before.family, before.settings, before.vocabulary)
    assert again.keys() == tensors.keys()
    for name, stored in tensors.items():
        assert (again[name].dtype, again[name].shape, bytes(again[name].data)) == (
            stored.dtype,
            stored.shape,
            bytes(stored.data),
        )
    assert after.calibration == CALIBRATION
    write_calibration(path, CALIBRATION | {"reference": 1.0})
    assert read_model_file(path).calibration["reference"] == 1.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_of_any_dtype_stay(tmp_path: Path, dtype: torch.dtype) -> None:
    vocabulary = Vocabulary("0123456789", special_tokens=["bos", "eos", "unk"])
    config = GPTConfig(vocab_size=13, block_size=4, n_layers=1, n_heads=1, width=4, context_only=(10,))
    CharLM(GPT(config, seed=1).to(dtype), vocabulary).save(tmp_path / "gpt")
    before = load_model(tmp_path / "gpt")[0].state_dict()
    write_calibration(tmp_path / "gpt", CALIBRATION)
    after = load_model(tmp_path / "gpt")[0].state_dict()
    assert all(
        after[name].dtype == tensor.dtype and torch.equal(after[name], tensor) for name, tensor in before.items()
    )


def test_the_model_of_a_run_is_calibrated_under_its_lock(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    train(Corpus.of_records(DIGITS), Recipe(family="ngram", order=2), folder=folder)
    assert write_calibration(folder, CALIBRATION) == folder.model_path
    assert CharLM.load(tmp_path / "run").calibration is not None
    with RunFolder(folder.path).locked(), pytest.raises(BlockingIOError):
        write_calibration(folder.path, CALIBRATION)


def test_a_file_of_a_checkpoint_is_left_as_it_is(tmp_path: Path) -> None:
    CALIBRATED.save(tmp_path / "model.safetensors")
    before = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match=r"'.*model\.safetensors' is part of a checkpoint: give the folder of the run"):
        write_calibration(tmp_path / "model.safetensors", CALIBRATION)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_what_is_no_model_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("no model at all, " * 9)
    with pytest.raises(CheckpointCorruptError, match=r"'.*model'"):
        write_calibration(tmp_path / "model", CALIBRATION)
    assert (tmp_path / "model").read_text() == "no model at all, " * 9
    with pytest.raises(FileNotFoundError):
        write_calibration(tmp_path / "missing", CALIBRATION)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError):
        write_calibration(tmp_path / "empty", CALIBRATION)
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_changed_calibration_does_not_match_the_seal(tmp_path: Path) -> None:
    path = tmp_path / "model"
    CALIBRATED.save(path)
    data = path.read_bytes()
    place = data.index(b"reference")
    digit = next(index for index in range(place, place + 40) if data[index : index + 1] in b"123456789")
    path.write_bytes(data[:digit] + bytes([data[digit] ^ 1]) + data[digit + 1 :])
    with pytest.raises(CheckpointCorruptError, match="does not match its SHA-256"):
        CharLM.load(path)
    path.write_bytes(data)
    assert np.array_equal(CharLM.load(path).p_values(DIGITS), CALIBRATED.p_values(DIGITS))
