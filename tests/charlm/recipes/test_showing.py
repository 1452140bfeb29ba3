"""``CharLM.fit`` shows how far it is, where someone watches or it is told to."""

import io
import sys
from typing import Any

import pytest

from charlm import CharLM, TrainerConfig
from charlm.recipes import events, showing
from charlm.recipes.showing import ShownProgress

TEXT = "the cat sat on the mat. " * 40
SMALL: dict[str, Any] = {"n_layers": 1, "n_heads": 1, "width": 8, "block_size": 8, "batch_size": 4, "device": "cpu"}
CONFIG = TrainerConfig(max_steps=4, log_interval=2)


class Terminal(io.StringIO):
    """Standard error of a terminal."""

    def isatty(self) -> bool:
        return True


def as_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    return stream


def test_a_model_that_is_trained_shows_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    CharLM.fit(TEXT, "gpt", config=CONFIG, **SMALL)
    assert "4/4" in terminal.getvalue()
    assert "train " in terminal.getvalue()


def test_a_mixture_shows_them_too_and_then_what_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    monkeypatch.setattr(showing, "MANY_CHARACTERS", 100)
    CharLM.fit(TEXT, "mixture", config=CONFIG, **SMALL)
    training, _, mixing = terminal.getvalue().partition("4/4")
    assert "counting" in mixing
    assert training


@pytest.mark.parametrize("family", ["gpt", "ngram"])
def test_nothing_is_shown_where_nobody_watches_or_it_is_forbidden(
    family: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(showing, "MANY_CHARACTERS", 100)
    settings = {"config": CONFIG, **SMALL} if family == "gpt" else {}
    CharLM.fit(TEXT, family, **settings)
    assert capsys.readouterr() == ("", "")
    stream = as_terminal(monkeypatch)
    CharLM.fit(TEXT, family, progress=False, **settings)
    assert not stream.getvalue()


def test_progress_that_is_forced_is_lines_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    CharLM.fit(TEXT, "gpt", progress=True, config=CONFIG, **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("  ")[0] for line in err.splitlines()] == ["step 2/4", "step 4/4"]


def test_counting_a_long_text_is_told_and_a_short_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    CharLM.fit(TEXT, order=3)
    assert not terminal.getvalue()
    monkeypatch.setattr(showing, "MANY_CHARACTERS", 100)
    CharLM.fit(TEXT, order=3)
    assert "counting 960 characters ..." in terminal.getvalue()
    assert not terminal.getvalue().split("\r")[-1].strip()


def test_what_is_shown_ends_when_training_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    shown = ShownProgress(progress=True)
    shown(events.CountingBegan(characters=10_000_000))
    assert "counting" in terminal.getvalue().split("\r")[-1]
    shown.__exit__(MemoryError, MemoryError(), None)
    assert not terminal.getvalue().split("\r")[-1].strip()


def test_a_step_of_a_run_that_has_not_begun_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    with ShownProgress(progress=True) as hook:
        hook(events.StepDone(step=3))
    assert not terminal.getvalue()


@pytest.mark.parametrize("fit", [CharLM.fit, CharLM.fit_file])
def test_a_wrong_progress_is_refused_before_anything_is_read(fit: Any) -> None:
    with pytest.raises(TypeError, match="progress must be True or False, got 'no'"):
        fit(iter([]), progress="no")
