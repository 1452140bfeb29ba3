"""How unusual a score is for a text of its length.

Texts are put into groups by their length. In each the distribution of the scores is known up to where a share ``s`` of
them is above; what is farther out is divided by the mean excess of the group, and compared with the excesses of all
groups together: tails of different lengths differ in scale more than in shape (Pickands 1975; the mean excess is the
scale of an exponential tail). So a few thousand texts say what one in a thousand is at every length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.decisions.stored_numbers import known_keys, number, numbers, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_GROUPS = 32
FEWEST_TEXTS = 125
"""In a group, if there is more than one."""
LARGEST_SHARE = 0.1
"""The share of a group that counts as its tail, at most."""
TAIL_TEXTS = 800
"""How many texts are in the tails of all groups together, where that is a smaller share."""
LEVELS = 17
"""How many scores describe a group below its tail."""
PRIOR_TEXTS = 10
"""For how many texts the mean excess of all groups counts in that of a group."""
SMALLEST_SPREAD = 0.1
"""Of a group, as a share of the mean of all."""
LEAST_SPREAD = 0.01
"""Of any group, in bits, nats or standard deviations: texts that are equal but for rounding are as far apart."""
SMALLEST_SCALE = 1e-3
"""Likewise."""
LARGEST_EXCESS, LARGEST_SURPRISAL = 1e9, 1e6
"""Beyond these, all are as unusual."""
FARTHEST = 10
"""How many of the largest excesses tell how the tail goes on beyond them."""
MOST_EXCESSES = 1000
"""More than are in the tails."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoresByLength:
    """The distribution of the scores of held-out texts, by length.

    Attributes:
        borders: The largest length in each group but the last, ascending, float64 ``(G - 1,)``.
        levels: Scores of each group, ascending, float64 ``(G, LEVELS)``: all texts have at least the first, and
            the share ``share`` has more than the last; the logarithms of the shares between are equally far apart.
        scales: The mean excess over the last level in each group, float64 ``(G,)``.
        excesses: All scores above the last level of their group, as multiples of its mean excess, ascending.
        share: The share of each group that is its tail.
    """

    borders: NDArray[np.float64]
    levels: NDArray[np.float64]
    scales: NDArray[np.float64]
    excesses: NDArray[np.float64]
    share: float

    @classmethod
    def of(cls, lengths: NDArray[np.float64], scores: NDArray[np.float64]) -> Self:
        """Returns the distribution of the scores of held-out texts.

        Args:
            lengths: The length of each text, ``(N,)``, N at least 1.
            scores: Its score, ``(N,)``; the higher, the more unusual.
        """
        borders = _borders(lengths)
        groups = np.searchsorted(borders, lengths)
        n_groups = len(borders) + 1
        share = min(LARGEST_SHARE, TAIL_TEXTS / len(lengths))
        at_most = 1 - share ** (np.arange(LEVELS) / (LEVELS - 1))
        own = [scores[groups == group] for group in range(n_groups)]
        quantiles = np.array([np.quantile(each, at_most, method="inverted_cdf") for each in own])
        levels, farthest = rounded(quantiles), quantiles[:, -1]
        spreads = _spreads(levels, share)
        is_tail = scores > farthest[groups]
        above = scores - farthest[groups]
        sizes = np.bincount(groups, is_tail, minlength=n_groups)
        totals = np.bincount(groups, np.where(is_tail, above, 0), minlength=n_groups) / spreads
        of_all = totals.sum() / sizes.sum() if sizes.any() else 1.0
        means = spreads * (totals + PRIOR_TEXTS * of_all) / (sizes + PRIOR_TEXTS)
        scales = rounded(np.maximum(means, SMALLEST_SCALE))
        excesses = rounded(np.sort(np.minimum(above[is_tail] / scales[groups[is_tail]], LARGEST_EXCESS)))
        return cls(borders=borders, levels=levels, scales=scales, excesses=excesses, share=share)

    def surprisals(self, lengths: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns ``-ln`` of the estimated share of texts of that length with at least that score, float64 ``(B,)``.

        It grows with the score, also beyond all that was held out.
        """
        groups = np.searchsorted(self.borders, lengths)
        excesses = (scores - self.levels[groups, -1]) / self.scales[groups]
        surprisals: NDArray[np.float64] = -np.log(self.share) + self._of_tail(excesses)
        own = -np.log(self.share) * np.arange(LEVELS) / (LEVELS - 1)
        for group in range(len(self.scales)):
            places = np.flatnonzero((excesses <= 0) & (groups == group))
            surprisals[places] = np.interp(scores[places], self.levels[group], own)
        return surprisals

    def _of_tail(self, excesses: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns ``-ln`` of the share of the tail with at least that excess."""
        size = len(self.excesses)
        if not size:
            return np.clip(excesses, 0, LARGEST_SURPRISAL)
        own = -np.log((size - np.arange(size) - 0.5) / size)
        found = np.interp(excesses, np.append(0, self.excesses), np.append(0, own))
        farthest = self.excesses[-FARTHEST:]
        beyond = np.maximum(excesses - farthest[-1], 0) / max(float(np.mean(farthest - farthest[0])), 1e-3)
        with_beyond: NDArray[np.float64] = np.minimum(found + beyond, LARGEST_SURPRISAL)
        return with_beyond

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        arrays = {name: getattr(self, name).ravel().tolist() for name in ("borders", "levels", "scales", "excesses")}
        return arrays | {"share": self.share}

    @classmethod
    def from_dict(cls, content: object, what: str) -> Self:
        """Returns what ``to_dict`` described, once it has been checked.

        Args:
            content: JSON values.
            what: What to call it in errors.

        Raises:
            ValueError: It is invalid.
        """
        given = known_keys(content, {"borders", "levels", "scales", "excesses", "share"}, what)
        borders = numbers(given, "borders", most=MOST_GROUPS - 1, ascending=True)
        scales = numbers(given, "scales", most=MOST_GROUPS)
        levels = numbers(given, "levels", most=MOST_GROUPS * LEVELS)
        excesses = numbers(given, "excesses", most=MOST_EXCESSES, ascending=True)
        share = number(given, "share")
        if len(scales) != len(borders) + 1 or levels.size != len(scales) * LEVELS:
            raise ValueError(f"{what} of its calibration must have {LEVELS} levels and a scale for each group")
        levels = levels.reshape(-1, LEVELS)
        if (np.diff(levels, axis=1) < 0).any() or not (scales > 0).all() or (excesses <= 0).any():
            raise ValueError(f"{what} of its calibration must have ascending levels, and scales and excesses above 0")
        if not 0 < share <= LARGEST_SHARE:
            raise ValueError(f"share of {what} of its calibration must be above 0 and at most {LARGEST_SHARE}")
        return cls(borders=borders, levels=levels, scales=scales, excesses=excesses, share=share)


def _spreads(levels: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Returns how far above its middle the tail of each group begins, ``(G,)``; above 0 where texts are the same."""
    middle = round((LEVELS - 1) * math.log(2) / -math.log(share))
    spreads = levels[:, -1] - levels[:, middle]
    smallest = SMALLEST_SPREAD * float(spreads.mean())
    return np.maximum(spreads, max(smallest, LEAST_SPREAD))


def _borders(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the largest length of each group but the last: as equal groups as lengths allow, none much smaller."""
    wanted = max(1, min(MOST_GROUPS, len(lengths) // FEWEST_TEXTS))
    least = len(lengths) / wanted / 2
    found = list[float]()
    before = 0
    for border in np.quantile(lengths, np.arange(1, wanted) / wanted, method="inverted_cdf").tolist():
        up_to = int(np.count_nonzero(lengths <= border))
        if up_to - before >= least and len(lengths) - up_to >= least:
            found.append(border)
            before = up_to
    return np.array(found)
