"""Stop sequences: a sample ends before the first one generated."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class StopAutomaton:
    """Finds stop sequences in ids that arrive one at a time (Aho and Corasick, 1975).

    A state is the longest end of the ids so far with which a sequence begins; 0 is that of no ids. An id takes
    constant time on average, however many sequences there are and however long they are.

    Args:
        stops: The sequences, none of them empty.

    Attributes:
        lengths: How many ids each state consists of.
        completed: The length of the longest sequence that ends in each state; 0 if none does.

    Example:
        >>> automaton = StopAutomaton([[1, 2, 3], [2]])
        >>> state = automaton.following(automaton.following(0, 1), 2)
        >>> automaton.lengths[state], automaton.completed[state]
        (2, 1)
    """

    def __init__(self, stops: Iterable[list[int]] = ()) -> None:
        self._longer: list[dict[int, int]] = [{}]
        self.lengths: list[int] = [0]
        self.completed: list[int] = [0]
        for stop in stops:
            state = 0
            for length, token_id in enumerate(stop, start=1):
                state = self._longer[state].setdefault(token_id, len(self.lengths))
                if state == len(self.lengths):
                    self._longer.append({})
                    self.lengths.append(length)
                    self.completed.append(0)
            self.completed[state] = len(stop)
        self._shorter = [0] * len(self.lengths)
        waiting = deque(self._longer[0].values())
        while waiting:
            state = waiting.popleft()
            for token_id, longer in self._longer[state].items():
                self._shorter[longer] = self.following(self._shorter[state], token_id)
                self.completed[longer] = self.completed[longer] or self.completed[self._shorter[longer]]
                waiting.append(longer)

    def following(self, state: int, token_id: int) -> int:
        """Returns the state after one more id."""
        while state and token_id not in self._longer[state]:
            state = self._shorter[state]
        return self._longer[state].get(token_id, 0)


class StopFilter:
    """Passes on ids, which arrive one at a time, up to a stop sequence, but never one that is part of it.

    Ids that could begin a stop sequence are held back until it is clear that they do not. The first sequence to be
    completed counts; of two completed at once, the longer.

    Args:
        automaton: That of the sequences; several filters can share it.

    Example:
        >>> stop_filter = StopFilter(StopAutomaton([[1, 2, 3]]))
        >>> [stop_filter.take(token_id) for token_id in [0, 1, 2, 1, 2, 3]]
        [[0], [], [], [1, 2], [], []]
        >>> stop_filter.is_finished
        True
    """

    def __init__(self, automaton: StopAutomaton) -> None:
        self._automaton = automaton
        self._state = 0
        self._held = deque[int]()
        self.is_finished: bool = False
        """Whether a stop sequence has been completed; no more ids are accepted after it."""

    def take(self, token_id: int) -> list[int]:
        """Returns the ids, this one or earlier ones, now known not to be part of a stop sequence."""
        self._state = self._automaton.following(self._state, token_id)
        if not self._state and not self._held:
            return [token_id]
        self._held.append(token_id)
        completed = self._automaton.completed[self._state]
        kept = completed or self._automaton.lengths[self._state]
        passed = [self._held.popleft() for _ in range(len(self._held) - kept)]
        if completed:
            self.is_finished = True
            self._held.clear()
        return passed

    def take_all(self, ids: Sequence[int]) -> list[int]:
        """Returns what ``take`` does for several ids, up to one that completes a stop sequence."""
        if len(ids) == 1:
            return self.take(ids[0])
        passed: list[int] = []
        for token_id in ids:
            passed += self.take(token_id)
            if self.is_finished:
                break
        return passed

    def rest(self) -> list[int]:
        """Returns the ids held back, when no more will arrive."""
        rest = list(self._held)
        self._held.clear()
        return rest
