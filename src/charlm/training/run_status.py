"""The status of a run: its step, its folder, its losses, and in a notebook their curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from charlm.training import chart_style
from charlm.training.curves import Axis, Curve, chart, legend
from chartok.notebook import Shown, quiet

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.models.base import LanguageModel
    from charlm.training.counters import Counters
    from charlm.training.log import LogEntry
    from charlm.training.run_writer import RunWriter
    from charlm.training.schedule import RunSchedule

IN_NATS = Axis(label="nats per character")
IN_BITS = Axis(label="bits per character", factor=1 / math.log(2))
STYLE = f"""
.chartok{{--training:rgb(128 134 142);--validation:rgb(224 96 48);{chart_style.STYLE}}}
.chartok .chart{{max-width:36em}}
"""


class RunStatus(Shown):
    """The part of ``Trainer`` that reports the status of a run.

    Attributes:
        model: The model.
        log: All entries, oldest first.
    """

    model: LanguageModel
    log: list[LogEntry]
    _counters: Counters
    _schedule: RunSchedule
    _writer: RunWriter | None
    _style = STYLE

    @property
    def step(self) -> int:
        """The number of optimizer steps done."""
        return self._counters.step

    @property
    def total_steps(self) -> int | None:
        """The length of the run in steps; None if only time limits it."""
        return self._schedule.total_steps

    @property
    def folder(self) -> Path | None:
        """The folder of the run; None if nothing is saved."""
        return None if self._writer is None else self._writer.folder.path

    @property
    def best_checkpoint(self) -> Path | None:
        """The folder of the checkpoint with the lowest validation loss so far; None if there is none."""
        return None if self._writer is None else self._writer.best_checkpoint(self._counters.best_step)

    def _facts(self) -> dict[str, str]:
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        of_all = "" if self.total_steps is None else f" of {self.total_steps:,}"
        facts = {
            "model": f"{self.model.family}, {parameters:,} parameters, on {self.model.device}",
            "step": f"{self.step:,}{of_all}",
        }
        if self.log:
            facts["train loss"] = _in_both_units(self.log[-1].train_loss)
        losses = [(entry.validation_loss, entry.step) for entry in self.log if entry.validation_loss is not None]
        if losses:
            best, step = min(losses)
            facts["validation loss"] = f"{_in_both_units(best)}, at step {step:,}"
        if self.log:
            facts["time"] = f"{self.log[-1].elapsed_seconds:,.1f} s"
        return facts if self.folder is None else facts | {"folder": str(self.folder)}

    def _content(self) -> str:
        if not self.log:
            return quiet("nothing has been trained yet: call fit()")
        curves = loss_curves(self.log)
        return chart("Loss", curves, IN_NATS, IN_BITS) + f"<small>{legend(curves)}</small>"


def loss_curves(entries: list[LogEntry]) -> list[Curve]:
    """Returns the curve of the training loss, and that of the validation loss if anything was evaluated.

    Args:
        entries: At least one.
    """
    curves = [Curve(name="training", kind="training", points=[(entry.step, entry.train_loss) for entry in entries])]
    validation = [(entry.step, loss) for entry in entries if (loss := entry.validation_loss) is not None]
    return [*curves, Curve(name="validation", kind="validation", points=validation)] if validation else curves


def _in_both_units(nats: float) -> str:
    return f"{nats:.4f} nats, {nats / math.log(2):.4f} bits per character"
