"""Several beginnings of texts side by side, from which a beam goes on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.data.framing import Framing
from charlm.models.predictor import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.predictor import Predictor
    from chartok import Vocabulary

    Ids = NDArray[np.int64]

HASH_SEED = 20
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Asked:
    """A model, and what all branches of a search need to know of it.

    Args:
        vocabulary: Its vocabulary.
        predictor: The interface to it.
    """

    def __init__(self, vocabulary: Vocabulary, predictor: Predictor) -> None:
        self.predictor: Predictor = predictor
        self.framing: Framing = Framing(vocabulary)
        self.size: int = vocabulary.size
        self._log_share = 0.0 if self.framing.unk is None else self.framing.log_share_of_unknown
        self.history: int | None = None if predictor.keeps_rows_in_step else predictor.history
        """The number of ids on which what follows depends; None for all of them."""
        generator = np.random.default_rng(HASH_SEED)
        self.factors: NDArray[np.uint64] = generator.integers(
            1, 1 << 63, self.history or 0, dtype=np.uint64
        ) | np.uint64(1)
        """What the ids of a history are multiplied by in its key."""

    def rows(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Returns log-probabilities, in which each unknown character has its share of ``unk``, float64 ``(B, V)``."""
        rows: NDArray[np.float64] = log_softmax(logits.astype(np.float64)).astype(np.float64)
        if self.framing.unk is not None:
            rows[:, self.framing.unk] += self._log_share
        return rows

    def rows_of_nothing(self, n: int) -> NDArray[np.float64]:
        """Returns those where nothing came before: all ids are equally likely, float64 ``(n, V)``."""
        logits = np.full((n, self.size), -math.log(self.size - len(self.framing.context_only)))
        logits[:, list(self.framing.context_only)] = -np.inf
        return self.rows(logits)


class Branches:
    """Beginnings of texts under one model, each with what may follow it.

    Attributes:
        log_probabilities: Of the id after each, float64 ``(B, V)``.
        keys: Equal where all that follows is equally likely, but for one pair in 2**64, uint64 ``(B,)``.

    Example:
        >>> from charlm import CharLM
        >>> lm = CharLM.fit("abcabcabd" * 20, order=3)
        >>> start = Branches.at_start(Asked(lm.vocabulary, lm.predictor), 1)
        >>> branches = start.followed(np.array([0, 0]), np.array([0, 1])).followed(np.array([0, 1]), np.array([1, 2]))
        >>> branches.log_probabilities.argmax(axis=1).tolist()
        [2, 0]
    """

    def __init__(
        self,
        asked: Asked,
        log_probabilities: NDArray[np.float64],
        windows: NDArray[np.uint64],
        lengths: Ids,
        states: list[tuple[Any, int]],
        places: tuple[Ids, Ids],
    ) -> None:
        self._asked = asked
        self.log_probabilities: NDArray[np.float64] = log_probabilities
        self._windows, self._lengths = windows, lengths
        self._states, (self._of_state, self._in_state) = states, places
        self.keys: NDArray[np.uint64] = (
            windows[:, 0] if asked.history is None else (windows * asked.factors).sum(axis=1)
        )

    @classmethod
    def at_start(cls, asked: Asked, n: int) -> Self:
        """Returns several times the start of a text or record."""
        width = 1 if asked.history is None else asked.history
        places = np.zeros(n, dtype=np.int64), np.arange(n)
        nothing = np.zeros((n, width), dtype=np.uint64)
        branches = cls(asked, asked.rows_of_nothing(n), nothing, np.zeros(n, dtype=np.int64), [(None, n)], places)
        if asked.framing.bos is None:
            return branches
        return branches.followed(np.arange(n), np.full(n, asked.framing.bos))

    def __len__(self) -> int:
        return len(self._lengths)

    def keys_after(self, rows: Ids, ids: Ids) -> NDArray[np.uint64]:
        """Returns the keys that ``followed`` would give.

        Args:
            rows: Which branches, int64 ``(B,)``.
            ids: The id that follows each, or -1 for none, int64 ``(B,)``.
        """
        asked, symbols = self._asked, (ids + 1).astype(np.uint64)
        if asked.history is None:
            moved = self.keys[rows] * MULTIPLIER + symbols * (MULTIPLIER >> np.uint64(1))
        elif asked.history:
            kept = (self._windows[:, 1:] * asked.factors[:-1]).sum(axis=1)
            moved = kept[rows] + symbols * asked.factors[-1]
        else:
            moved = self.keys[rows]
        return np.where(ids < 0, self.keys[rows], moved)

    def followed(self, rows: Ids, ids: Ids) -> Self:
        """Returns some of the branches, each with one more id.

        Args:
            rows: Which, int64 ``(B,)``.
            ids: The id that follows each, or -1 for none, int64 ``(B,)``.
        """
        asked, moves = self._asked, ids >= 0
        log_probabilities = np.empty((len(rows), asked.size))
        log_probabilities[~moves] = self.log_probabilities[rows[~moves]]
        of_state, in_state, states = self._of_state[rows], self._in_state[rows], list(self._states)
        lengths = self._lengths[rows]
        kind = np.where(moves, lengths if asked.predictor.keeps_rows_in_step else np.minimum(lengths, 1), -1)
        for length in sorted({*kind[moves].tolist()}):
            members = np.flatnonzero(kind == length)
            if length:
                state = self._selected(of_state[members], in_state[members])
                logits, state = asked.predictor.step(ids[members], state)
            else:
                logits, state = asked.predictor.start(ids[members, None])
            log_probabilities[members] = asked.rows(logits)
            of_state[members], in_state[members] = len(states), np.arange(len(members))
            states.append((state, len(members)))
        used, of_state = _numbered(of_state, len(states))
        return type(self)(
            asked,
            log_probabilities,
            self._windows_after(rows, ids),
            lengths + moves,
            [states[state] for state in used],
            (of_state, in_state),
        )

    def joined(self, other: Self) -> Self:
        """Returns these branches and others of the same search."""
        return type(self)(
            self._asked,
            np.concatenate([self.log_probabilities, other.log_probabilities]),
            np.concatenate([self._windows, other._windows]),
            np.concatenate([self._lengths, other._lengths]),
            self._states + other._states,
            (
                np.concatenate([self._of_state, other._of_state + len(self._states)]),
                np.concatenate([self._in_state, other._in_state]),
            ),
        )

    def _selected(self, of_state: Ids, in_state: Ids) -> Any:  # noqa: ANN401 - each family has its own state
        """Returns the state of some rows of several states."""
        used, which = _numbered(of_state, len(self._states))
        states, sizes = zip(*(self._states[state] for state in used), strict=True)
        starts = np.cumsum(sizes) - sizes
        return self._asked.predictor.select(states, starts[which] + in_state)

    def _windows_after(self, rows: Ids, ids: Ids) -> NDArray[np.uint64]:
        if self._asked.history is None:
            return self.keys_after(rows, ids)[:, None]
        windows = self._windows[rows]
        moves = ids >= 0
        windows[moves, :-1] = windows[moves, 1:]
        windows[moves, -1:] = (ids[moves, None] + 1).astype(np.uint64)
        return windows


def _numbered(values: Ids, size: int) -> tuple[list[int], Ids]:
    """Returns the values from 0 to ``size - 1`` that occur, in order, and which of them each is."""
    used = np.flatnonzero(np.bincount(values, minlength=size))
    numbers = np.zeros(size, dtype=np.int64)
    numbers[used] = np.arange(len(used))
    return used.tolist(), numbers[values]
