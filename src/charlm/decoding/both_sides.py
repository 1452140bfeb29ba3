"""Errors in a text, by what comes before each symbol and what comes after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing
from charlm.decoding.drawn import drawn_texts
from charlm.decoding.has_model import check_lm
from charlm.models.predictor import log_softmax
from chartok.arguments import expected_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.decoding.has_model import HasModel
    from chartok import Vocabulary

TEXTS, SYMBOLS = 256, 64
"""How many texts are drawn to count symbols, of how many symbols at most."""

IMPOSSIBLE = -1e9
"""The log-probability that counts for a symbol that is impossible on one side: both may exclude all symbols."""


class ErrorSpotter:
    """Says how likely each symbol of a text is, given all others: what comes before it, and what comes after.

    A model that reads forward finds an error late, at what cannot follow it, and finds what follows it strange as well.
    One that was fitted to the same texts backward knows the other side. Where both sides are independent given the
    symbol, its probability is P(symbol | before) P(symbol | after) / P(symbol), made to add up to 1.

    Args:
        forward: A model of texts.
        backward: A model of the same texts with their characters in reverse: ``CharLM.fit(text[::-1])``, or
            ``CharLM.fit([record[::-1] for record in records])``.

    Raises:
        TypeError: One is not a ``CharLM``.
        ValueError: They have different symbols, or symbols of several characters, or only one is of records.

    Example:
        >>> from charlm import CharLM
        >>> text = "the cat sat on the mat. the dog sat on the log. " * 50
        >>> spotter = ErrorSpotter(CharLM.fit(text, order=4), CharLM.fit(text[::-1], order=4))
        >>> int(spotter.log_probabilities("the cat set on the mat.").argmin())
        9
    """

    def __init__(self, forward: HasModel, backward: HasModel) -> None:
        for name, model in (("forward", forward), ("backward", backward)):
            check_lm(name, model)
        _check_alike(forward.vocabulary, backward.vocabulary)
        self._forward, self._backward = forward, backward
        self._columns = _columns(forward.vocabulary, forward.vocabulary.symbols)
        self._columns_backward = _columns(backward.vocabulary, forward.vocabulary.symbols)
        self._log_shares = _log_shares(forward)[self._columns]

    def log_probabilities(self, text: str) -> NDArray[np.float64]:
        """Returns the natural logarithm of the probability of each symbol, given all others.

        Args:
            text: Any string; it takes memory for its length times the number of symbols of the vocabulary.

        Returns:
            float64 ``(len(text),)`` in nats: where it is low, there may be an error. Where the sides leave no symbol
            possible, those count that the fewest sides exclude.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``text`` is not a ``str``.
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        framing = Framing(self._forward.vocabulary)
        ids = self._forward.vocabulary.encode(text, framing.errors)
        before = _rows(self._forward, text)[:, self._columns]
        after = _rows(self._backward, text[::-1])[::-1, self._columns_backward]
        place_of = np.full(self._forward.vocabulary.size, -1)
        place_of[self._columns] = np.arange(len(self._columns))
        of_sides = np.maximum(before, IMPOSSIBLE) + np.maximum(after, IMPOSSIBLE)
        of_both = log_softmax(of_sides - self._log_shares).astype(np.float64)
        of_both[of_both < IMPOSSIBLE / 2] = -np.inf
        found: NDArray[np.float64] = of_both[np.arange(len(ids)), place_of[ids]]
        if framing.unk is not None:
            found[ids == framing.unk] += framing.log_share_of_unknown
        return found


def _check_alike(forward: Vocabulary, backward: Vocabulary) -> None:
    """Checks that one model can be the other in reverse."""
    if {*forward.symbols} != {*backward.symbols}:
        differ = sorted({*forward.symbols} ^ {*backward.symbols})
        raise ValueError(
            f"forward and backward must have the same symbols, got {len(differ)} of one alone, such as {differ[0]!a}: "
            "fit both to the same texts"
        )
    if max(forward.longest_symbol, backward.longest_symbol) > 1:
        raise ValueError("symbols of several characters are others backward: fit models of characters")
    if Framing(forward).is_of_records != Framing(backward).is_of_records:
        raise ValueError("forward and backward must both be of records, or both of text")
    if ("unk" in forward.special_tokens) != ("unk" in backward.special_tokens):
        raise ValueError("forward and backward must both have unk, or neither")


def _columns(vocabulary: Vocabulary, symbols: tuple[str, ...]) -> NDArray[np.int64]:
    """Returns the ids of symbols, and of ``unk``, if there is one."""
    unknown = [vocabulary.special_tokens["unk"]] if "unk" in vocabulary.special_tokens else []
    return np.array([*map(vocabulary.id_of, symbols), *unknown], dtype=np.int64)


def _rows(lm: HasModel, text: str) -> NDArray[np.float64]:
    """Returns the log-probabilities of all ids in the place of each character, ``(len(text), V)``."""
    framing, size = Framing(lm.vocabulary), lm.vocabulary.size
    ids = framing.to_score(text)[0]
    first = np.full((int(framing.bos is None), size), -math.log(size - len(framing.context_only)))
    rows = [block.astype(np.float64) for block in lm.predictor.distributions(ids[:-1])] if len(ids) > 1 else []
    return np.concatenate([first, *rows, np.empty((0, size))])[: len(text)]


def _log_shares(lm: HasModel) -> NDArray[np.float64]:
    """Returns the logarithm of how frequent each id is in texts drawn from a model, float64 ``(V,)``."""
    generator = np.random.default_rng(0)
    texts = drawn_texts(lm.vocabulary, lm.predictor, TEXTS, generator, most=SYMBOLS)
    counts = np.bincount(np.concatenate([ids[1:] for ids in texts]), minlength=lm.vocabulary.size)
    shares: NDArray[np.float64] = np.log((counts + 1) / (counts.sum() + len(counts)))
    return shares
