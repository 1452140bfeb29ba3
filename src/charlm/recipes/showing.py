"""Shows the progress of training by the events that it reports: a bar of the steps, or what is being counted."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from charlm.recipes.events import CountingBegan, EntryMade, StepDone, TrainingBegan
from charlm.runtime.interactive import is_shown, stage

if TYPE_CHECKING:
    from types import TracebackType

    from charlm.recipes.events import Event
    from charlm.training.observers import Progress

MANY_CHARACTERS = 1 << 20
"""Counting fewer takes less than a second, which nobody needs to be told about."""


class ShownProgress:
    """A hook that shows progress.

    Args:
        progress: True and False decide; None shows it on a terminal and in a notebook.

    Raises:
        TypeError: ``progress`` is something else.

    Example:
        >>> with ShownProgress(progress=False) as hook:
        ...     hook(CountingBegan(characters=10_000_000))
    """

    def __init__(self, *, progress: bool | None) -> None:
        self._is_shown = is_shown(progress)
        self._shown = ExitStack()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._shown.__exit__(kind, error, traceback)

    def __call__(self, event: Event) -> None:
        """Shows an event; what has been shown before ends with the next event from outside the run."""
        if not self._is_shown:
            return
        if isinstance(event, StepDone) and self._bar is not None:
            self._bar.advance_to(event.step)
        elif isinstance(event, EntryMade) and self._bar is not None:
            self._bar(event.entry)
        else:
            self._shown.close()
            self._bar = None
        if isinstance(event, CountingBegan) and event.characters >= MANY_CHARACTERS:
            self._shown.enter_context(stage(f"counting {event.characters:,} characters"))
        if isinstance(event, TrainingBegan):
            self._bar = self._shown.enter_context(self._bar_of(event))

    @staticmethod
    def _bar_of(event: TrainingBegan) -> Progress:
        from charlm.training.observers import Progress  # noqa: PLC0415 - a count model needs no PyTorch

        return Progress(event.total_steps, first_step=event.first_step)
