"""Validation of n-gram tables from outside, such as those in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.models.ngram.packed_counts import LARGE
from charlm.models.smoothing.learned import CONSTANTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.ngram.packed_counts import PackedCounts


LARGEST_LOGARITHM = 1e30
"""The largest absolute value of a logarithm: the sum of a thousand, for the highest order, does not overflow."""
LARGEST_COUNT = 1 << 62
"""The largest count that is taken from a file: a sum of two is below 2**63."""
LARGEST_CONSTANT = 100.0
"""The largest absolute value of a constant of learned back-off."""


def checked_constants(constants: NDArray[Any], order: int) -> NDArray[np.float64]:
    """Returns the constants of learned back-off as float64.

    Raises:
        ValueError: They are neither those of each order nor none, or one of them is out of range.
    """
    if constants.dtype.kind != "f" or constants.shape not in ((order, CONSTANTS), (0, CONSTANTS)):
        raise ValueError(
            f"constants must be floating-point and have shape {(order, CONSTANTS)} or {(0, CONSTANTS)}, got shape "
            f"{constants.shape} and dtype {constants.dtype}"
        )
    if not (np.abs(constants) <= LARGEST_CONSTANT).all():
        raise ValueError(f"a constant of the smoothing is NaN or beyond {LARGEST_CONSTANT:g}")
    return constants.astype(np.float64)


def check_counts(counts: PackedCounts, ngrams: int) -> None:
    """Checks the counts of n-grams, of which there may be none.

    Raises:
        ValueError: They are of another type or number, below 1, or too large; says why.
    """
    small, large = counts
    if small.dtype != np.uint8 or large.dtype != np.int64 or not small.ndim == large.ndim == 1:
        raise ValueError(
            f"counts and large_counts must be one-dimensional, uint8 and int64, got {small.dtype} of shape "
            f"{small.shape} and {large.dtype} of shape {large.shape}"
        )
    if len(small) not in (0, ngrams):
        raise ValueError(f"counts must have {ngrams} values or none, got {len(small)}")
    if len(large) != np.count_nonzero(small == LARGE):
        raise ValueError(f"large_counts must have a value for each count of {LARGE}, got {len(large)}")
    if not (small > 0).all() or not ((large >= LARGE) & (large <= LARGEST_COUNT)).all():
        raise ValueError("a count is below 1 or too large")


def check_logarithms(log_probabilities: NDArray[Any], log_backoffs: NDArray[Any], is_never: NDArray[np.bool_]) -> None:
    """Checks log-probabilities and log-weights.

    Args:
        log_probabilities: One for each n-gram, ``(N,)``.
        log_backoffs: One for each context, ``(M,)``.
        is_never: Whether the last id of an n-gram is never predicted: the logarithm must be minus infinity, ``(N,)``.

    Raises:
        ValueError: They are not floating-point, or one is impossible.
    """
    for name, array in (("log_probabilities", log_probabilities), ("log_backoffs", log_backoffs)):
        if array.dtype.kind != "f":
            raise ValueError(f"{name} must be floating-point, got {array.dtype}")
    for logarithms in (log_probabilities[~is_never], log_backoffs):
        if not (np.abs(logarithms) <= LARGEST_LOGARITHM).all():
            raise ValueError(f"a logarithm is NaN or beyond {LARGEST_LOGARITHM:g}")
    if not (log_probabilities <= 0).all():
        raise ValueError("a probability is above 1")
    if not (log_probabilities[is_never] == -np.inf).all():
        raise ValueError("an id of context_only has a probability above 0")
