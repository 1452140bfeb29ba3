"""From texts to a smoothed model: how counts become probabilities, with which constants, and of which order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, get_args

import numpy as np

from charlm.models.counting.counts import NGramCounts
from charlm.models.smoothing import kneser_ney, learned
from charlm.models.smoothing.choices import ORDER, Smoothing, Untunable
from charlm.models.smoothing.held_out import hold_out, newest, share_of_distinct, sizes
from charlm.models.smoothing.kneser_ney import BackoffTable, suffix_nodes
from charlm.models.smoothing.learned import CONSTANTS
from charlm.models.smoothing.shipped import shipped_constants
from charlm.models.smoothing.tuning import Tuning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.data.dataset import JoinedTexts
    from charlm.models.counting.texts import Tokens

HIGHEST_CHOSEN = 10
"""A higher order has to be asked for: the model grows more than it gains."""
CHOSEN_FROM = 1 << 22
"""Of how many ids at the end of long texts an order is chosen."""
MOST_NGRAMS = 1 << 26
"""An order above 7 with more n-grams than this, judging by the end of the text, has to be asked for, too."""
FEWEST_HELD_OUT = 1000
"""Fewer held-out ids do not show which constants or which order are best."""


FEWEST_DISTINCT = 0.5
"""The share of different texts below which nothing can be held out: frequent ones come again, and are all counted."""


class Fitted(NamedTuple):
    """A smoothed model.

    Attributes:
        counts: Those of its texts.
        constants: Those of learned back-off, float64 ``(order, 23)``; ``(0, 23)`` for Kneser-Ney smoothing.
        table: The probabilities.
    """

    counts: NGramCounts
    constants: NDArray[np.float64]
    table: BackoffTable


def fitted(
    tokens: Tokens | NGramCounts,
    *,
    vocab_size: int,
    order: int | None,
    context_only: Sequence[int],
    smoothing: Smoothing,
    memory: int | str | None = None,
) -> Fitted:
    """Returns a smoothed model of texts.

    Args:
        tokens: The texts, or counts of them.
        vocab_size: The number of ids.
        order: The length of the longest n-grams. None takes that of the counts; for texts the lowest with which learned
            back-off predicts a held-out part about as well as with any, or 7 for Kneser-Ney smoothing and for texts
            that are too short to tell, or of which most are equal to others, as in a list of frequencies.
        context_only: The ids that are never predicted.
        smoothing: How counts become probabilities. Texts that are too short to tune the constants, or of which most
            are equal to others, leave them as they come with the library.
        memory: The most memory that counting takes besides its result, as for ``NGramCounts.from_tokens``.

    Raises:
        TypeError: The smoothing is no ``str``, or the ids are not integers.
        ValueError: There are no ids; the smoothing is unknown, or is to be tuned on counts; or ``memory`` is too small,
            or given for counts.
        OSError: As for ``NGramCounts.from_tokens``.
    """
    if not isinstance(smoothing, str):
        raise TypeError(f"smoothing must be 'tuned', 'learned' or 'kneser-ney', got {type(smoothing).__name__}")
    if smoothing not in get_args(Smoothing):
        raise ValueError(f"smoothing must be 'tuned', 'learned' or 'kneser-ney', got {smoothing!a}")
    if isinstance(tokens, NGramCounts):
        if smoothing == "tuned":
            raise ValueError("smoothing 'tuned' needs texts, to hold some out, got counts: use 'learned'")
        if memory is not None:
            raise ValueError("memory is a limit for counting, and these are counts: leave it out")
        return estimated(tokens, untuned_constants(smoothing, tokens.order), context_only)
    count = partial(NGramCounts.from_tokens, vocab_size=vocab_size, memory=memory)
    is_chosen = smoothing == "tuned" or (smoothing == "learned" and order is None)
    if is_chosen and isinstance(tokens, Iterator):
        tokens = list(tokens)
    if not is_chosen or share_of_distinct(tokens, vocab_size=vocab_size) < FEWEST_DISTINCT:
        counts = count(tokens, order=ORDER if order is None else order)
        return estimated(counts, untuned_constants(smoothing, counts.order), context_only)
    if order is None and (ids := sizes(tokens, vocab_size).ids) > CHOSEN_FROM:
        sample = newest(tokens, CHOSEN_FROM, vocab_size=vocab_size)
        from_sample = _Preparation(sample, count(sample, order=HIGHEST_CHOSEN), context_only)
        order = from_sample.best_order(times=ids / CHOSEN_FROM)
    preparation = _Preparation(tokens, count(tokens, order=HIGHEST_CHOSEN if order is None else order), context_only)
    if order is None:
        order = preparation.best_order()
    return preparation.fitted(order, smoothing)


class _Preparation:
    """Texts as counts, and what a held-out part says of constants and orders.

    Args:
        tokens: The texts.
        counts: Those of their n-grams, up to the highest order in question.
        context_only: The ids that are never predicted.
    """

    def __init__(self, tokens: Tokens | JoinedTexts, counts: NGramCounts, context_only: Sequence[int]) -> None:
        self._counts = counts
        self._suffixes = suffix_nodes(counts.keys, counts.levels, counts.vocab_size)
        self._context_only = context_only
        held_out = hold_out(tokens, vocab_size=counts.vocab_size, context=counts.order)
        self._tuning = None
        is_target = held_out.is_held & ~np.isin(held_out.ids, context_only)
        if held_out.weights[is_target].sum() >= FEWEST_HELD_OUT:
            self._tuning = Tuning(self._counts, self._suffixes, held_out, context_only)

    def best_order(self, times: float = 1.0) -> int:
        """Returns the best order for texts that are so many times as long."""
        order = min(ORDER, self._counts.order) if self._tuning is None else self._tuning.best_order()
        while order > ORDER and self._counts.levels[order] * times > MOST_NGRAMS:
            order -= 1
        return order

    def fitted(self, order: int, smoothing: Smoothing) -> Fitted:
        constants = untuned_constants(smoothing, order)
        if smoothing == "tuned" and self._tuning is not None:
            constants = self._tuning.tuned(order)
        elif smoothing == "tuned":
            import logging  # noqa: PLC0415 - a program that only scores starts without it

            logging.getLogger("charlm").debug(
                "the text is too short to tune the smoothing on: its constants are those of the library"
            )
        counts = self._counts.up_to(order)
        return estimated(counts, constants, self._context_only, self._suffixes[: len(counts.keys) + 1])


def why_untuned(tokens: Tokens, *, vocab_size: int) -> Untunable:
    """Returns why the smoothing was not tuned on texts, which were to be read more than once for it."""
    return "equal" if share_of_distinct(tokens, vocab_size=vocab_size) < FEWEST_DISTINCT else "short"


def untuned_constants(smoothing: Smoothing, order: int) -> NDArray[np.float64]:
    """Returns the constants that come with the library, float64 ``(order, 23)``; none for Kneser-Ney smoothing."""
    return np.zeros((0, CONSTANTS)) if smoothing == "kneser-ney" else shipped_constants(order)


def estimated(
    counts: NGramCounts,
    constants: NDArray[np.float64],
    context_only: Sequence[int],
    suffixes: NDArray[np.int64] | None = None,
) -> Fitted:
    """Returns the smoothed model of counts with given constants.

    Args:
        counts: The counts.
        constants: Those of a ``Fitted`` model.
        context_only: The ids that are never predicted.
        suffixes: What ``suffix_nodes`` returns for the counts; None computes it.

    Raises:
        ValueError: There are no ids.
    """
    if not len(counts.keys):
        raise ValueError("tokens contains no ids: give at least one")
    if suffixes is None:
        suffixes = suffix_nodes(counts.keys, counts.levels, counts.vocab_size)
    if len(constants):
        return Fitted(counts, constants, learned.estimate(counts, suffixes, constants, context_only))
    return Fitted(counts, constants, kneser_ney.estimate(counts, suffixes, context_only))
