"""Observers that show a run while it trains: a progress bar or lines of text, and TensorBoard.

Any callable that takes a ``LogEntry`` can be a trainer's ``on_log``; here are two that many need.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

from charlm.runtime.interactive import bar, in_notebook, is_shown, on_terminal
from charlm.runtime.launch import launched_rank

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from charlm.training.log import LogEntry

BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
"""Fits in 80 columns; omits the speed in steps, which tqdm adds by default."""
WITHOUT_TOTAL = "step {n_fmt} [{elapsed}{postfix}]"


class Progress:
    """Shows entries on standard error: a progress bar on a terminal or in a notebook, otherwise one line per entry.

    ``Trainer.fit`` creates one where somebody is watching, unless its ``on_log`` is one already.

    Args:
        max_steps: The length of the run; None if it is not known.
        first_step: The step at which it begins, above 0 in a resumed run.

    Example:
        >>> from charlm import LogEntry
        >>> with Progress(max_steps=100) as show:  # pass ``show`` to a Trainer as ``on_log``
        ...     show(
        ...         LogEntry(
        ...             step=100, train_loss=2.5, validation_loss=None, learning_rate=0.1, gradient_norm=0.3,
        ...             characters_per_second=1e6, elapsed_seconds=1.0, peak_memory_bytes=0,
        ...         )
        ...     )
    """

    def __init__(self, max_steps: int | None = None, *, first_step: int = 0) -> None:
        self._max_steps = max_steps
        self._validation_loss: float | None = None
        bar_format = WITHOUT_TOTAL if max_steps is None else BAR
        self._bar = (
            bar(total=max_steps, initial=first_step, bar_format=bar_format) if on_terminal() or in_notebook() else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is None:
            return
        if kind is None and in_notebook():
            self._bar.total = self._bar.n  # what ends before its limit has not failed, as a red bar would say
        self._bar.close()

    def __call__(self, entry: LogEntry) -> None:
        """Shows an entry."""
        if entry.validation_loss is not None:
            self._validation_loss = entry.validation_loss
        if self._bar is not None:
            self._bar.set_postfix_str(self._postfix(entry), refresh=False)
            self.advance_to(entry.step)
        elif sys.stderr is not None:
            tqdm.write(self._line(entry), file=sys.stderr)

    def advance_to(self, step: int) -> None:
        """Moves the bar on to a step.

        Args:
            step: The number of steps done.
        """
        if self._bar is not None:
            self._bar.update(step - self._bar.n)

    def _line(self, entry: LogEntry) -> str:
        of_all = "" if self._max_steps is None else f"/{self._max_steps}"
        validation = "" if self._validation_loss is None else f"  validation {self._validation_loss:.4f}"
        speed = f"{entry.characters_per_second:,.0f}/s"
        return f"step {entry.step}{of_all}  train {entry.train_loss:.4f}{validation}  speed {speed}"

    def _postfix(self, entry: LogEntry) -> str:
        validation = "" if self._validation_loss is None else f"val {self._validation_loss:.3f}, "
        speed = tqdm.format_sizeof(entry.characters_per_second)
        return f"train {entry.train_loss:.3f}, {validation}{speed}/s"


class StepCounter:
    """Passes the number of steps done to a function, and shows nothing.

    Args:
        on_step: The function; None tells nobody.
    """

    def __init__(self, on_step: Callable[[int], None] | None) -> None:
        self._on_step = on_step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, entry: LogEntry) -> None:
        """Does nothing: an entry is for ``on_log``."""

    def advance_to(self, step: int) -> None:
        """Tells how many steps are done."""
        if self._on_step is not None:
            self._on_step(step)


def watcher_of(
    *, progress: bool | Callable[[int], None] | None, max_steps: int | None, first_step: int, on_log: object
) -> Progress | StepCounter:
    """Returns what ``Trainer.fit`` shows or tells its progress.

    Args:
        progress: As for ``Trainer.fit``.
        max_steps: The length of the run; None if it is not known.
        first_step: The step at which it begins.
        on_log: That of the trainer; where it is a ``Progress``, None shows no second one.

    Raises:
        TypeError: ``progress`` is something else.
    """
    if callable(progress):
        return StepCounter(progress)
    if progress is None and isinstance(on_log, Progress):
        return StepCounter(None)
    if not is_shown(progress) or launched_rank():
        return StepCounter(None)
    return Progress(max_steps, first_step=first_step)


def as_code(text: str) -> str:
    r"""Returns a text as Markdown shows it unchanged.

    Example:
        >>> as_code("to be\nor *not*")
        '    to be\n    or *not*'
    """
    return "\n".join(f"    {line}" for line in text.split("\n"))


class TensorBoardLog:
    """Writes entries for TensorBoard; needs the ``logs`` extra.

    Args:
        folder: The folder for its files, such as the folder of the run.
        first_step: The step at which the run begins, above 0 in a resumed run: later entries that are already there are
            not shown any more, since the run makes them again.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str], *, first_step: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra, and slow to load
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("TensorBoardLog needs TensorBoard: pip install 'chartok[logs]'") from error
        self._writer = SummaryWriter(os.fspath(folder), purge_step=first_step + 1 if first_step else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.close()

    def __call__(self, entry: LogEntry) -> None:
        """Writes an entry."""
        for name, value in dataclasses.asdict(entry).items():
            if name == "sample" and value is not None:
                self._writer.add_text(name, as_code(value), entry.step)
            elif name != "step" and value is not None:
                self._writer.add_scalar(name, value, entry.step)
