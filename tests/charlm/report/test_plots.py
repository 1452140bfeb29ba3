import io
import sys

import matplotlib as mpl
import numpy as np
import pytest

from charlm import CharLM, LogEntry
from charlm.report.plots import LINE, plot_losses, plot_surprise, plot_transitions

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
        with mpl.rc_context(), pytest.warns(UserWarning, match="missing from (current )?font"):
            figure.savefig(io.BytesIO())


def test_symbols_stand_side_by_side_and_the_end_apart() -> None:
    axes = plot_surprise(CharLM.fit(["anna", "hanna"], order=2).inspect("anna")).axes[0]
    assert [(text.get_text(), text.get_position()[0]) for text in axes.texts] == [
        *zip("anna", range(4), strict=True),
        ("end", 6),
    ]
    wide = plot_surprise(CharLM.fit("ab\u200b" * 40, "bigram").inspect("a\u200bb" * 30))
    for line in range(3):
        placed = [text for text in wide.axes[0].texts if text.get_position()[1] == line]
        ends = [text.get_position()[0] + len(text.get_text()) / 2 for text in placed]
        starts = [text.get_position()[0] - len(text.get_text()) / 2 for text in placed]
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
        assert ends[-1] < LINE


def test_a_figure_is_as_wide_as_its_text() -> None:
    lm = CharLM.fit(["anna", "hanna"], order=2)
    short, long = (plot_surprise(lm.inspect(text)).get_size_inches()[0] for text in ("anna", "hanna" * 20))
    assert short < long / 3


def test_the_color_bar_has_ticks_over_all_of_its_range() -> None:
    bar = plot_transitions(CharLM.fit("abcabd" * 30, "bigram")).axes[1]
    low, high = bar.get_ylim()
    ticks = [tick for tick in bar.get_yticks() if low <= tick <= high]
    assert len(ticks) >= 3
    assert max(ticks) - min(ticks) > (high - low) / 2


def test_figures_stay_out_of_the_global_state() -> None:
    plot_losses(LOG)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_a_missing_matplotlib_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "charlm.report.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chartok\[plots\]'"):
        plot_losses(LOG)
