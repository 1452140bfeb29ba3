"""Splits a corpus: which records, or which passages of a text, are in the first part, and which are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from charlm.data.choices import Split
from charlm.data.dataset import JoinedTexts, pieces_of_text
from charlm.data.permutation import mixed, shuffled
from charlm.runtime.seeds import seed_or_new
from chartok.arguments import fraction as checked_fraction
from chartok.arguments import integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from charlm.data.dataset import Piece, SupportsParts

BLOCK = 4096
"""The most ids in a block of ``random-blocks``; a text is cut into equal ones, none longer than one part."""
IDS_AT_ONCE = 1 << 20
"""How many ids of records are hashed at a time."""
HALF = 1 << 16
"""The values of half of a hash."""
PLACES = 1 << 16
"""The places in a record that differ for its hash."""


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
        pairs = [(integer("passages", start), integer("passages", stop)) for start, stop in passages]
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


def split_records(data: SupportsParts, share: float, *, seed: int | None) -> NDArray[np.bool_]:
    """Returns whether each record is in the first part, ``(N,)``, which is all that is kept of a record.

    Records are drawn at random, and those with the same ids together: they are ordered by a hash of their ids and the
    seed, and the order is cut between two hashes. Hashes are counted by their upper half, and only those with the half
    in which the cut falls are sorted.

    Args:
        data: The records.
        share: The share of the records in the first part; rounded down to whole records, or the nearest to that where
            records are the same. One that counts several times counts as several.
        seed: Determines which records are drawn.

    Raises:
        ValueError: ``share`` is not between 0 and 1, or a part would be empty.
        TypeError: ``seed`` is not an integer.
    """
    multipliers = _multipliers(seed)
    records, counts = 0, np.zeros(HALF)
    for part in data.parts(IDS_AT_ONCE):
        records += len(part.lengths)
        counts += np.bincount(_keys(part, multipliers) // HALF, part.weights, minlength=HALF)
    total = int(counts.sum())
    wanted = int(checked_fraction("fraction", share) * total)
    if not wanted:
        raise ValueError(f"a fraction of {share} of {total} records leaves a part empty: give more")
    up_to = np.cumsum(counts)
    half = int(np.searchsorted(up_to, wanted, side="right"))
    cut = _cut(data, multipliers, half, wanted=wanted, before=int(up_to[half] - counts[half]), total=total)
    is_first, place = np.empty(records, dtype=np.bool_), 0
    for part in data.parts(IDS_AT_ONCE):
        is_first[place : place + len(part.lengths)] = _keys(part, multipliers) < cut
        place += len(part.lengths)
    return is_first


def folds_of_records(data: SupportsParts, number: int) -> NDArray[np.uint8]:
    """Returns the fold of each record, uint8 ``(N,)``: drawn by a hash of its ids, so that equal records share one.

    Args:
        data: The records.
        number: How many folds there are, at most 256.
    """
    multipliers = _multipliers(0)
    found = [(_keys(part, multipliers) % number).astype(np.uint8) for part in data.parts(IDS_AT_ONCE)]
    return np.concatenate(found)


def _cut(
    data: SupportsParts, multipliers: NDArray[np.uint64], half: int, *, wanted: int, before: int, total: int
) -> int:
    """Returns the hash from which on records are in the rest, among those with this upper half."""
    found = [np.empty(0, dtype=np.int64)]
    weights = [np.empty(0, dtype=np.int64)]
    for part in data.parts(IDS_AT_ONCE):
        keys = _keys(part, multipliers)
        places = np.flatnonzero(keys // HALF == half)
        found.append(keys[places])
        weights.append(np.ones(len(places), dtype=np.int64) if part.weights is None else part.weights[places])
    distinct, inverse = np.unique(np.concatenate(found), return_inverse=True)
    counts = np.bincount(inverse, np.concatenate(weights)).astype(np.int64)
    up_to = before + np.cumsum(counts)
    place = int(np.searchsorted(up_to, wanted, side="right"))
    key, after = int(distinct[place]), int(up_to[place])
    cuts = [(key, after - int(counts[place])), (key + 1, after)]
    inner = [(abs(first - wanted), cut) for cut, first in cuts if 0 < first < total]
    if not inner:
        raise ValueError(
            f"the {total} records are all the same, and the same records stay together: a part would be empty"
        )
    return min(inner)[1]


def _multipliers(seed: int | None) -> NDArray[np.uint64]:
    salt = np.random.SeedSequence(seed_or_new(seed) % (1 << 64)).generate_state(1, np.uint64)
    return mixed(np.arange(PLACES, dtype=np.uint64) ^ salt)


def _keys(part: JoinedTexts, multipliers: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns a hash of each record, of 32 bits: from the sum of its ids, each times a number for its place.

    Different records that happen to have the same one land on the same side, which does no harm.
    """
    starts = np.cumsum(part.lengths) - part.lengths
    places = np.arange(len(part.ids)) - np.repeat(starts, part.lengths)
    terms = multipliers[places & (PLACES - 1)] * (part.ids.astype(np.uint64) + np.uint64(1))
    return (mixed(np.add.reduceat(terms, starts)) >> np.uint64(32)).astype(np.int64)
