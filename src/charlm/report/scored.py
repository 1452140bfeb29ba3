"""The text of a report, scored by the model: what several sections are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from charlm.evaluation.scored_text import ScoredText
    from charlm.lm import CharLM

LONGEST_SCORED = 10_000
"""In characters."""
ALTERNATIVES = 5
"""How many likely symbols are named at each character."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A text, or several records, with the probability of each symbol.

    Attributes:
        texts: The text, or the records.
        told: What they are, in a sentence.
        note: What to say of where the text begins, if anything.
        is_own: Whether the model has generated them itself, which says nothing about how good it is.
    """

    texts: list[ScoredText]
    told: str
    note: str = ""
    is_own: bool = False

    @classmethod
    def of(
        cls,
        lm: CharLM,
        texts: Sequence[str],
        told: str,
        *,
        stride: int | None = None,
        note: str = "",
        is_own: bool = False,
    ) -> Scored:
        """Returns the beginning of a text, or the first records, as a model scores them.

        A record is taken whole, since a part of it would end too early.
        """
        taken, left = list[str](), LONGEST_SCORED
        for text in texts:
            if taken and len(text) > left:
                break
            taken.append(text if lm.is_of_records else text[:left])
            left -= len(text)
        return cls(texts=lm.inspect(taken, k=ALTERNATIVES, stride=stride), told=told, note=note, is_own=is_own)

    @property
    def bits_per_character(self) -> float:
        """The mean over the characters, and the ends of records."""
        characters = sum(len(one.text) + (len(one.log_probabilities) > len(one.symbols)) for one in self.texts)
        return sum(float(one.bits.sum()) for one in self.texts) / max(1, characters)
