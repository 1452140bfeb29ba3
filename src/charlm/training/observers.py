"""Observers that show the entries of a run while it trains: a progress bar or lines of text, and TensorBoard.

Any callable that takes a ``LogEntry`` can be a trainer's ``on_log``; these two are the most common.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType

    from charlm.training.log import LogEntry

BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
"""Fits in 80 columns; omits the speed in steps, which tqdm adds by default."""
WITHOUT_TOTAL = "step {n_fmt} [{elapsed}{postfix}]"


class Progress:
    """Shows entries on standard error: a progress bar on a terminal, otherwise one line per entry.

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
        is_closed = sys.stderr is None
        self._bar = tqdm(total=max_steps, initial=first_step, disable=is_closed or None, bar_format=bar_format)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def __call__(self, entry: LogEntry) -> None:
        """Shows an entry."""
        if entry.validation_loss is not None:
            self._validation_loss = entry.validation_loss
        if sys.stderr is None:
            return
        if self._bar.disable:
            tqdm.write(self._line(entry), file=sys.stderr)
        else:
            self._bar.set_postfix_str(self._postfix(entry), refresh=False)
            self._bar.update(entry.step - self._bar.n)

    def _line(self, entry: LogEntry) -> str:
        of_all = "" if self._max_steps is None else f"/{self._max_steps}"
        validation = "" if self._validation_loss is None else f"  validation {self._validation_loss:.4f}"
        speed = f"{entry.characters_per_second:,.0f}/s"
        return f"step {entry.step}{of_all}  train {entry.train_loss:.4f}{validation}  speed {speed}"

    def _postfix(self, entry: LogEntry) -> str:
        validation = "" if self._validation_loss is None else f"val {self._validation_loss:.3f}, "
        speed = tqdm.format_sizeof(entry.characters_per_second)
        return f"train {entry.train_loss:.3f}, {validation}{speed}/s"


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
            if name != "step" and value is not None:
                self._writer.add_scalar(name, value, entry.step)
