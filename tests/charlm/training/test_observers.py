import io
import re
import sys
from pathlib import Path

import pytest

from charlm import Progress, TensorBoardLog
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


def as_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "80")
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
