from pathlib import Path
from typing import Any

import pytest
import torch

from charlm import BigramLanguageModel, load_model, read_log
from charlm.files.run_folder import RunFolder
from charlm.training.run_writer import RunWriter
from chartok import Vocabulary
from log_entries import log_entry

VOCABULARY = Vocabulary("abc")
STATE: dict[str, Any] = {"value": 1, "tensors": {"losses": torch.zeros(1)}}


def filled(value: float) -> BigramLanguageModel:
    model = BigramLanguageModel(3)
    torch.nn.init.constant_(model.table, value)
    return model


def test_each_checkpoint_has_the_weights_of_its_step_and_the_run_those_of_the_best(tmp_path: Path) -> None:
    model = filled(0.0)
    writer = RunWriter(RunFolder(tmp_path / "new" / "run"), model, VOCABULARY, kept=2)
    assert (writer.open_log(0), writer.saved_step) == ([], -1)
    for step in (1, 2, 3):
        torch.nn.init.constant_(model.table, float(step))
        writer.append(log_entry(step))
        writer.save(STATE, step=step, best_step=2)
        assert writer.saved_step == step
    for best_step, expected in ((0, 3.0), (2, 2.0), (1, 3.0)):  # the first is there no more
        writer.keep_model(best_step)
        loaded, vocabulary = load_model(writer.folder.model_path)
        assert vocabulary == VOCABULARY
        assert loaded.state_dict()["table"].unique().item() == expected
    assert [entry.step for entry in read_log(writer.folder.path)] == [1, 2, 3]


def test_there_is_a_best_checkpoint_where_one_was_made_and_is_still_there(tmp_path: Path) -> None:
    writer = RunWriter(RunFolder(tmp_path), filled(0.0), VOCABULARY, kept=2)
    writer.open_log(0)
    writer.save(STATE, step=1, best_step=1)
    assert writer.best_checkpoint(0) is None
    assert writer.best_checkpoint(2) is None
    assert writer.best_checkpoint(1) == tmp_path / "checkpoints" / "step-0000000001"


def test_other_processes_than_the_first_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charlm.runtime.distributed.rank", lambda: 1)
    writer = RunWriter(RunFolder(tmp_path), filled(0.0), VOCABULARY, kept=2)
    assert writer.open_log(5) == []
    writer.append(log_entry(1))
    writer.save(STATE, step=1, best_step=1)
    writer.keep_model(1)
    assert writer.saved_step == 1
    assert not list(tmp_path.iterdir())


def test_a_model_without_a_fitting_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder needs vocabulary="):
        RunWriter(RunFolder(tmp_path), filled(0.0), None, kept=2)
    with pytest.raises(ValueError, match="vocabulary must have as many ids as the model, 3, got 2"):
        RunWriter(RunFolder(tmp_path), filled(0.0), Vocabulary("ab"), kept=2)
