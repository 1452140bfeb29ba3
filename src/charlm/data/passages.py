"""Passages of a text: parts of a stream of ids across whose ends nothing goes; how they are divided, and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from charlm.data.choices import Split
from charlm.data.dataset import JoinedTexts, pieces_of_text
from charlm.data.permutation import shuffled
from chartok.arguments import check_iterable, integer
from chartok.arguments import fraction as checked_fraction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from charlm.data.dataset import Piece

BLOCK = 4096
"""The most ids in a block of ``random-blocks``; a text is cut into equal ones, none longer than one part."""


@dataclass(frozen=True, eq=False)
class Passages:
    """Passages of a stream of ids, in order: no window begins in one and ends in another, and no n-gram does.

    Attributes:
        starts: Where each begins, int64 ``(P,)``.
        stops: Where each ends, int64 ``(P,)``; at most where the next begins.
    """

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    @classmethod
    def whole(cls, length: int) -> Passages:
        """Returns the one passage of a stream of ``length`` ids."""
        return cls(np.array([0]), np.array([length]))

    @classmethod
    def checked(cls, passages: Iterable[tuple[int, int]], length: int) -> Passages:
        """Returns the passages with these starts and stops.

        Raises:
            ValueError: There is none, or one is empty, not within the ``length`` ids, or begins before another ends.
            TypeError: They are not pairs of integers.
        """
        check_iterable("passages", passages, "pairs of a start and a stop")
        pairs = [_pair(number, passage) for number, passage in enumerate(passages)]
        if not pairs:
            raise ValueError("passages is empty: give the start and the stop of at least one")
        before = 0
        for number, (start, stop) in enumerate(pairs):
            if not before <= start < stop <= length:
                raise ValueError(
                    f"passages[{number}] must begin at {before} or later and end after that, at {length} or earlier, "
                    f"got ({start}, {stop})"
                )
            before = stop
        return cls(*np.array(pairs, dtype=np.int64).T)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of ids in each, int64 ``(P,)``."""
        return self.stops - self.starts

    def __len__(self) -> int:
        return int(self.lengths.sum())

    def pairs(self) -> list[tuple[int, int]]:
        """Returns the start and the stop of each."""
        return list(zip(self.starts.tolist(), self.stops.tolist(), strict=True))

    def part(self, start: int, stop: int) -> Passages:
        """Returns the passages that have the ids from ``start`` up to ``stop``, counted over all of these."""
        before = np.cumsum(self.lengths) - self.lengths
        starts = self.starts + np.clip(start - before, 0, self.lengths)
        stops = self.starts + np.clip(stop - before, 0, self.lengths)
        return Passages(starts[starts < stops], stops[starts < stops])

    def split(self, share: float, *, how: Split = "tail", seed: int | None = 0) -> tuple[Passages, Passages]:
        """Returns the first part and what is held out, which may be empty.

        Args:
            share: The share of the ids in the first part; rounded down to whole ids, or to the nearest number of
                blocks.
            how: What is held out: ``"tail"``, ``"head"``, or ``"random-blocks"``, of up to ``BLOCK`` ids each.
            seed: Determines which blocks are drawn.

        Raises:
            ValueError: ``share`` is not between 0 and 1, or ``how`` is unknown.

        Example:
            >>> first, held_out = Passages.whole(10).split(0.8, how="random-blocks")
            >>> first.pairs(), held_out.pairs()
            ([(0, 6), (8, 10)], [(6, 8)])
        """
        if how not in get_args(Split):
            raise ValueError(f"split must be one of {', '.join(get_args(Split))}, got {how!a}")
        length = len(self)
        end = int(checked_fraction("fraction", share) * length)
        if how == "tail":
            return self.part(0, end), self.part(end, length)
        if how == "head":
            return self.part(length - end, length), self.part(0, length - end)
        return self._without_blocks(length - end, seed)

    def _without_blocks(self, held_out: int, seed: int | None) -> tuple[Passages, Passages]:
        length = len(self)
        blocks = -(-length // max(1, min(BLOCK, held_out, length - held_out)))
        bounds = np.arange(blocks) * length // blocks
        is_drawn = np.zeros(blocks, dtype=bool)
        is_drawn[shuffled(blocks, seed)[: round(blocks * held_out / length)]] = True
        before = np.cumsum(self.lengths) - self.lengths
        cuts = np.union1d(before, bounds[1:][np.diff(is_drawn)])
        starts = cuts + (self.starts - before)[np.searchsorted(before, cuts, side="right") - 1]
        stops = starts + np.diff(cuts, append=length)
        is_held_out = is_drawn[np.searchsorted(bounds, cuts, side="right") - 1]
        return Passages(starts[~is_held_out], stops[~is_held_out]), Passages(starts[is_held_out], stops[is_held_out])


def _pair(number: int, passage: object) -> tuple[int, int]:
    name = f"passages[{number}]"
    if not isinstance(passage, Sequence | np.ndarray) or isinstance(passage, str) or len(passage) != 2:  # noqa: PLR2004
        raise TypeError(f"{name} must be a start and a stop, got {passage!a}")
    return integer(name, passage[0]), integer(name, passage[1])


def pieces_of_passages(
    read: Callable[[int, int], NDArray[np.integer[Any]]], passages: Passages, targets: int | None, overlap: int
) -> Iterator[Piece]:
    """Yields passages a piece at a time, each id but the first of a passage a target once; see ``SupportsPieces``.

    Args:
        read: Returns the ids of the stream from a start to a stop.
        passages: The passages.
        targets: As for ``charlm.data.dataset.pieces_of_text``.
        overlap: Likewise.
    """
    for first, last in passages.pairs():

        def read_here(start: int, stop: int, first: int = first) -> NDArray[np.integer[Any]]:
            return read(first + start, first + stop)

        yield from pieces_of_text(read_here, last - first, targets, overlap)


def parts_of_passages(
    read: Callable[[int, int], NDArray[np.integer[Any]]], passages: Passages, ids: int
) -> Iterator[JoinedTexts]:
    """Yields passages as texts, about ``ids`` ids at a time; see ``charlm.data.dataset.SupportsParts``.

    Args:
        read: Returns the ids of the stream from a start to a stop.
        passages: The passages.
        ids: The most ids in a part.

    Example:
        >>> parts = parts_of_passages(lambda start, stop: np.arange(start, stop), Passages.whole(5), 3)
        >>> [(part.ids.tolist(), part.continues) for part in parts]
        [([0, 1, 2], True), ([3, 4], False)]
    """
    for start in range(0, len(passages), ids):
        some = passages.part(start, start + ids)
        last = passages.part(start + ids, start + ids + 1)
        read_ids = [read(*pair) for pair in some.pairs()]
        yield JoinedTexts(
            read_ids[0] if len(read_ids) == 1 else np.concatenate(read_ids),
            some.lengths,
            continues=bool(len(last)) and int(last.starts[0]) not in passages.starts,
        )


@dataclass(frozen=True, eq=False)
class TextsOfPassages:
    """Passages of a stream as texts to count, however short they are.

    Attributes:
        read: Returns the ids of the stream from a start to a stop.
        passages: The passages.
    """

    read: Callable[[int, int], NDArray[np.integer[Any]]]
    passages: Passages

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Returns the passages in order, about ``ids`` ids at a time; see ``charlm.data.dataset.SupportsParts``."""
        return parts_of_passages(self.read, self.passages, ids)
