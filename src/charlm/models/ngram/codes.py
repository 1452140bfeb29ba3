"""A byte for each logarithm of an n-gram model, and distributions that sum to 1 nevertheless.

Each order has 256 evenly spaced values for its probabilities, and 256 for its backoff weights, from the smallest to the
largest. Rounding is off by a quarter of a step on average: by one or two hundredths, which costs about one
ten-thousandth of a nat. But what is rounded no longer sums to 1, and would look better or worse than it is. So the
distributions are normalized again where they are read, the shorter contexts first, since with f and g the rounded
values of an n-gram hw and its context h, and h' the context without its first id,

    P(w | h) = f(w | h) / Z(h),  gamma(h) = g(h) / Z(h),  Z(h) = sum of f(v | h) + g(h) * (1 - sum of P(v | h'))

where the sums are over the stored ids v.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlm.models.smoothing.kneser_ney import BackoffTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.models.ngram.tree import NGramTree

LARGEST_CODE = 255
_STEPS = np.stack([np.ones(LARGEST_CODE + 1), np.arange(LARGEST_CODE + 1.0)])
"""What the start and the step of a scale are multiplied by for the value of each code."""
SCALE_BYTES = 16
"""How many bytes the scales of an order take."""
LIMIT = 30.0
"""Logarithms beyond it are rounded to it: a step stays small, and a probability of ten to minus thirteen is none."""


class Coded(NamedTuple):
    """The logarithms of a model in codes.

    Attributes:
        scales: For the probabilities and the backoff weights of each order, the value of code 0 and how much more that
            of the next one is, float32 ``(order, 2, 2)``.
        probability_codes: One for each n-gram, uint8 ``(N,)``.
        backoff_codes: One for each context, uint8 ``(M,)``; the weights of contexts of k ids belong to order k + 1.
    """

    scales: NDArray[np.float32]
    probability_codes: NDArray[np.uint8]
    backoff_codes: NDArray[np.uint8]


def coded(
    tree: NGramTree, log_probabilities: NDArray[np.floating[Any]], log_backoffs: NDArray[np.floating[Any]]
) -> Coded:
    """Returns the logarithms of a model in codes.

    Args:
        tree: The n-grams.
        log_probabilities: One for each n-gram, ``(N,)``; minus infinity for ids that are never predicted.
        log_backoffs: One for each context, ``(M,)``.
    """
    scales = np.zeros((tree.order, 2, 2), dtype=np.float32)
    codes = np.zeros(len(log_probabilities), dtype=np.uint8), np.zeros(len(log_backoffs), dtype=np.uint8)
    for order, slices in enumerate(_of_orders(tree)):
        for place, logarithms in enumerate((log_probabilities, log_backoffs)):
            scale, of_order = _rounded(logarithms[slices[place]])
            scales[order, place] = scale
            codes[place][slices[place]] = of_order
    return Coded(scales, *codes)


def _rounded(logarithms: NDArray[np.floating[Any]]) -> tuple[tuple[float, float], NDArray[np.uint8]]:
    """Returns the scale of some logarithms, and the code of each."""
    limited = np.clip(logarithms.astype(np.float64), -LIMIT, LIMIT)
    finite = limited[np.isfinite(logarithms)]
    if not len(finite):
        return (0.0, 0.0), np.zeros(len(limited), dtype=np.uint8)
    lowest = float(np.float32(finite.min()))
    step = float(np.float32(max(finite.max() - lowest, 0) / LARGEST_CODE))
    return (lowest, step), np.clip(np.rint((limited - lowest) / (step or 1)), 0, LARGEST_CODE).astype(np.uint8)


def check_codes(codes: Coded, order: int) -> None:
    """Checks the types and the scales of codes.

    Raises:
        ValueError: They are not those of a model of this order.
    """
    for name in ("probability_codes", "backoff_codes"):
        if getattr(codes, name).dtype != np.uint8:
            raise ValueError(f"{name} must be uint8, got {getattr(codes, name).dtype}")
    scales = codes.scales
    if scales.dtype != np.float32 or scales.shape != (order, 2, 2):
        raise ValueError(f"scales must be float32 and have shape {(order, 2, 2)}, got {scales.shape}, {scales.dtype}")
    with np.errstate(over="ignore", invalid="ignore"):  # those of a hostile file may be anything
        highest = scales[..., 0] + LARGEST_CODE * scales[..., 1]
    if not ((scales[..., 1] >= 0) & (scales[..., 0] >= -LIMIT - 1) & (highest <= LIMIT + 1)).all():
        raise ValueError(f"a scale is NaN, descends or goes beyond {LIMIT:g}")


def decoded(codes: Coded, tree: NGramTree, context_only: Sequence[int]) -> BackoffTable:
    """Returns the probabilities and weights of a model, normalized, float64.

    Args:
        codes: Those of the model, checked.
        tree: The n-grams.
        context_only: The ids that are never predicted.

    Raises:
        ValueError: The suffix of an n-gram is missing.
    """
    log_probabilities = np.empty(len(tree))
    log_backoffs = np.empty(len(codes.backoff_codes))
    probabilities = np.empty(len(tree) + 1)
    probabilities[0] = 1 / (tree.vocab_size - len(context_only))
    of_ngrams, of_contexts = np.swapaxes(codes.scales.astype(np.float64) @ _STEPS, 0, 1)
    rounded_ngrams, rounded_contexts = np.exp(of_ngrams), np.exp(of_contexts)
    is_never = np.isin(tree.ids, context_only) if context_only else None
    for length, contexts, ngrams, places, suffixes in tree.families(tree.order):
        nodes = slice(ngrams.start + 1, ngrams.stop + 1)
        ngram_codes, context_codes = codes.probability_codes[ngrams], codes.backoff_codes[contexts]
        rounded, lower = rounded_ngrams[length].take(ngram_codes), probabilities.take(suffixes)
        if is_never is not None:
            rounded[is_never[ngrams]] = lower[is_never[ngrams]] = 0
        seen, seen_below = (np.bincount(places, some, minlength=len(context_codes)) for some in (rounded, lower))
        totals = seen + rounded_contexts[length].take(context_codes) * np.maximum(1 - seen_below, 0)
        log_totals = np.log(totals)
        log_backoffs[contexts] = of_contexts[length].take(context_codes) - log_totals
        log_probabilities[ngrams] = of_ngrams[length].take(ngram_codes) - log_totals.take(places)
        probabilities[nodes] = rounded / totals.take(places)
    if is_never is not None:
        log_probabilities[is_never] = -math.inf
    return BackoffTable(np.minimum(log_probabilities, 0, out=log_probabilities), log_backoffs)


def _of_orders(tree: NGramTree) -> list[tuple[slice, slice]]:
    """Returns where the n-grams of each order are, and their contexts."""
    ngrams = [slice(start, stop) for start, stop in pairwise(tree.levels)]
    contexts = [slice(0, 1), *(slice(level.start + 1, level.stop + 1) for level in ngrams[:-1])]
    return list(zip(ngrams, contexts, strict=True))
