import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from charlm import Progress, TensorBoardLog
from charlm.training.observers import watcher_of
from log_entries import log_entry


def test_each_entry_is_a_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(max_steps=10) as show:
        show(log_entry(5, validation_loss=None))
        show(log_entry(10))
    with Progress() as show:
        show(log_entry(7))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "step 5/10  train 1.0000  speed 3,000/s",
        "step 10/10  train 1.0000  validation 2.0000  speed 3,000/s",
        "step 7  train 1.0000  validation 2.0000  speed 3,000/s",
    ]


class Terminal(io.StringIO):
    """Standard error of a terminal with 80 columns."""

    def isatty(self) -> bool:
        return True

    @property
    def last(self) -> str:
        return self.getvalue().split("\r")[-1]


def as_terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> Terminal:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    return terminal


def test_a_terminal_shows_a_bar_that_goes_on_where_the_run_does(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    with Progress(max_steps=10, first_step=5) as show:
        show(log_entry(7))
        show(log_entry(8, validation_loss=None))
    assert "5/10" in terminal.getvalue().split("\r")[1]
    assert "8/10" in terminal.last
    assert "train 1.000, val 2.000, 3.00k/s]" in terminal.last


def test_80_columns_have_room_for_a_bar_beside_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    with Progress(max_steps=100_000, first_step=50_000) as show:
        assert show._bar is not None
        show._bar.start_t -= 3 * 3600  # what took hours takes more digits
        show(log_entry(75_000, train_loss=4.1744, validation_loss=4.8786, characters_per_second=987_654_321.0))
    assert len(terminal.last.rstrip("\n")) < 80
    assert "75000/100000 [3:00:00<3:00:00, train 4.174, val 4.879, 988M/s]" in terminal.last
    _, bar, _ = terminal.last.split("|")
    assert len(bar) >= 10


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 200])
def test_a_bar_stays_within_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    terminal = as_terminal(monkeypatch, columns)
    with Progress(max_steps=1000) as show:
        show(log_entry(10))
        for step in range(11, 1001):
            show.advance_to(step)
    assert "| 1000/1000" in terminal.getvalue()
    assert max(map(len, re.split(r"[\r\n]", terminal.getvalue()))) < columns


def test_a_bar_moves_on_between_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    with Progress(max_steps=10) as show:
        show.advance_to(6)
    assert "6/10" in terminal.last


def shown(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool = True, **wanted: Any) -> str:
    terminal = as_terminal(monkeypatch) if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    given = {"progress": None, "max_steps": 10, "first_step": 0, "on_log": None} | wanted
    with watcher_of(**given) as watcher:
        for step in range(1, 6):
            watcher.advance_to(step)
        watcher(log_entry(5))
    return terminal.getvalue()


def test_progress_is_shown_where_someone_watches_and_silent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "5/10" in shown(monkeypatch)
    assert not shown(monkeypatch, is_terminal=False)


def test_progress_can_be_forced_and_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, is_terminal=False, progress=True).startswith("step 5/10  train 1.0000")
    assert not shown(monkeypatch, progress=False)
    with pytest.raises(TypeError, match="progress must be True or False, got 'yes'"):
        shown(monkeypatch, progress="yes")


def test_a_progress_that_is_the_hook_of_the_trainer_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not shown(monkeypatch, on_log=Progress(10))
    assert shown(monkeypatch, on_log=Progress(10), progress=True)
    assert shown(monkeypatch, on_log=print)


def test_of_several_processes_the_first_shows_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("RANK", "1")
    assert not shown(monkeypatch, progress=True)
    monkeypatch.setenv("RANK", "0")
    assert shown(monkeypatch, progress=True)


def test_a_function_is_told_each_step_and_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    assert not shown(monkeypatch, progress=told.append)
    assert told == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_that_ends_early_is_no_failure_in_a_notebook(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    as_terminal(monkeypatch)
    monkeypatch.setattr("charlm.training.observers.in_notebook", lambda: True)
    with contextlib.suppress(ZeroDivisionError), Progress(10) as show:
        show.advance_to(6)
        _ = 1 / (0 if fails else 1)
    assert show._bar is not None
    assert show._bar.total == (10 if fails else 6)


def test_a_run_without_a_known_length_shows_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    with Progress() as show:
        show(log_entry(7))
    assert re.fullmatch(r"step 7 \[00:\d\d, train 1\.000, val 2\.000, 3\.00k/s\]\s*", terminal.last)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TensorBoard's own
def test_tensorboard_gets_every_value_of_an_entry(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with TensorBoardLog(tmp_path) as log:
        log(log_entry(5, validation_loss=None))
        log(log_entry(10))
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("train_loss")] == [(5, 1), (10, 1)]
    assert [(event.step, event.value) for event in events.Scalars("validation_loss")] == [(10, 2)]
    assert {"learning_rate", "characters_per_second", "elapsed_seconds"} <= set(events.Tags()["scalars"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TensorBoard's own
def test_a_resumed_run_replaces_the_entries_after_its_checkpoint_in_tensorboard(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with TensorBoardLog(tmp_path) as log:
        for step in (5, 10, 15):
            log(log_entry(step))
    with TensorBoardLog(tmp_path, first_step=10) as log:
        log(log_entry(12))
        log(log_entry(15))
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in events.Scalars("train_loss")] == [5, 10, 12, 15]


def test_a_missing_tensorboard_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chartok\[logs\]'"):
        TensorBoardLog("run")
