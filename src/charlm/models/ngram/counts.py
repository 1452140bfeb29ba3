"""N-gram counts up to a given order: counted by sorting, merged by merging sorted lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray

from charlm.data.dataset import JoinedTexts, SupportsParts, holds_texts, on_host
from chartok.arguments import positive_integer
from chartok.ids import Ids, as_id_array, is_array

if TYPE_CHECKING:
    from collections.abc import Sequence

Tokens: TypeAlias = Ids | SupportsParts | Iterable[Ids | SupportsParts]
"""One text or several: the ids of a text in an array, a tensor on any device or an iterable of integers; the texts of
a dataset; or an iterable of those."""

_Keys: TypeAlias = NDArray[np.int64]
_Decoder: TypeAlias = Callable[[_Keys], list[_Keys]]

LARGEST_VOCABULARY = 1 << 31
"""With it, the keys of four billion n-grams are below 2**63."""
KEY_BITS = 63
"""A key is never negative."""

IDS_AT_ONCE = 1 << 22  # of several texts, counted together
WINDOWS_AT_ONCE = 1 << 24
"""How many positions are sorted at a time, which bounds the memory that counting takes besides its result."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NGramCounts:
    """The n-grams of all orders up to ``order``, as a tree in which the children of an n-gram are one id longer.

    Nodes are numbered level by level and, within a level, in the order of their ids; node 0 is the empty n-gram. Node
    ``i > 0`` has the key ``parent * vocab_size + last id`` at ``keys[i - 1]``, so that the keys ascend, the children
    of a node are adjacent, and one binary search finds a child. As parents are node numbers, a key stays far below
    2**63 for any order and any vocabulary.

    It contains only NumPy arrays and can be pickled: count parts of a corpus in other threads or processes, and
    ``merge`` the results in any order and grouping.

    Attributes:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
        keys: One for each n-gram, ascending, int64 ``(N,)``.
        counts: How often each n-gram occurs, int64 ``(N,)``.

    Example:
        >>> counts = NGramCounts.from_tokens([0, 1, 0, 1], vocab_size=2, order=2)
        >>> counts.levels  # two unigrams, two bigrams
        (0, 2, 4)
        >>> counts.counts
        array([2, 2, 2, 1])
        >>> counts.merge(counts).counts
        array([4, 4, 4, 2])
    """

    vocab_size: int
    order: int
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def from_tokens(cls, tokens: Tokens, *, vocab_size: int, order: int) -> NGramCounts:
        """Returns the counts of a text or of several; no n-gram spans two texts.

        Args:
            tokens: The ids of one text, or an iterable of texts.
            vocab_size: The number of ids, V.
            order: The length of the longest n-grams to count, at least 1. A shorter text gives shorter n-grams.

        Raises:
            TypeError: The ids are not integers.
            ValueError: ``vocab_size`` or ``order`` is below 1, ``vocab_size`` is above 2**31, or a text is not
                one-dimensional.
            TokenIdError: An id is not below ``vocab_size``.
        """
        checked_vocab_size(vocab_size)
        positive_integer("order", order)
        return _merged(
            _count(symbols[start:], None if weights is None else weights[start:], vocab_size, order)
            for symbols, weights in separated_texts(tokens, vocab_size, padding=order)
            for start in range(0, max(len(symbols) - order, 1), WINDOWS_AT_ONCE)
        )

    @property
    def levels(self) -> tuple[int, ...]:
        """Where each order ends in ``keys``: those of order k are ``keys[levels[k - 1] : levels[k]]``."""
        return node_levels(self.keys, self.vocab_size, self.order)

    def up_to(self, order: int) -> NGramCounts:
        """Returns the counts of the n-grams of at most ``order`` ids, without copying; all of them if it is higher."""
        if order >= self.order:
            return self
        kept = slice(self.levels[order])
        return NGramCounts(vocab_size=self.vocab_size, order=order, keys=self.keys[kept], counts=self.counts[kept])

    def merge(self, other: NGramCounts) -> NGramCounts:
        """Returns the counts of the texts of both; the order and grouping of merges does not matter.

        Raises:
            ValueError: They have a different vocabulary size or order.
        """
        if (self.vocab_size, self.order) != (other.vocab_size, other.order):
            raise ValueError(
                f"counts of vocab_size {self.vocab_size} and order {self.order} cannot be merged with counts of "
                f"vocab_size {other.vocab_size} and order {other.order}"
            )
        parts = (self, other)
        # The nodes of each part in the result: those of a level are known before their children need them.
        places = tuple(np.zeros(len(part.keys) + 1, dtype=np.int64) for part in parts)
        keys: list[_Keys] = []
        counts: list[_Keys] = []
        nodes = 1
        for levels in zip(*(pairwise(part.levels) for part in parts), strict=True):
            moved = [
                _moved(part.keys[slice(*level)], place, self.vocab_size)
                for part, place, level in zip(parts, places, levels, strict=True)
            ]
            union = _distinct(np.sort(np.concatenate(moved), kind="stable"))  # merges sorted runs in linear time
            keys.append(union)
            counts.append(np.zeros(len(union), dtype=np.int64))
            for part, place, (start, stop), part_keys in zip(parts, places, levels, moved, strict=True):
                ranks = np.searchsorted(union, part_keys)
                place[start + 1 : stop + 1] = nodes + ranks
                counts[-1][ranks] += part.counts[start:stop]
            nodes += len(union)
        return NGramCounts(
            vocab_size=self.vocab_size, order=self.order, keys=np.concatenate(keys), counts=np.concatenate(counts)
        )


def _merged(parts: Iterable[NGramCounts]) -> NGramCounts:
    """Returns the counts of all parts, merged with others of like size, so that none is merged very often."""
    waiting: list[NGramCounts] = []  # each more than twice as large as the next
    for part in parts:
        merged = part
        while waiting and len(waiting[-1].keys) <= 2 * len(merged.keys):
            merged = waiting.pop().merge(merged)
        waiting.append(merged)
    return reduce(NGramCounts.merge, reversed(waiting))


def checked_vocab_size(vocab_size: SupportsIndex) -> int:
    """Returns the number of ids as an ``int``.

    Raises:
        TypeError: It is not an integer.
        ValueError: It is below 1 or above 2**31.
    """
    size = positive_integer("vocab_size", vocab_size)
    if size > LARGEST_VOCABULARY:
        raise ValueError(f"vocab_size must be at most {LARGEST_VOCABULARY}, got {size}")
    return size


def node_levels(keys: NDArray[np.int64], vocab_size: int, order: int) -> tuple[int, ...]:
    """Returns where each order ends in keys such as those of ``NGramCounts``, beginning with 0 for order 0."""
    ends = [0]
    for _ in range(order):
        ends.append(int(np.searchsorted(keys, (ends[-1] + 1) * vocab_size)))
    return tuple(ends)


def separated_texts(
    tokens: Tokens, vocab_size: int, *, padding: int
) -> Iterator[tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64] | None]]:
    """Yields whole texts, many at a time, as ids plus one in the smallest dtype, with a 0 after each text.

    Args:
        tokens: The ids of one text, or an iterable of texts.
        vocab_size: The number of ids.
        padding: How many more zeros to add at the end of an array.

    Yields:
        The ids, and the weight of each position, int64; None if all count once. Without texts, one array of zeros.

    Raises:
        TypeError: The ids are not integers.
        ValueError: A text is not one-dimensional.
        TokenIdError: An id is not below ``vocab_size``.

    Example:
        >>> list(separated_texts([[0, 1], [2]], 3, padding=1))
        [(array([1, 2, 0, 3, 0, 0], dtype=uint8), None)]
    """
    waiting: list[JoinedTexts] = []
    symbols, is_empty = 0, True
    for texts in _texts(tokens, vocab_size):
        waiting.append(texts)
        symbols += len(texts.ids) + len(texts.lengths)
        if symbols >= IDS_AT_ONCE:
            yield _separated(waiting, vocab_size, padding)
            waiting, symbols, is_empty = [], 0, False
    if waiting or is_empty:
        yield _separated(waiting, vocab_size, padding)


def _separated(
    several: list[JoinedTexts], vocab_size: int, padding: int
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64] | None]:
    dtype = np.min_scalar_type(vocab_size)
    pieces: list[NDArray[Any]] = []
    for texts in several:
        lengths = texts.lengths + 1
        shifted = np.zeros(len(texts.ids) + len(lengths), dtype=dtype)
        is_id = np.ones(len(shifted), dtype=bool)
        is_id[np.cumsum(lengths) - 1] = False
        shifted[is_id] = texts.ids
        shifted[is_id] += 1
        pieces.append(shifted)
    symbols = np.concatenate([*pieces, np.zeros(padding, dtype=dtype)])
    if all(texts.weights is None for texts in several):
        return symbols, None
    of_places = [
        np.repeat(
            np.ones(len(texts.lengths), dtype=np.int64) if texts.weights is None else texts.weights, texts.lengths + 1
        )
        for texts in several
    ]
    return symbols, np.concatenate([*of_places, np.zeros(padding, dtype=np.int64)])


def _texts(tokens: Tokens, vocab_size: int) -> Iterator[JoinedTexts]:
    """Yields checked ids of one text or of several."""
    if holds_texts(tokens):
        for texts in tokens.parts(IDS_AT_ONCE):
            yield JoinedTexts(as_id_array(texts.ids, vocab_size), texts.lengths, texts.weights)
        return
    tokens = on_host(tokens)
    if is_array(tokens) or not isinstance(tokens, Iterable):
        yield _text(tokens, vocab_size)
        return
    items = iter(tokens)
    first = next(items, None)
    if first is None:
        return
    everything = chain([first], items)
    if isinstance(first, SupportsIndex) and not getattr(first, "ndim", 0):
        yield _text(everything, vocab_size)
        return
    for item in everything:
        if holds_texts(item):
            yield from _texts(item, vocab_size)
        else:
            yield _text(on_host(item), vocab_size)


def _text(ids: Any, vocab_size: int) -> JoinedTexts:  # noqa: ANN401 - checked here
    array = as_id_array(ids, vocab_size)
    if array.ndim != 1:
        raise ValueError(f"the ids of a text must be one-dimensional, got shape {array.shape}")
    return JoinedTexts(array, np.array([len(array)]))


def _count(
    symbols: NDArray[np.unsignedinteger[Any]], weights: NDArray[np.int64] | None, vocab_size: int, order: int
) -> NGramCounts:
    """Returns the counts of the n-grams that start in the first ``WINDOWS_AT_ONCE`` positions."""
    windows = max(min(len(symbols) - order, WINDOWS_AT_ONCE), 0)
    columns = [symbols[offset : offset + windows] for offset in range(order)]
    window_keys, decode = _window_keys(columns, np.ones(windows, dtype=bool), vocab_size.bit_length())
    if weights is None:
        window_keys.sort()
        starts = np.flatnonzero(_starts(window_keys))
        multiplicity = np.diff(starts, append=windows)
    else:
        ascending = window_keys.argsort()
        window_keys = window_keys[ascending]
        starts = np.flatnonzero(_starts(window_keys))
        multiplicity = np.add.reduceat(weights[ascending], starts) if len(starts) else starts
        starts, multiplicity = starts[multiplicity > 0], multiplicity[multiplicity > 0]
    return _tree(decode(window_keys[starts]), multiplicity, vocab_size)


def _window_keys(columns: Sequence[NDArray[Any]], alive: NDArray[np.bool_], bits: int) -> tuple[_Keys, _Decoder]:
    """Returns a key for each window, ordered like their symbols, and a function that decodes keys to symbols.

    All symbols of a window from the first 0 on count as 0. If the symbols do not fit in one key, the ranks of the two
    halves of the window are used instead.

    Args:
        columns: The first symbol of each window, the second, and so on.
        alive: Whether no 0 has occurred in the window so far; updated in place.
        bits: The number of bits in a symbol.
    """
    if bits * len(columns) > KEY_BITS and len(columns) > 1:
        half = len(columns) // 2
        left, decode_left = _ranked(*_window_keys(columns[:half], alive, bits))
        right, decode_right = _ranked(*_window_keys(columns[half:], alive, bits))
        shift = int(right.max(initial=0)).bit_length()
        return left << shift | right, lambda keys: [
            *decode_left(keys >> shift),
            *decode_right(keys & ((1 << shift) - 1)),
        ]
    keys = np.zeros(len(alive), dtype=np.int64)
    for column in columns:
        alive &= column != 0
        keys <<= bits
        keys |= column * alive
    return keys, lambda keys: [keys >> bits * place & ((1 << bits) - 1) for place in reversed(range(len(columns)))]


def _ranked(keys: _Keys, decode: _Decoder) -> tuple[_Keys, _Decoder]:
    by_key = np.argsort(keys)
    ascending = keys[by_key]
    starts = _starts(ascending)
    ranks = np.empty_like(keys)
    ranks[by_key] = np.cumsum(starts) - 1
    distinct = ascending[starts]
    return ranks, lambda ranks: decode(distinct[ranks])


def _tree(columns: list[_Keys], multiplicity: NDArray[np.int64], vocab_size: int) -> NGramCounts:
    """Returns the counts of all prefixes of sorted distinct windows, given by their symbols."""
    changed = np.zeros(len(multiplicity), dtype=bool)
    changed[:1] = True
    parents = np.zeros(len(multiplicity), dtype=np.int64)
    keys: list[_Keys] = []
    counts: list[_Keys] = []
    nodes = 0
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
        is_symbol = column != 0
        is_first = changed & is_symbol
        rows = np.flatnonzero(is_first)
        keys.append(parents[rows] * vocab_size + (column[rows] - 1))
        counts.append(np.add.reduceat(multiplicity * is_symbol, rows) if len(rows) else rows)
        parents = nodes + np.cumsum(is_first)
        nodes += len(rows)
    return NGramCounts(
        vocab_size=vocab_size, order=len(columns), keys=np.concatenate(keys), counts=np.concatenate(counts)
    )


def _moved(keys: _Keys, places: _Keys, vocab_size: int) -> _Keys:
    parents, ids = np.divmod(keys, vocab_size)
    return places[parents] * vocab_size + ids


def _starts(ascending: _Keys) -> NDArray[np.bool_]:
    """Returns where a value differs from the one before it."""
    starts = np.ones(len(ascending), dtype=bool)
    np.not_equal(ascending[1:], ascending[:-1], out=starts[1:])
    return starts


def _distinct(ascending: _Keys) -> _Keys:
    return ascending[_starts(ascending)]
