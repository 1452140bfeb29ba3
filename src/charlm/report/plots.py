"""The pictures of a report as Matplotlib figures, for notebooks and papers; needs the extra ``plots``.

Figures are made without ``pyplot``: none stays open, and no window appears. A notebook cell that ends in one displays
it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from charlm.evaluation.scored_text import MOST_BITS
from charlm.report.transitions import transitions
from chartok.markup import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from charlm.evaluation.scored_text import ScoredText
    from charlm.lm import CharLM
    from charlm.training.log import LogEntry

LINE = 80
"""Characters in a line of ``plot_surprise``."""
CELLS_PER_INCH = 7


def plot_losses(entries: Sequence[LogEntry]) -> Figure:
    """Returns the losses of a run over its steps, in nats on the left and bits on the right.

    Args:
        entries: At least one entry, such as from ``Trainer.log`` or ``read_log``.

    Raises:
        ValueError: There is no entry.
        ModuleNotFoundError: Matplotlib is not installed; the message says how to install it.

    Example:
        >>> from charlm import LogEntry
        >>> measured = dict(characters_per_second=1.0, elapsed_seconds=1.0, peak_memory_bytes=0)
        >>> values = dict(learning_rate=0.1, gradient_norm=0.3) | measured
        >>> entry = LogEntry(step=1, train_loss=2.0, validation_loss=None, **values)
        >>> plot_losses([entry]).axes[0].get_ylabel()
        'nats per character'
    """
    if not entries:
        raise ValueError("there is no entry to plot")
    figure, axes = _figure(7, 4, "the loss over the steps of a run")
    axes.plot([entry.step for entry in entries], [entry.train_loss for entry in entries], label="train")
    validation = [(entry.step, loss) for entry in entries if (loss := entry.validation_loss) is not None]
    if validation:
        axes.plot(*zip(*validation, strict=True), label="validation", linewidth=2)
    axes.set(xlabel="step", ylabel="nats per character")
    ln2 = math.log(2)
    scales: Any = (lambda nats: nats / ln2, lambda bits: bits * ln2)
    bits = axes.secondary_yaxis("right", functions=scales)
    bits.set_ylabel("bits per character")
    axes.legend()
    return figure


def plot_transitions(lm: CharLM) -> Figure:
    """Returns a heat map of the probability of each character after a single other one.

    For a vocabulary of more than 80 characters, only those that the model considers most frequent are shown.

    Args:
        lm: A model of any family.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed; the message says how to install it.

    Example:
        >>> from charlm import CharLM
        >>> plot_transitions(CharLM.fit("abab", "bigram")).axes[0].get_ylabel()
        'previous character'
    """
    table = transitions(lm)
    size = max(3, len(table.symbols) / CELLS_PER_INCH)
    figure, axes = _figure(size + 1.3, size + 0.5, "the probability of each character after each other one")
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - needs an extra

    image = axes.imshow(table.probabilities, cmap="magma_r", norm="asinh")
    names = [visible(symbol) for symbol in table.symbols]
    axes.set_xticks(range(len(names)), names, size=8, parse_math=False)
    axes.set_yticks(range(len(names)), names, size=8, parse_math=False)
    axes.set(xlabel="next character", ylabel="previous character")
    bar = figure.colorbar(image, shrink=0.7, label="probability", ticks=MaxNLocator(5), format="{x:g}")
    bar.minorticks_off()
    return figure


def plot_surprise(scored: ScoredText) -> Figure:
    """Returns a text with each character on a background colored by the model's surprise, 80 per line.

    Args:
        scored: A text scored by ``CharLM.inspect``.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed; the message says how to install it.

    Example:
        >>> from charlm import CharLM
        >>> len(plot_surprise(CharLM.fit("abab" * 9).inspect("abba")).axes[0].texts)
        4
    """
    cells, widest = _cells(scored)
    lines, width = 1 + max((cell.line for cell in cells), default=0), max(widest, 20)
    label = "a text, colored by how surprising each character is"
    figure, axes = _figure(width / CELLS_PER_INCH, 0.3 * lines + 0.75, label)
    rows = [[math.nan] * width for _ in range(lines)]
    for cell, surprise in zip(cells, scored.bits.tolist(), strict=True):
        rows[cell.line][cell.column : cell.column + cell.width] = [surprise] * cell.width
        axes.text(
            cell.column + (cell.width - 1) / 2,
            cell.line,
            cell.shown,
            ha="center",
            va="center",
            family="monospace",
            size=8,
            style="normal" if cell.is_symbol else "italic",
            color="black" if surprise < MOST_BITS / 2 else "white",
            parse_math=False,
        )
    image = axes.imshow(rows, cmap="Oranges", vmin=0, vmax=MOST_BITS, aspect="auto")
    axes.set_axis_off()
    shrink = min(1, 20 / width)
    figure.colorbar(image, label="bits", extend="max", orientation="horizontal", shrink=shrink, anchor=(0, 1))
    return figure


class _Cell(NamedTuple):
    """Where a symbol is shown, in columns as wide as one character, and how; the end of a record is no symbol."""

    line: int
    column: int
    width: int
    shown: str
    is_symbol: bool


def _cells(scored: ScoredText) -> tuple[list[_Cell], int]:
    """Returns where each symbol is shown, the end of a record apart from those before it; and the longest line."""
    cells, line, column, widest = list[_Cell](), 0, 0, 1
    for place in range(len(scored.log_probabilities)):
        is_symbol = place < len(scored.symbols)
        shown = visible(scored.symbols[place] if is_symbol else "")
        width, gap = min(len(shown), LINE), int(not is_symbol and column > 0)
        if column + gap + width > LINE:
            line, column, gap = line + 1, 0, 0
        cells.append(_Cell(line, column + gap, width, shown, is_symbol))
        column += gap + width
        widest = max(widest, column)
    return cells, widest


def _figure(width: float, height: float, label: str) -> tuple[Figure, Axes]:
    try:
        from charlm.report.figure import NotebookFigure  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Matplotlib is missing: pip install 'chartok[plots]'") from error
    figure: Any = NotebookFigure(figsize=(width, height), layout="constrained", label=label)
    return figure, figure.add_subplot()
