"""Texts to count as one stream of symbols: ids plus one, with a 0 after each text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, TypeAlias

import numpy as np

from charlm.data.dataset import JoinedTexts, SupportsParts, holds_texts, on_host
from chartok.ids import Ids, as_id_array, is_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

Tokens: TypeAlias = Ids | SupportsParts | Iterable[Ids | SupportsParts]
"""One text or several: the ids of a text in an array, a tensor on any device or an iterable of integers; the texts of
a dataset; or an iterable of those."""

IDS_AT_ONCE = 1 << 22
"""About how many ids of a dataset are read at a time."""


class Stretch(NamedTuple):
    """A stretch of the stream in which a window, of ``width`` symbols, begins at each of N places.

    Attributes:
        symbols: The symbols, in the smallest dtype, ``(N + width - 1,)``; the next stretch begins with the last
            ``width - 1``.
        weights: How many times each window counts, int64 ``(N,)``; None counts each once.
    """

    symbols: NDArray[np.unsignedinteger[Any]]
    weights: NDArray[np.int64] | None


def stretches(tokens: Tokens, vocab_size: int, *, width: int, at_once: int) -> Iterator[Stretch]:
    """Yields the stream of texts, of which a window begins at every place, a stretch at a time.

    Args:
        tokens: The ids of one text, or an iterable of texts.
        vocab_size: The number of ids.
        width: The number of symbols in a window.
        at_once: The most windows in a stretch.

    Raises:
        TypeError: The ids are not integers.
        ValueError: A text is not one-dimensional.
        TokenIdError: An id is not below ``vocab_size``.

    Example:
        >>> list(stretches([[0, 1], [2]], 3, width=2, at_once=4))
        [Stretch(symbols=array([1, 2, 0, 3, 0], dtype=uint8), weights=None), Stretch(symbols=array([0, 0], ...
    """
    dtype = np.min_scalar_type(vocab_size)
    waiting: list[tuple[NDArray[Any], NDArray[np.int64] | None]] = []
    places = 0
    for texts in _texts(tokens, vocab_size, min(at_once, IDS_AT_ONCE)):
        for piece in _separated(texts, dtype, at_once):
            waiting.append(piece)
            places += len(piece[0])
            if places >= at_once + width - 1:
                symbols, weights = _joined(waiting)
                yield Stretch(symbols[: at_once + width - 1], None if weights is None else weights[:at_once])
                waiting = [(symbols[at_once:], None if weights is None else weights[at_once:])]
                places -= at_once
    if places:
        symbols, weights = _joined(waiting)
        yield Stretch(np.concatenate([symbols, np.zeros(width - 1, dtype=dtype)]), weights)


def _joined(
    pieces: list[tuple[NDArray[Any], NDArray[np.int64] | None]],
) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    symbols = np.concatenate([piece for piece, _ in pieces])
    if all(weights is None for _, weights in pieces):
        return symbols, None
    ones = (np.ones(len(piece), dtype=np.int64) if weights is None else weights for piece, weights in pieces)
    return symbols, np.concatenate([*ones])


def _separated(
    texts: JoinedTexts, dtype: np.dtype[Any], at_once: int
) -> Iterator[tuple[NDArray[Any], NDArray[np.int64] | None]]:
    """Yields the symbols of texts, and the weight of each, at most ``at_once`` at a time."""
    if len(texts.lengths) == 1 and texts.weights is None and len(texts.ids) < at_once:  # of many, one takes a moment
        symbols = np.zeros(len(texts.ids) + (not texts.continues), dtype=dtype)
        np.add(texts.ids, 1, out=symbols[: len(texts.ids)], dtype=dtype, casting="unsafe")
        yield symbols, None
        return
    separators = np.cumsum(texts.lengths + 1) - 1
    length = len(texts.ids) + len(separators)
    if texts.continues:
        separators, length = separators[:-1], length - 1
    for start in range(0, length, at_once):
        stop = min(start + at_once, length)
        before, after = np.searchsorted(separators, [start, stop]).tolist()
        is_id = np.ones(stop - start, dtype=bool)
        is_id[separators[before:after] - start] = False
        symbols = np.zeros(stop - start, dtype=dtype)
        symbols[is_id] = texts.ids[start - before : stop - after]
        symbols += is_id
        if texts.weights is None:
            yield symbols, None
        else:
            yield symbols, texts.weights[before + np.cumsum(~is_id) - ~is_id]


def _texts(tokens: Tokens, vocab_size: int, at_once: int) -> Iterator[JoinedTexts]:
    """Yields checked ids of one text or of several."""
    if holds_texts(tokens):
        for texts in tokens.parts(at_once):
            ids = as_id_array(texts.ids, vocab_size)
            yield JoinedTexts(ids, texts.lengths, texts.weights, continues=texts.continues)
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
            yield from _texts(item, vocab_size, at_once)
        else:
            yield _text(on_host(item), vocab_size)


def _text(ids: Any, vocab_size: int) -> JoinedTexts:  # noqa: ANN401 - checked here
    array = as_id_array(ids, vocab_size)
    if array.ndim != 1:
        raise ValueError(f"the ids of a text must be one-dimensional, got shape {array.shape}")
    return JoinedTexts(array, np.array([len(array)]))
