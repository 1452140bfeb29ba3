"""Stop sequences: a sample ends before the first one generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class StopFilter:
    """Passes on ids, which arrive one at a time, up to a stop sequence, but never one that is part of it.

    Ids that could begin a stop sequence are held back until it is clear that they do not. The first sequence to be
    completed counts; of two completed at once, the longer.

    Args:
        stops: The sequences, none of them empty.

    Example:
        >>> stop_filter = StopFilter([[1, 2, 3]])
        >>> [stop_filter.take(token_id) for token_id in [0, 1, 2, 1, 2, 3]]
        [[0], [], [], [1, 2], [], []]
        >>> stop_filter.is_finished
        True
    """

    def __init__(self, stops: Iterable[list[int]] = ()) -> None:
        self._stops = sorted(stops, key=len, reverse=True)
        self._held: list[int] = []
        self.is_finished: bool = False
        """Whether a stop sequence has been completed; no more ids are accepted after it."""

    def take(self, token_id: int) -> list[int]:
        """Returns the ids, this one or earlier ones, now known not to be part of a stop sequence."""
        if not self._stops:
            return [token_id]
        held = [*self._held, token_id]
        for stop in self._stops:
            if held[-len(stop) :] == stop:
                self.is_finished, self._held = True, []
                return held[: -len(stop)]
        start = next(start for start in range(len(held) + 1) if self._may_go_on(held[start:]))
        self._held = held[start:]
        return held[:start]

    def rest(self) -> list[int]:
        """Returns the ids held back, when no more will arrive."""
        rest, self._held = self._held, []
        return rest

    def _may_go_on(self, ids: list[int]) -> bool:
        """Returns whether a stop sequence begins with these ids; always true for no ids."""
        return any(stop[: len(ids)] == ids for stop in self._stops)
