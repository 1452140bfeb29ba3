"""Which ids of texts are held out: those at the end of a text, or some of many texts."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.data.dataset import JoinedTexts
from charlm.models.ngram.texts import IDS_AT_ONCE, stretches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.ngram.texts import Tokens

SHARE = 0.1
"""The share of the ids that is held out, as far as ``MOST_IDS`` allows."""
MOST_IDS = 100_000
"""How many are enough to tune some hundred constants."""
MANY = 100
"""From this many texts on they are taken to be records, of which none continues the one before."""
SEED = 0
NO_ID = -1
"""Stands after each text."""


class Sizes(NamedTuple):
    """How many ids and texts there are."""

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
    for joined, _ in stretches(tokens, vocab_size, width=1, at_once=IDS_AT_ONCE):
        symbols += len(joined)
        ends += len(joined) - int(np.count_nonzero(joined))
    return Sizes(symbols - ends, ends)


def hold_out(tokens: Tokens, *, vocab_size: int, context: int) -> HeldOut:
    """Returns the ids of texts that are held out: the last tenth, or those of a random tenth of many texts.

    The end of a text is the most similar to a text that a model will continue or be evaluated on. Ids spread over the
    text would be far easier to predict, since their neighbours are counted.

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
        return _random_texts(tokens, vocab_size, held / max(ids, 1))
    return _tail(tokens, vocab_size, held, context)


def newest(tokens: Tokens, ids: int, *, vocab_size: int) -> JoinedTexts:
    """Returns about as many ids as are asked for: the last, or those of a random part of many texts.

    Args:
        tokens: The texts, which can be read more than once.
        ids: How many, at most as many as there are.
        vocab_size: The number of ids of the vocabulary.
    """
    total, texts = sizes(tokens, vocab_size)
    chosen = _random_texts(tokens, vocab_size, ids / total) if texts >= MANY else _tail(tokens, vocab_size, ids, 0)
    ends = np.flatnonzero(chosen.ids == NO_ID)
    lengths = np.diff(ends, prepend=-1) - 1
    return JoinedTexts(chosen.ids[chosen.is_held], lengths, chosen.weights[ends])


def _random_texts(tokens: Tokens, vocab_size: int, share: float) -> HeldOut:
    generator = np.random.default_rng(SEED)
    ids, weights = [], []
    is_chosen = generator.random(1) < share  # of the text that begins, and of those after it
    for joined, of_joined in stretches(tokens, vocab_size, width=1, at_once=IDS_AT_ONCE):
        is_end = joined == 0
        is_chosen = np.append(is_chosen[-1:], generator.random(np.count_nonzero(is_end)) < share)
        places = is_chosen[np.cumsum(is_end) - is_end]
        ids.append(joined[places].astype(np.int64) - 1)
        weights.append(np.ones(len(ids[-1]), np.int64) if of_joined is None else of_joined[places])
    joined_ids = np.concatenate(ids)
    return HeldOut(joined_ids, joined_ids != NO_ID, np.concatenate(weights))


def _tail(tokens: Tokens, vocab_size: int, held: int, context: int) -> HeldOut:
    most = held + context + MANY  # with the ends of texts
    parts: deque[tuple[NDArray[np.int64], NDArray[np.int64]]] = deque()
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
