"""The section on how a run went: its losses, the learning rate, the norm of the gradient, and the speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.report.elements import figure, paragraph, section, table
from charlm.training.curves import Axis, Curve, chart, legend
from charlm.training.run_status import IN_BITS, IN_NATS, loss_curves

if TYPE_CHECKING:
    from charlm.training.log import LogEntry

ROWS = 20
"""The approximate number of log entries listed as numbers."""


def learning(entries: list[LogEntry], *, without: str) -> str:
    """Returns the section.

    Args:
        entries: The log of the run.
        without: What to say if it has no entry; with nothing to say, there is no section.
    """
    if not entries:
        return section("learning", "Learning", paragraph(without) if without else "")
    curves = loss_curves(entries)
    loss = figure(chart("Loss", curves, IN_NATS, IN_BITS), legend(curves), title="Loss")
    numbers = f"<details><summary>Show the numbers</summary>{_log_table(entries)}</details>"
    return section("learning", "Learning", f'{loss}<div class="several">{_others(entries)}</div>{numbers}')


def _others(entries: list[LogEntry]) -> str:
    norms = [(entry.step, norm) for entry in entries if (norm := entry.gradient_norm) is not None]
    curves = {
        "learning rate": [(entry.step, entry.learning_rate) for entry in entries],
        "characters per second": [(entry.step, entry.characters_per_second) for entry in entries],
        "gradient norm": norms,
    }
    return "".join(
        figure(chart(name.capitalize(), [Curve(name=name, points=points)], Axis(label=name)))
        for name, points in curves.items()
        if points
    )


def _log_table(entries: list[LogEntry]) -> str:
    every = max(1, len(entries) // ROWS)
    shown = [entry for place, entry in enumerate(entries) if place % every == 0 or entry.validation_loss is not None]
    shown = shown[:: max(1, len(shown) // (2 * ROWS))]
    if shown[-1] is not entries[-1]:
        shown.append(entries[-1])
    rows = [
        (
            f"{entry.step:,}",
            f"{entry.train_loss:.4f}",
            "" if entry.validation_loss is None else f"{entry.validation_loss:.4f}",
            f"{entry.learning_rate:.3g}",
            f"{entry.characters_per_second:,.0f}",
            "" if entry.gradient_norm is None else f"{entry.gradient_norm:.3g}",
        )
        for entry in shown
    ]
    head = (
        "step",
        "training loss, nats",
        "validation loss, nats",
        "learning rate",
        "characters per second",
        "norm of the gradient",
    )
    return table("Log of the run", rows, head)
