"""The probabilities of classes before a text is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from chartok.arguments import number_from_zero

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUM_IS_OFF_BY = 1e-6


def checked_priors(priors: Mapping[str, float] | None, labels: tuple[str, ...]) -> tuple[float, ...]:
    """Returns the prior of each label.

    Args:
        priors: The prior by label; None gives all the same.
        labels: The labels.

    Raises:
        ValueError: There is no label; or the priors are of other labels, negative, or do not sum to 1.
        TypeError: They are no mapping of numbers.

    Example:
        >>> checked_priors(None, ("a", "b")), checked_priors({"b": 0.9, "a": 0.1}, ("a", "b"))
        ((0.5, 0.5), (0.1, 0.9))
    """
    if not labels:
        raise ValueError("there are no classes: give the texts or the model of at least one")
    if priors is None:
        return (1 / len(labels),) * len(labels)
    if not isinstance(priors, Mapping):
        raise TypeError(f"priors must be a mapping of labels to probabilities, got {type(priors).__name__}")
    if different := priors.keys() ^ set(labels):
        raise ValueError(
            f"priors must have one probability for each of {', '.join(map(ascii, labels))}, and for no other: "
            f"{min(map(ascii, different))} is only in one of both"
        )
    found = tuple(number_from_zero(f"priors[{label!a}]", priors[label]) for label in labels)
    if abs(sum(found) - 1) > SUM_IS_OFF_BY:
        raise ValueError(f"priors must sum to 1, got {sum(found):.6g}")
    return found


def log_of(priors: tuple[float, ...]) -> NDArray[np.float64]:
    """Returns the logarithms of priors, float64 ``(labels,)``; minus infinity for 0."""
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.log(np.array(priors))
    return found
