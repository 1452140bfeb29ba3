"""How many bits texts of a length take, and how far apart they are: the mean and the variance by length.

The variance is a sum of three parts: what every text has, what each symbol adds by itself (it grows with the length n),
and how texts differ as a whole, such as in their topic (it grows with n squared).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.decisions.stored_numbers import known_keys, numbers, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 3
"""How often mean and variance are fitted in turn, each weighted with the other."""
SMALLEST_DEVIATION = 0.05
"""In bits: texts that differ by less are the same."""
PARTS_OF_MEAN, PARTS_OF_VARIANCE = 2, 3


@dataclass(frozen=True, eq=False, kw_only=True)
class LengthTrend:
    """The mean and the variance of the bits of a text of n symbols.

    Attributes:
        mean: The coefficients of 1 and n, float64 ``(2,)``, in bits.
        variance: Those of 1, n and n squared, none negative, float64 ``(3,)``, in squared bits.

    Example:
        >>> lengths = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
        >>> LengthTrend.of(lengths, 1 + 2 * lengths).mean.round(6)
        array([1., 2.])
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def of(cls, lengths: NDArray[np.float64], bits: NDArray[np.float64]) -> Self:
        """Returns the trend of held-out texts, by weighted least squares.

        Args:
            lengths: How many symbols of each text are scored, ``(N,)``.
            bits: How many bits each takes, ``(N,)``.
        """
        of_mean, of_variance = _powers(lengths, PARTS_OF_MEAN), _powers(lengths, PARTS_OF_VARIANCE)
        deviations = np.ones(len(lengths))
        for _ in range(ROUNDS):
            mean: NDArray[Any] = np.linalg.lstsq(of_mean / deviations[:, None], bits / deviations, rcond=None)[0]
            squares = (bits - of_mean @ mean) ** 2
            variance = _non_negative_least_squares(of_variance / deviations[:, None] ** 2, squares / deviations**2)
            deviations = np.sqrt(np.maximum(of_variance @ variance, SMALLEST_DEVIATION**2))
        return cls(mean=rounded(mean), variance=rounded(variance))

    def standardized(self, lengths: NDArray[np.float64], bits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns by how many standard deviations each text takes more bits than others of its length, ``(B,)``."""
        mean = _powers(lengths, PARTS_OF_MEAN) @ self.mean
        variance = _powers(lengths, PARTS_OF_VARIANCE) @ self.variance
        scores: NDArray[np.float64] = (bits - mean) / np.sqrt(np.maximum(variance, SMALLEST_DEVIATION**2))
        return scores

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {"mean": self.mean.tolist(), "variance": self.variance.tolist()}

    @classmethod
    def from_dict(cls, content: object) -> Self:
        """Returns what ``to_dict`` described, once it has been checked.

        Raises:
            ValueError: It is invalid.
        """
        given = known_keys(content, {"mean", "variance"}, "trend")
        mean, variance = numbers(given, "mean", most=PARTS_OF_MEAN), numbers(given, "variance", most=PARTS_OF_VARIANCE)
        if (len(mean), len(variance)) != (PARTS_OF_MEAN, PARTS_OF_VARIANCE) or (variance < 0).any():
            raise ValueError("the trend of its calibration must have a mean of 2 and a variance of 3 positive numbers")
        return cls(mean=mean, variance=variance)


def _powers(lengths: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    return lengths[:, None] ** np.arange(number)


def _non_negative_least_squares(columns: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the non-negative coefficients that come closest: of the few sets that may be above 0, the best."""
    number = columns.shape[1]
    best, smallest = np.zeros(number), float(values @ values)
    for size in range(1, number + 1):
        for chosen in map(list, combinations(range(number), size)):
            found = np.linalg.lstsq(columns[:, chosen], values, rcond=None)[0]
            distance = float(((columns[:, chosen] @ found - values) ** 2).sum())
            if (found >= 0).all() and distance < smallest:
                best, smallest = np.zeros(number), distance
                best[chosen] = found
    return best
