"""Transforms that reshape or truncate a distribution, given by logits, before an id is sampled from it.

Every function takes logits of any shape ``(..., V)`` and any NumPy floating-point dtype and returns new ones of the
same shape and dtype, minus infinity for each id that it excludes. Ids already excluded stay excluded. Half precision is
computed in float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from charlm.generation.settings import check_min_p, check_top_p
from charlm.models.predictor import log_softmax
from chartok.arguments import number_from_zero, positive_integer, positive_number

if TYPE_CHECKING:
    from charlm.generation.settings import SamplingSettings

Logits: TypeAlias = NDArray[np.floating[Any]]


def apply_settings(settings: SamplingSettings, logits: Logits, seen: NDArray[np.bool_] | None = None) -> Logits:
    """Returns logits after each step that is set: penalty, temperature, top-k, top-p, min-p, in that order.

    Args:
        settings: Which steps, and how far each goes.
        logits: ``(..., V)``.
        seen: Of each id, whether it has come before, bool ``(..., V)``; needed for a penalty alone.

    Example:
        >>> from charlm.generation.settings import SamplingSettings
        >>> seen = np.array([True, False, False])
        >>> settings = SamplingSettings(top_k=2, repetition_penalty=2)
        >>> np.exp(apply_settings(settings, np.log([0.5, 0.3, 0.2]), seen)).round(2)
        array([0.25, 0.3 , 0.  ])
    """
    if settings.repetition_penalty is not None and seen is not None:
        logits = penalize_repetition(logits, seen, settings.repetition_penalty)
    if settings.temperature != 1:
        logits = scale_by_temperature(logits, settings.temperature)
    if settings.top_k is not None:
        logits = keep_top_k(logits, settings.top_k)
    if settings.top_p is not None:
        logits = keep_top_p(logits, settings.top_p)
    return logits if settings.min_p is None else keep_min_p(logits, settings.min_p)


def scale_by_temperature(logits: Logits, temperature: float) -> Logits:
    """Returns ``(logits - max) / temperature``; the logits unchanged for 1.

    Args:
        logits: ``(..., V)``.
        temperature: Below 1 makes likely ids more likely, above 1 less; 0 keeps only the most likely id, the first in
            a tie.

    Raises:
        TypeError: The temperature is not a number.
        ValueError: It is negative, infinite or NaN.

    Example:
        >>> np.exp(log_softmax(scale_by_temperature(np.log([0.2, 0.8]), 0.5))).round(4)
        array([0.0588, 0.9412])
    """
    number_from_zero("temperature", temperature)
    if temperature == 1:
        return logits
    if temperature == 0:
        return keep_top_k(logits, 1)
    # Subtracting the maximum first keeps a tiny temperature from making the largest logit infinite.
    with np.errstate(over="ignore"):
        return (_below_likeliest(logits) / _within_range(temperature, logits)).astype(logits.dtype)


def keep_top_k(logits: Logits, k: int) -> Logits:
    """Returns the logits of only the ``k`` most likely ids; ties are broken in favor of lower ids.

    Args:
        logits: ``(..., V)``.
        k: How many ids to keep; a number above V keeps all.

    Raises:
        TypeError: ``k`` is not an integer.
        ValueError: It is below 1.

    Example:
        >>> keep_top_k(np.array([1.0, 3.0, 2.0, 3.0, 2.0]), 3)
        array([-inf,   3.,   2.,   3., -inf])
    """
    positive_integer("k", k)
    ids = _likeliest_first(logits)[..., :k]
    kept = np.full_like(logits, -np.inf)
    np.put_along_axis(kept, ids, np.take_along_axis(logits, ids, axis=-1), axis=-1)
    kept[np.isnan(logits)] = np.nan  # it is no likelihood, and must not go unnoticed
    return kept


def keep_top_p(logits: Logits, p: float) -> Logits:
    """Returns the logits of only the smallest set of most likely ids whose probabilities sum to ``p`` or more.

    Nucleus sampling (Holtzman et al., 2020). The most likely id is always kept; ties are broken in favor of lower ids.

    Args:
        logits: ``(..., V)``.
        p: The cumulative probability to reach, above 0; 1 keeps every id.

    Raises:
        TypeError: ``p`` is not a number.
        ValueError: It is not above 0, or above 1.

    Example:
        >>> np.exp(keep_top_p(np.log([0.1, 0.5, 0.4]), 0.6)).round(2)
        array([0. , 0.5, 0.4])
    """
    if check_top_p("p", p) == 1:
        return logits
    ids = _likeliest_first(logits)
    ordered = np.take_along_axis(logits, ids, axis=-1)
    reached = np.exp(log_softmax(ordered)).cumsum(axis=-1)
    ordered[..., 1:][reached[..., :-1] >= p] = -np.inf
    kept = np.empty_like(logits)
    np.put_along_axis(kept, ids, ordered, axis=-1)
    return kept


def keep_min_p(logits: Logits, p: float) -> Logits:
    """Returns the logits of only the ids at least ``p`` times as likely as the most likely.

    Min-p sampling (Nguyen et al., 2024).

    Args:
        logits: ``(..., V)``.
        p: From 0, which keeps every id, to 1, which keeps only the most likely and those tied with it.

    Raises:
        TypeError: ``p`` is not a number.
        ValueError: It is below 0 or above 1.

    Example:
        >>> np.exp(keep_min_p(np.log([0.1, 0.6, 0.3]), 0.4)).round(2)
        array([0. , 0.6, 0.3])
    """
    least = math.log(p) if check_min_p("p", p) else -math.inf
    return np.where(_below_likeliest(logits) < least, logits.dtype.type(-np.inf), logits)


def penalize_repetition(logits: Logits, seen: NDArray[np.bool_], penalty: float) -> Logits:
    """Returns log-probabilities in which those of the ids seen are multiplied by ``penalty``.

    The penalty of CTRL (Keskar et al., 2019, section 4.1) divides the logit of a seen id, which depends on the
    arbitrary zero point of the logits. Here it is applied to log-probabilities: the probability of a seen id is raised
    to the power ``penalty``, before all are normalized again. An id of which the model is almost certain is therefore
    hardly penalized.

    Args:
        logits: ``(..., V)``.
        seen: Whether each id has occurred before, bool ``(..., V)``.
        penalty: Above 1 makes seen ids less likely, below 1 more likely; 1 changes no probability.

    Raises:
        TypeError: ``penalty`` is not a number, or ``seen`` is not bool.
        ValueError: ``penalty`` is not above 0, or is not finite.

    Example:
        >>> seen = np.array([True, False, False])
        >>> np.exp(penalize_repetition(np.log([0.5, 0.3, 0.2]), seen, 2)).round(2)
        array([0.25, 0.3 , 0.2 ])
    """
    positive_number("penalty", penalty)
    if seen.dtype != np.bool_:
        raise TypeError(f"seen must be bool, got {seen.dtype} values")
    log_probabilities = log_softmax(logits).astype(np.float64)
    limits = np.finfo(np.float32)  # with a penalty in its range, the likeliest id stays finite in float64
    with np.errstate(over="ignore", invalid="ignore"):
        factor = min(max(penalty, float(limits.tiny)), float(limits.max))
        penalized = np.where(seen, log_probabilities * factor, log_probabilities)
        penalized = np.where(logits == -np.inf, -np.inf, penalized)
        highest = penalized.max(axis=-1, keepdims=True)
        underflows = (highest < np.finfo(logits.dtype).min) & np.isfinite(highest)  # for every id, if it is not shifted
        return (penalized - np.where(underflows, highest, 0)).astype(logits.dtype)


def _likeliest_first(logits: Logits) -> NDArray[np.intp]:
    return np.argsort(-logits, axis=-1, kind="stable")


def _below_likeliest(logits: Logits) -> Logits:
    """Returns the logits minus the maximum of their row; minus infinity in a row where all are."""
    logits = logits.astype(_precise(logits), copy=False)
    highest = logits.max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        below: Logits = logits - np.maximum(highest, np.finfo(logits.dtype).min)
    return below


def _precise(logits: Logits) -> np.dtype[np.floating[Any]]:
    return np.promote_types(logits.dtype, np.float32)


def _within_range(value: float, logits: Logits) -> float:
    """Returns a positive number, clamped so that it is neither 0 nor infinity in the precision of the logits."""
    limits = np.finfo(_precise(logits))
    return min(max(value, float(limits.tiny)), float(limits.max))
