"""Conformal p-values: how many held-out texts have a score at least as high.

Vovk, Gammerman and Shafer (2005), *Algorithmic Learning in a Random World*: where a text comes from the same source as
N held-out ones, each rank among the N + 1 is equally likely, so that a p-value of at most ``a`` has at most that
chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.decisions.stored_numbers import count, known_keys, numbers, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT = 100
"""How many of the highest scores are all kept."""
STEP = 1.01
"""By how much the ranks grow that are kept of the others."""
MOST_SCORES = 4000
"""More than are kept of any number of texts that fits in memory."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RankedScores:
    """The scores of held-out texts, of which a bounded number is kept.

    Attributes:
        texts: How many texts there are, N.
        scores: The different scores that are kept, ascending, float64 ``(K,)``; the higher, the more unusual.
        above: How many texts have a higher score than each, int64 ``(K,)``.

    Example:
        >>> ranked = RankedScores.of(np.array([3.0, 1.0, 4.0, 1.0]))
        >>> ranked.p_values(np.array([0.0, 1.0, 3.5, 9.0]))
        array([1. , 1. , 0.4, 0.2])
    """

    texts: int
    scores: NDArray[np.float64]
    above: NDArray[np.int64]

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Self:
        """Returns what is kept of the scores of all held-out texts, float64 ``(N,)``, N at least 1."""
        ascending = np.sort(rounded(scores))
        texts = len(scores)
        steps = KEPT * STEP ** np.arange(max(0.0, np.log(texts / KEPT) / np.log(STEP)))
        ranks = np.unique([*range(1, min(KEPT, texts) + 1), *steps.astype(np.int64), texts])
        kept = np.unique(ascending[texts - ranks])
        return cls(texts=texts, scores=kept, above=texts - np.searchsorted(ascending, kept, side="right"))

    def p_values(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns ``(1 + n) / (N + 1)`` for each score, where n texts have at least that.

        Where scores in between are not kept, n is too high by up to a hundredth: that adds no false alarm.
        """
        lower = np.searchsorted(self.scores, rounded(scores), side="left") - 1  # the next that is kept
        p_values: NDArray[np.float64] = (1 + np.where(lower < 0, self.texts, self.above[lower])) / (self.texts + 1)
        return p_values

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {"texts": self.texts, "scores": self.scores.tolist(), "above": self.above.tolist()}

    @classmethod
    def from_dict(cls, content: object, what: str) -> Self:
        """Returns what ``to_dict`` described, once it has been checked.

        Args:
            content: JSON values.
            what: What to call it in errors.

        Raises:
            ValueError: It is invalid.
        """
        given = known_keys(content, {"texts", "scores", "above"}, what)
        texts, scores = count(given, "texts", least=1), numbers(given, "scores", most=MOST_SCORES, ascending=True)
        above = numbers(given, "above", most=MOST_SCORES)
        is_sound = len(above) == len(scores) > 0 and above[0] < texts and above[-1] == 0
        if not is_sound or (np.diff(above) >= 0).any() or (above % 1).any():
            raise ValueError(f"{what} of its calibration must say how many texts are above each score, down to none")
        return cls(texts=texts, scores=scores, above=above.astype(np.int64))
