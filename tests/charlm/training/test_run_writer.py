from pathlib import Path
from typing import Any

import pytest
import torch

from charlm import GPT, BigramLanguageModel, GPTConfig, load_model, read_log, save_model
from charlm.files.run_folder import CheckpointFolder, RunFolder
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
    assert load_model(writer.folder.model_path)[0].state_dict()["table"].unique().item() == 2.0
    for best_step, expected in ((0, 3.0), (2, 2.0), (1, 3.0)):  # the first is there no more
        writer.keep_model(best_step)
        loaded, vocabulary = load_model(writer.folder.model_path)
        assert vocabulary == VOCABULARY
        assert loaded.state_dict()["table"].unique().item() == expected
    assert [entry.step for entry in read_log(writer.folder.path)] == [1, 2, 3]


def kept(folder: RunFolder) -> float:
    return float(load_model(folder.path)[0].state_dict()["table"].unique().item())


def saved(writer: RunWriter, step: int, best_step: int) -> float:
    torch.nn.init.constant_(writer._model.table, float(step))  # type: ignore[arg-type]  # it is a bigram's
    writer.append(log_entry(step))
    writer.save(STATE, step=step, best_step=best_step)
    return kept(writer.folder)


@pytest.mark.parametrize(("best_steps", "expected"), [((0, 0, 0, 0), [1, 2, 3, 4]), ((1, 1, 3, 3), [1, 1, 3, 3])])
def test_the_model_of_the_run_is_the_best_or_the_last_after_every_save(
    tmp_path: Path, best_steps: tuple[int, ...], expected: list[int]
) -> None:
    writer = RunWriter(RunFolder(tmp_path), filled(0.0), VOCABULARY, kept=2)
    writer.open_log(0)
    assert [saved(writer, step, best) for step, best in enumerate(best_steps, start=1)] == expected


def test_a_run_killed_between_its_checkpoint_and_its_model_makes_up_for_it_at_the_next_save(tmp_path: Path) -> None:
    writer = RunWriter(RunFolder(tmp_path), filled(0.0), VOCABULARY, kept=2)
    writer.open_log(0)
    writer.folder.write_model = lambda _: None  # type: ignore[method-assign,assignment]  # as if killed before it
    assert saved(writer, 1, best_step=1) == 1.0  # of the checkpoint
    again = RunWriter(RunFolder(tmp_path), filled(9.0), VOCABULARY, kept=2, saved_step=1)
    assert saved(again, 2, best_step=1) == 1.0
    assert load_model(again.folder.model_path)[0].state_dict()["table"].unique().item() == 1.0


def test_a_model_that_cannot_be_written_is_written_with_the_next_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RunWriter(RunFolder(tmp_path), filled(0.0), VOCABULARY, kept=2)
    writer.open_log(0)
    saved(writer, 1, best_step=1)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_model", raise_full)
        with pytest.raises(OSError, match="full"):
            saved(writer, 2, best_step=2)
    assert (writer.saved_step, kept(writer.folder)) == (2, 1.0)
    assert saved(writer, 3, best_step=2) == 2.0


def raise_full(*_: object) -> None:
    raise OSError(28, "full")


def test_a_damaged_best_checkpoint_leaves_the_model_of_the_run_as_it_is(tmp_path: Path) -> None:
    writer = RunWriter(RunFolder(tmp_path), filled(0.0), VOCABULARY, kept=2)
    writer.open_log(0)
    saved(writer, 1, best_step=1)
    CheckpointFolder(writer.folder.checkpoint_path(1)).model_path.write_bytes(b"gone")
    again = RunWriter(RunFolder(tmp_path), filled(9.0), VOCABULARY, kept=2, saved_step=1)
    with pytest.warns(UserWarning, match=r"the model of the run stays as it is: .*step-0+1' is not a valid checkpoint"):
        assert saved(again, 2, best_step=1) == 1.0
    assert saved(again, 3, best_step=1) == 1.0  # said once


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


class WithExtraState(BigramLanguageModel):
    """Keeps something that is no tensor."""

    family = "extra"

    def get_extra_state(self) -> dict[str, int]:
        return {"seen": 1}


def test_a_model_that_no_file_could_hold_is_refused_before_it_is_trained(tmp_path: Path) -> None:
    tied = GPT(GPTConfig(vocab_size=3, block_size=4, n_layers=1, n_heads=1, width=4, hash_rows=0))
    tied.head.weight = tied.embedding.weight
    with pytest.raises(ValueError, match=r"other tensors than a model of the family gpt .* such as 'head\.weight'"):
        RunWriter(RunFolder(tmp_path), tied, VOCABULARY, kept=2)
    with pytest.raises(ValueError, match=r"extra state, '_extra_state', which no file can hold: make it a buffer"):
        RunWriter(RunFolder(tmp_path), WithExtraState(3), VOCABULARY, kept=2)
    with pytest.raises(ValueError, match="could not be loaded: give its class a family of its own"):
        save_model(tmp_path / "model.safetensors", tied, VOCABULARY)
    assert not list(tmp_path.iterdir())
