"""How unusual a text is as a whole and in its worst part, measured against texts of its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from charlm.decisions.by_length import ScoresByLength
from charlm.decisions.length_trend import LengthTrend
from charlm.decisions.segments import best_totals
from charlm.decisions.stored_numbers import known_keys
from charlm.evaluation.symbol_scores import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Measured(NamedTuple):
    """What is measured of each of several texts, float64 ``(N,)`` each.

    Attributes:
        lengths: The number of symbols.
        bits: How many bits they take together.
        worst: By how many bits the symbols of the worst part exceed the reference together.
    """

    lengths: NDArray[np.float64]
    bits: NDArray[np.float64]
    worst: NDArray[np.float64]

    @classmethod
    def of(cls, bits: NDArray[np.float64], lengths: NDArray[np.int64], reference: float) -> Self:
        """Returns what is measured of texts.

        Args:
            bits: How many bits each symbol of each text takes, concatenated.
            lengths: How many symbols each has, ``(N,)``.
            reference: How many bits a symbol may take without adding to the score of a part.
        """
        return cls(lengths.astype(np.float64), sums(bits, lengths), best_totals(bits - reference, lengths))

    def some(self, chosen: NDArray[np.bool_]) -> Self:
        """Returns what is measured of some of the texts."""
        return type(self)(self.lengths[chosen], self.bits[chosen], self.worst[chosen])


@dataclass(frozen=True, eq=False, kw_only=True)
class UsualTexts:
    """The distribution by length of what is measured of usual texts.

    Attributes:
        trend: The mean and the variance of the bits.
        whole: How far the bits are from the trend.
        parts: The scores of worst parts.
        either: The more surprising of the two, as ``-ln`` of a share of texts.
    """

    trend: LengthTrend
    whole: ScoresByLength
    parts: ScoresByLength
    either: ScoresByLength

    @classmethod
    def of(cls, texts: Measured) -> Self:
        """Returns the distribution of what was measured of usual texts."""
        trend = LengthTrend.of(texts.lengths, texts.bits)
        standardized = trend.standardized(texts.lengths, texts.bits)
        whole = ScoresByLength.of(texts.lengths, standardized)
        parts = ScoresByLength.of(texts.lengths, texts.worst)
        either = np.maximum(whole.surprisals(texts.lengths, standardized), parts.surprisals(texts.lengths, texts.worst))
        return cls(trend=trend, whole=whole, parts=parts, either=ScoresByLength.of(texts.lengths, either))

    def surprisals(self, texts: Measured) -> NDArray[np.float64]:
        """Returns how unusual texts are, as a whole or in their worst part, ``(B,)``; the higher, the more."""
        standardized = self.trend.standardized(texts.lengths, texts.bits)
        of_whole = self.whole.surprisals(texts.lengths, standardized)
        of_parts = self.parts.surprisals(texts.lengths, texts.worst)
        return self.either.surprisals(texts.lengths, np.maximum(of_whole, of_parts))

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {name: getattr(self, name).to_dict() for name in ("trend", "whole", "parts", "either")}

    @classmethod
    def from_dict(cls, content: object) -> Self:
        """Returns what ``to_dict`` described, once it has been checked.

        Raises:
            ValueError: It is invalid; says what is.
        """
        given = known_keys(content, {"trend", "whole", "parts", "either"}, "usual")
        return cls(
            trend=LengthTrend.from_dict(given["trend"]),
            whole=ScoresByLength.from_dict(given["whole"], "whole"),
            parts=ScoresByLength.from_dict(given["parts"], "parts"),
            either=ScoresByLength.from_dict(given["either"], "either"),
        )
