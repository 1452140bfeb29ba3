"""Validation of n-gram tables from outside, such as those in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.models.ngram.counts import node_levels
from charlm.models.ngram.learned import CONSTANTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


LARGEST_LOGARITHM = 1e30
"""The largest absolute value of a logarithm: the sum of a thousand, for the highest order, does not overflow."""
LARGEST_CONSTANT = 100.0
"""The largest absolute value of a constant of learned back-off."""


def check_tables(
    arrays: Mapping[str, NDArray[Any]], *, vocab_size: int, order: int, context_only: Sequence[int]
) -> None:
    """Checks everything except that every n-gram has its suffix, which ``suffix_nodes`` checks.

    Args:
        arrays: ``keys``, ``counts``, ``log_probabilities`` and ``log_backoffs`` of an ``NGramTable``.
        vocab_size: The number of ids.
        order: The length of the longest n-grams.
        context_only: The ids that are never predicted.

    Raises:
        ValueError: They are not valid for a model of this shape; says why.
    """
    keys, counts = arrays["keys"], arrays["counts"]
    _check_types(arrays)
    if len(keys) and (int(keys[0]) < 0 or not (keys[1:] > keys[:-1]).all()):
        raise ValueError("keys must be non-negative and strictly ascending")
    levels = node_levels(keys, vocab_size, order)
    if levels[-1] != len(keys):
        raise ValueError(f"keys[{levels[-1]}] is longer than {order} ids, or its prefix is missing")
    sizes = {"log_probabilities": len(keys), "log_backoffs": levels[-2] + 1 if len(keys) else 0}
    if len(counts):
        sizes["counts"] = len(keys)
    for name, size in sizes.items():
        if len(arrays[name]) != size:
            raise ValueError(f"{name} must have {size} values to match keys, got {len(arrays[name])}")
    is_never = np.isin(keys % vocab_size, context_only) if len(context_only) else np.zeros(len(keys), dtype=bool)
    _check_logarithms(arrays["log_probabilities"], arrays["log_backoffs"], is_never)
    if not (counts > 0).all():
        raise ValueError("a count is below 1")


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


def _check_types(arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        is_expected = array.dtype == np.int64 if name in ("keys", "counts") else array.dtype.kind == "f"
        if array.ndim != 1 or not is_expected:
            expected = "int64" if name in ("keys", "counts") else "floating-point"
            raise ValueError(
                f"{name} must be one-dimensional and {expected}, got shape {array.shape} and dtype {array.dtype}"
            )


def _check_logarithms(
    log_probabilities: NDArray[np.floating[Any]],
    log_backoffs: NDArray[np.floating[Any]],
    is_never: NDArray[np.bool_],
) -> None:
    """Checks log-probabilities, which must be minus infinity for ids that are never predicted, and log-weights."""
    for logarithms in (log_probabilities[~is_never], log_backoffs):
        if not (np.abs(logarithms) <= LARGEST_LOGARITHM).all():
            raise ValueError(f"a logarithm is NaN or beyond {LARGEST_LOGARITHM:g}")
    if not (log_probabilities <= 0).all():
        raise ValueError("a probability is above 1")
    if not (log_probabilities[is_never] == -np.inf).all():
        raise ValueError("an id of context_only has a probability above 0")
