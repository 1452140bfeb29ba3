import io
import sys

import matplotlib as mpl
import numpy as np
import pytest

from charlm import CharLM, LogEntry
from charlm.report.plots import plot_losses, plot_surprise, plot_transitions

LOG = [
    LogEntry(
        step=step,
        train_loss=3 / step,
        validation_loss=2.0 if step % 2 else None,
        learning_rate=0.1,
        characters_per_second=5.0,
        elapsed_seconds=float(step),
        gradient_norm=0.3,
        peak_memory_bytes=0,
    )
    for step in range(1, 6)
]


def test_losses_are_drawn_in_nats_and_in_bits() -> None:
    (axes,) = plot_losses(LOG).axes
    train, validation = axes.lines
    assert train.get_ydata() == pytest.approx([3 / step for step in range(1, 6)])
    assert list(np.asarray(validation.get_xdata())) == [1, 3, 5]
    assert [child.get_ylabel() for child in axes.child_axes] == ["bits per character"]
    assert len(plot_losses(LOG[1:2]).axes[0].lines) == 1
    with pytest.raises(ValueError, match="no entry"):
        plot_losses([])


def test_any_characters_can_be_drawn() -> None:
    lm = CharLM.fit("$a_b^{\\x}\n\t \x00\u4e00" * 9, "bigram")
    for figure in (plot_transitions(lm), plot_surprise(lm.inspect("$a_\n\u4e00" * 40))):
        with mpl.rc_context(), pytest.warns(UserWarning, match="missing from font"):
            figure.savefig(io.BytesIO())


def test_figures_stay_out_of_the_global_state() -> None:
    plot_losses(LOG)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_a_missing_matplotlib_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "charlm.report.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chartok\[plots\]'"):
        plot_losses(LOG)
