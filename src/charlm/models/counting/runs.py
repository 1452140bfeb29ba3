"""Runs: the windows of a stretch of text, sorted, each once with its count; and how runs are merged.

A window is the next ``order`` symbols; all symbols from the first 0 on, which ends the text, count as 0. It is packed
into as few words of up to 64 bits as hold it, so that windows are ordered as their words are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from charlm.models.counting.texts import Stretch

_Word: TypeAlias = "NDArray[np.unsignedinteger[Any]]"

WORD_BITS = 64


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How windows are packed into words.

    Attributes:
        bits: The number of bits in a symbol.
        widths: The number of symbols in each word, the first symbols of the window in the first word.

    Example:
        >>> Packing.of(vocab_size=100, order=12)
        Packing(bits=7, widths=(9, 3))
    """

    bits: int
    widths: tuple[int, ...]

    @classmethod
    def of(cls, *, vocab_size: int, order: int) -> Packing:
        """Returns how windows of ``order`` symbols are packed."""
        bits = vocab_size.bit_length()
        whole, rest = divmod(order, WORD_BITS // bits)
        return cls(bits=bits, widths=(*[WORD_BITS // bits] * whole, *[rest] * (rest > 0)))

    @property
    def order(self) -> int:
        """The number of symbols in a window."""
        return sum(self.widths)

    @property
    def dtypes(self) -> tuple[np.dtype[np.unsignedinteger[Any]], ...]:
        """The dtype of each word."""
        return tuple(map(self.dtype, self.widths))

    def dtype(self, width: int) -> np.dtype[np.unsignedinteger[Any]]:
        """Returns the smallest dtype that holds ``width`` symbols."""
        return np.min_scalar_type((1 << self.bits * width) - 1)


class Run(NamedTuple):
    """Different windows, ascending.

    Attributes:
        words: The words of each, unsigned, each ``(D,)``.
        counts: How often each occurs, unsigned, ``(D,)``.
    """

    words: tuple[_Word, ...]
    counts: _Word

    @property
    def size(self) -> int:
        """The number of windows, D."""
        return len(self.counts)

    def block(self, start: int, stop: int) -> Run:
        """Returns the windows from ``start`` up to ``stop``."""
        return Run(tuple(word[start:stop] for word in self.words), self.counts[start:stop])

    def close(self) -> None:
        """Does nothing, unlike that of a run on disk."""

    def up_to(self, window: Sequence[np.unsignedinteger[Any]]) -> int:
        """Returns how many windows are not above another one."""
        start, stop = 0, self.size
        for word, value in zip(self.words, window, strict=True):
            among = word[start:stop]
            start, stop = (start + int(np.searchsorted(among, value, side=side)) for side in ("left", "right"))
        return stop


class StoredRun(Protocol):
    """A run in memory or on disk."""

    @property
    def size(self) -> int:
        """The number of windows."""

    def block(self, start: int, stop: int) -> Run:
        """Returns the windows from ``start`` up to ``stop``, fewer at the end."""

    def close(self) -> None:
        """Removes it."""


def counted(stretch: Stretch, packing: Packing) -> Run:
    """Returns the windows of a stretch, except those that begin where a text has ended."""
    words = _windows(stretch.symbols, packing)
    run = _sorted(words, stretch.weights, "quicksort")
    is_empty = run.size > 0 and not run.words[0][0]  # such windows are 0, and come first
    return run.block(int(is_empty), run.size)


def merged(runs: Sequence[StoredRun], at_once: int) -> Iterator[Run]:
    """Yields the windows of several runs, ascending, a block at a time.

    Args:
        runs: The runs.
        at_once: How many windows of each are in memory.
    """
    if len(runs) == 1:
        yield from (runs[0].block(start, start + at_once) for start in range(0, runs[0].size, at_once))
        return
    blocks = [run.block(0, at_once) for run in runs]
    read = [block.size for block in blocks]
    while any(block.size for block in blocks):
        # What follows in a run is above the last of its block: up to the least of those everything is in memory.
        unread = [b for b, place, run in zip(blocks, read, runs, strict=True) if place < run.size]
        last = min((tuple(word[-1] for word in block.words) for block in unread), default=None)
        stops = [block.size if last is None else block.up_to(last) for block in blocks]
        yield _union([block.block(0, stop) for block, stop in zip(blocks, stops, strict=True) if stop])
        for number, (block, stop, run) in enumerate(zip(blocks, stops, runs, strict=True)):
            blocks[number] = block.block(stop, block.size)
            if stop == block.size and read[number] < run.size:
                blocks[number] = run.block(read[number], read[number] + at_once)
                read[number] += blocks[number].size


def joined(blocks: Iterable[Run]) -> Run:
    """Returns the run that consists of ascending blocks, at least one."""
    several = list(blocks)
    if len(several) == 1:
        return several[0]
    words = tuple(np.concatenate(words) for words in zip(*(block.words for block in several), strict=True))
    return Run(words, np.concatenate([block.counts for block in several]))


def _union(runs: Sequence[Run]) -> Run:
    """Returns the windows of runs, those of several with the sum of their counts."""
    everything = joined(runs)
    return everything if len(runs) == 1 else _sorted(everything.words, everything.counts, "stable")


def _windows(symbols: _Word, packing: Packing) -> tuple[_Word, ...]:
    """Returns the words of the window that begins at each place."""
    places = len(symbols) - packing.order + 1
    ends = np.cumsum(packing.widths).tolist()
    words = tuple(
        _packed(symbols[stop - width : places + stop - 1], width, packing)
        for width, stop in zip(packing.widths, ends, strict=True)
    )
    zeros = np.flatnonzero(symbols == 0)
    for kept in range(packing.order):  # so many symbols before a 0 are left of a window
        windows = zeros - kept
        windows = windows[np.searchsorted(windows, 0) : np.searchsorted(windows, places)]
        for word, width, stop in zip(words, packing.widths, ends, strict=True):
            if kept < stop:
                dropped = packing.bits * min(stop - kept, width)
                word[windows] = word[windows] >> dropped << dropped if dropped < 8 * word.itemsize else 0
    return words


def _packed(symbols: _Word, width: int, packing: Packing) -> _Word:
    """Returns the ``width`` symbols from each place on as one number, from numbers of half as many."""
    if width == 1:
        return symbols.copy()
    half = width // 2
    halves = _packed(symbols[: len(symbols) - width % 2], half, packing)
    places = len(symbols) - width + 1
    packed = halves[:places].astype(packing.dtype(width))
    packed <<= packing.bits * half
    packed |= halves[half : half + places]
    if width % 2:
        packed <<= packing.bits
        packed |= symbols[width - 1 :]
    return packed


def _sorted(words: tuple[_Word, ...], counts: NDArray[Any] | None, kind: Literal["quicksort", "stable"]) -> Run:
    """Returns windows that may occur several times as a run.

    Args:
        words: The words of each; a single one is sorted in place.
        counts: How often each counts; None counts each once.
        kind: ``"stable"`` is the faster one for what consists of sorted pieces.
    """
    if len(words) == 1 and counts is None:
        words[0].sort()
        starts = np.flatnonzero(_is_new(words))
        multiplicity = np.diff(starts, append=len(words[0]))
        return Run((words[0][starts],), _narrow(multiplicity))
    ascending = np.argsort(_ranks(words, kind), kind=kind)
    words = tuple(word[ascending] for word in words)
    starts = np.flatnonzero(_is_new(words))
    if counts is None:
        multiplicity = np.diff(starts, append=len(ascending))
    elif len(starts):
        multiplicity = np.add.reduceat(counts[ascending], starts, dtype=np.int64)
    else:
        multiplicity = starts
    starts, multiplicity = starts[multiplicity > 0], multiplicity[multiplicity > 0]
    return Run(tuple(word[starts] for word in words), _narrow(multiplicity))


def _ranks(words: tuple[_Word, ...], kind: Literal["quicksort", "stable"]) -> _Word:
    """Returns one number for each window, ordered as their words are."""
    rank_bits = len(words[0]).bit_length()
    ranks, bits = words[0], 8 * words[0].itemsize
    for word in words[1:]:
        word_bits = 8 * word.itemsize
        if bits + word_bits > WORD_BITS:
            ranks, bits = _ranked(ranks, kind), rank_bits
        if bits + word_bits > WORD_BITS:
            word, word_bits = _ranked(word, "quicksort"), rank_bits  # noqa: PLW2901 - ordered as it is
        ranks, bits = ranks.astype(np.uint64) << np.uint64(word_bits) | word, bits + word_bits
    return ranks


def _ranked(word: _Word, kind: Literal["quicksort", "stable"]) -> _Word:
    """Returns the rank of each word among the different ones."""
    ascending = np.argsort(word, kind=kind)
    ranks = np.empty(len(word), dtype=np.uint64)
    ranks[ascending] = np.cumsum(_is_new((word[ascending],))) - 1
    return ranks


def _is_new(words: tuple[_Word, ...]) -> NDArray[np.bool_]:
    """Returns whether each of sorted windows differs from the one before it."""
    is_new = np.zeros(len(words[0]), dtype=bool)
    is_new[:1] = True
    for word in words:
        is_new[1:] |= word[1:] != word[:-1]
    return is_new


def _narrow(counts: NDArray[np.int64]) -> _Word:
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
