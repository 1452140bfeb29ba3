"""Which ids of texts are held out: those at the end of a text, or some of many texts."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlm.data.dataset import JoinedTexts
from charlm.models.counting.texts import IDS_AT_ONCE, stretches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.models.counting.texts import Tokens

SHARE = 0.1
"""The share of the ids that is held out, as far as ``MOST_IDS`` allows."""
MOST_IDS = 100_000
"""How many are enough to tune some hundred constants."""
MANY = 100
"""From this many texts on they are taken to be records, of which none continues the one before."""
MOST_HASHES = 1 << 20
"""Of how many texts it is looked at whether they are equal; those with the lowest hashes, so that equal ones stay."""
NO_ID = -1
"""Stands after each text."""


class Sizes(NamedTuple):
    """How many ids and texts there are, each as often as its weight says."""

    ids: int
    texts: int


class HeldOut(NamedTuple):
    """Ids that are held out, among those that precede them.

    Attributes:
        ids: The ids, with ``NO_ID`` after each text, int64 ``(N,)``.
        is_held: Whether each is held out; the others are context, ``(N,)``.
        weights: How many times each counts, int64 ``(N,)``.
    """

    ids: NDArray[np.int64]
    is_held: NDArray[np.bool_]
    weights: NDArray[np.int64]


def sizes(tokens: Tokens, vocab_size: int) -> Sizes:
    """Returns how many ids and texts there are.

    Args:
        tokens: The texts, which can be read more than once.
        vocab_size: The number of ids.
    """
    symbols = ends = 0
    for joined, weights in stretches(tokens, vocab_size, width=1, at_once=IDS_AT_ONCE):
        is_end = joined == 0
        symbols += len(joined) if weights is None else int(weights.sum())
        ends += int(np.count_nonzero(is_end) if weights is None else weights[is_end].sum())
    return Sizes(symbols - ends, ends)


def hold_out(tokens: Tokens, *, vocab_size: int, context: int) -> HeldOut:
    """Returns the ids of texts that are held out: the last tenth, or those of a random tenth of many texts.

    The end of a text is the most similar to a text that a model will continue or be evaluated on. Ids spread over the
    text would be far easier to predict, since their neighbors are counted. So would a text of which an equal one is
    counted: which are drawn depends on their ids alone.

    Args:
        tokens: The texts, which can be read more than once.
        vocab_size: The number of ids.
        context: How many ids before the first that is held out belong to the result.

    Example:
        >>> hold_out(np.arange(20), vocab_size=20, context=3).ids
        array([15, 16, 17, 18, 19, -1])
    """
    ids, texts = sizes(tokens, vocab_size)
    held = min(int(ids * SHARE), MOST_IDS)
    if texts >= MANY:
        return _drawn_texts(tokens, vocab_size, held / max(ids, 1), salt=0)
    return _tail(tokens, vocab_size, held, context)


def share_of_distinct(tokens: Tokens, *, vocab_size: int) -> float:
    """Returns how many different texts there are among many, as a share of all; 1 for few.

    Equal texts are held out together. Where most texts are equal to others, as in a list of frequencies, what is held
    out would say that no text that was counted ever comes again.

    Args:
        tokens: The texts, which can be read more than once.
        vocab_size: The number of ids.

    Example:
        >>> texts = JoinedTexts(np.array([0, 1, 1]), np.array([1, 2]), weights=np.array([900, 100]))
        >>> share_of_distinct(texts, vocab_size=2)
        0.002
    """
    if sizes(tokens, vocab_size).texts < MANY:
        return 1.0
    hashes, weights = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    below = np.uint64(2**64 - 1)
    for joined, of_joined in _whole_texts(tokens, vocab_size):
        is_end = joined == 0
        found = _hashes(joined, is_end, salt=2)
        is_kept = found <= below
        hashes = np.concatenate([hashes, found[is_kept]])
        weights = np.concatenate([weights, of_joined[is_end][is_kept]])
        while below and len(hashes) > MOST_HASHES:
            below >>= np.uint64(1)
            hashes, weights = hashes[hashes <= below], weights[hashes <= below]
    return len(np.unique(hashes)) / max(int(weights.sum()), 1)


def newest(tokens: Tokens, ids: int, *, vocab_size: int) -> JoinedTexts:
    """Returns about as many ids as are asked for: the last, or those of a random part of many texts.

    Args:
        tokens: The texts, which can be read more than once.
        ids: How many, at most as many as there are.
        vocab_size: The number of ids of the vocabulary.
    """
    total, texts = sizes(tokens, vocab_size)
    is_drawn = texts >= MANY
    chosen = _drawn_texts(tokens, vocab_size, ids / total, salt=1) if is_drawn else _tail(tokens, vocab_size, ids, 0)
    ends = np.flatnonzero(chosen.ids == NO_ID)
    lengths = np.diff(ends, prepend=-1) - 1
    return JoinedTexts(chosen.ids[chosen.is_held], lengths, chosen.weights[ends])


def _drawn_texts(tokens: Tokens, vocab_size: int, share: float, *, salt: int) -> HeldOut:
    """Returns a share of the texts, drawn by a hash of their ids, which another salt makes independent."""
    ids, weights = [], []
    for joined, of_joined in _whole_texts(tokens, vocab_size):
        is_end = joined == 0
        is_chosen = _hashes(joined, is_end, salt) < share * 2.0**64
        places = is_chosen[np.cumsum(is_end) - is_end]
        ids.append(joined[places].astype(np.int64) - 1)
        weights.append(of_joined[places])
    joined_ids = np.concatenate(ids)
    return HeldOut(joined_ids, joined_ids != NO_ID, np.concatenate(weights))


def _whole_texts(
    tokens: Tokens, vocab_size: int
) -> Iterator[tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]]:
    """Yields the symbols of texts, with a 0 after each, and the weight of each symbol; no text is divided."""
    rest, of_rest = np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.int64)
    for joined, weights in stretches(tokens, vocab_size, width=1, at_once=IDS_AT_ONCE):
        symbols = np.concatenate([rest.astype(joined.dtype), joined])
        of_symbols = np.concatenate([of_rest, np.ones(len(joined), dtype=np.int64) if weights is None else weights])
        whole = len(symbols) - int(np.argmax(symbols[::-1] == 0)) if (symbols == 0).any() else 0
        rest, of_rest = symbols[whole:], of_symbols[whole:]
        yield symbols[:whole], of_symbols[:whole]


def _hashes(joined: NDArray[np.unsignedinteger[Any]], is_end: NDArray[np.bool_], salt: int) -> NDArray[np.uint64]:
    """Returns a hash of each text, uint64: a sum over its symbols and their places, mixed.

    Args:
        joined: Texts with a 0 after each, ``(N,)``.
        is_end: Where these are, ``(N,)``.
        salt: What makes it another hash.
    """
    ends = np.flatnonzero(is_end)
    if not len(ends):
        return np.zeros(0, dtype=np.uint64)
    starts = np.append(0, ends[:-1] + 1)
    places = np.arange(len(joined)) - np.repeat(starts, ends + 1 - starts)
    symbols = _mixed(joined.astype(np.uint64) + _mixed(places.astype(np.uint64)))
    return _mixed(np.add.reduceat(symbols, starts) + np.uint64(salt))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns values mixed as by SplitMix64 (Steele, Lea and Flood, 2014), modulo 2**64."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _tail(tokens: Tokens, vocab_size: int, held: int, context: int) -> HeldOut:
    most = held + context + MANY  # with the ends of texts
    nothing = np.zeros(0, dtype=np.int64)
    parts = deque([(nothing, nothing)])
    for joined, weights in stretches(tokens, vocab_size, width=1, at_once=IDS_AT_ONCE):
        last = slice(max(len(joined) - most, 0), None)
        ids = joined[last].astype(np.int64) - 1
        parts.append((ids, np.ones(len(ids), np.int64) if weights is None else weights[last]))
        while sum(len(ids) for ids, _ in parts) - len(parts[0][0]) >= most:
            parts.popleft()
    ids, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    remaining = np.cumsum((ids != NO_ID)[::-1])[::-1]  # how many ids there are from each on
    is_kept = remaining <= held + context
    is_held = (ids != NO_ID) & (remaining <= held)
    return HeldOut(ids[is_kept], is_held[is_kept], weights[is_kept])
