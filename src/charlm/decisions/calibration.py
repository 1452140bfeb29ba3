"""What held-out texts look like to a model, by length: from it come p-values and thresholds.

A text is judged as a whole, by how many bits it takes more than others of its length, and by its worst part: the
symbols one after the other that take the most bits above a reference. Both are compared with held-out texts by length,
and what counts is the more unusual of the two, again compared with held-out texts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.decisions.conformal import RankedScores
from charlm.decisions.segments import best_totals
from charlm.decisions.stored_numbers import known_keys, number, rounded
from charlm.decisions.usual_texts import Measured, UsualTexts
from chartok.arguments import fraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_TEXTS = 20
"""How many held-out texts it takes to say what is usual at all."""
ROOM = 1e-5
"""By which share of its bits a text is judged too well: more than a device or a batch changes them."""
MOST_BITS = 1e4
"""What a symbol takes at most: more than any unknown character, less than an impossible one."""
FOLDS = 5
"""Into how many parts the held-out texts are put, each of which is ranked by the others."""
REFERENCES = 20
"""How many references are tried."""
FOREIGN_QUANTILE = 0.75
"""Of the bits of symbols in random order: how surprising the beginning of a foreign part is."""
FALSE_ALARMS, FEWEST_FALSE_ALARMS = 0.001, 5
"""The share, or the number, of held-out texts above which foreign parts are to stand out."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration:
    """What held-out texts look like to a model; ``CharLM.calibrate`` makes it, and the model file keeps it.

    It takes a bounded number of bytes, tens of thousands, however many texts there were.

    Attributes:
        reference: How many bits a symbol may take without adding to the score of a part.
        usual: How unusual a text is, by length.
        texts: The ranks of the held-out texts, as a whole or by their worst parts.
        spans: Their ranks by their worst parts alone.

    Example:
        >>> from charlm import CharLM
        >>> digits = [f"{number:03}" for number in range(1000)]
        >>> lm = CharLM.fit(digits[::2]).calibrate(digits[1::2])
        >>> lm.calibration
        Calibration(500 texts, false-alarm rates from 0.002)
    """

    reference: float
    usual: UsualTexts
    texts: RankedScores
    spans: RankedScores

    @classmethod
    def of(cls, bits: NDArray[np.float64], lengths: NDArray[np.int64], *, foreign: NDArray[np.float64]) -> Self:
        """Returns the calibration by held-out texts.

        Each text is ranked by what the others look like: it must not make itself usual.

        Args:
            bits: How many bits each symbol of each text takes, concatenated.
            lengths: How many symbols each text has, int64 ``(N,)``, none of them 0.
            foreign: How many bits symbols take where they do not belong.

        Raises:
            ValueError: There are too few texts.
        """
        if len(lengths) < FEWEST_TEXTS:
            raise ValueError(
                f"held_out_texts must give at least {FEWEST_TEXTS} texts with something to score, got {len(lengths)}: "
                "a false-alarm rate takes 1 / rate - 1 of them, such as 999 for 0.001"
            )
        bits = np.minimum(bits, MOST_BITS)
        reference = _reference(bits, lengths, np.minimum(foreign, MOST_BITS))
        measured = Measured.of(bits, lengths, reference)
        folds = np.random.default_rng(0).permutation(len(lengths)) % FOLDS
        of_texts, of_parts = np.empty((2, len(lengths)))
        for fold in range(FOLDS):
            own = measured.some(folds == fold)
            others = UsualTexts.of(measured.some(folds != fold))
            of_texts[folds == fold] = others.surprisals(own)
            of_parts[folds == fold] = others.parts.surprisals(own.lengths, own.worst)
        return cls(
            reference=reference,
            usual=UsualTexts.of(measured),
            texts=RankedScores.of(of_texts),
            spans=RankedScores.of(of_parts),
        )

    @property
    def n_texts(self) -> int:
        """The number of held-out texts."""
        return self.texts.texts

    def p_values(self, bits: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns for each text the share of held-out texts that are at least as unusual, float64 ``(B,)``; see ``of``.

        A text without symbols is as usual as can be: 1.
        """
        measured = Measured.of(np.minimum(bits, MOST_BITS) * (1 - ROOM), lengths, self.reference)
        return np.where(lengths > 0, self.texts.p_values(self.usual.surprisals(measured)), 1.0)

    def above_reference(self, bits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns what each symbol adds to the score of a part, ``(T,)``."""
        above: NDArray[np.float64] = np.minimum(bits, MOST_BITS) * (1 - ROOM) - self.reference
        return above

    def p_values_of_parts(self, totals: NDArray[np.float64], length: int) -> NDArray[np.float64]:
        """Returns for each part of a text the share of held-out texts with one that is at least as unusual, ``(B,)``.

        Args:
            totals: The sum of ``above_reference`` over each part.
            length: How many symbols the text has.
        """
        return self.spans.p_values(self.usual.parts.surprisals(np.full(len(totals), float(length)), totals))

    def check_rate(self, false_alarm_rate: float, name: str = "false_alarm_rate") -> float:
        """Returns a false-alarm rate, checked to be one that so many held-out texts can tell.

        Args:
            false_alarm_rate: The rate.
            name: What messages call it.

        Raises:
            ValueError: It is not between 0 and 1, or there are too few texts; says how many it takes.
            TypeError: It is not a number.
        """
        rate = fraction(name, false_alarm_rate)
        needed = texts_needed(rate)
        if self.n_texts < needed:
            least = math.ceil(self.lowest_rate * 1e6) / 1e6
            raise ValueError(
                f"{name} {rate:g} takes at least {needed:,} held-out texts, and the model was "
                f"calibrated on {self.n_texts:,}: calibrate it on more, or give a rate of at least {least:g}"
            )
        return rate

    @property
    def lowest_rate(self) -> float:
        """The lowest false-alarm rate that so many texts can tell: ``1 / (N + 1)``."""
        return 1 / (self.n_texts + 1)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        parts = {name: getattr(self, name).to_dict() for name in ("usual", "texts", "spans")}
        return {"reference": self.reference} | parts

    @classmethod
    def from_dict(cls, content: object) -> Self:
        """Returns what ``to_dict`` described, once it has been checked.

        Raises:
            ValueError: It is invalid; says what is.
        """
        given = known_keys(content, {"reference", "usual", "texts", "spans"}, "the description")
        texts, spans = RankedScores.from_dict(given["texts"], "texts"), RankedScores.from_dict(given["spans"], "spans")
        if texts.texts != spans.texts:
            raise ValueError("texts and spans of its calibration must be of as many texts")
        usual = UsualTexts.from_dict(given["usual"])
        return cls(reference=number(given, "reference"), usual=usual, texts=texts, spans=spans)

    def __repr__(self) -> str:
        return f"Calibration({self.n_texts:,} texts, false-alarm rates from {self.lowest_rate:.2g})"


def texts_needed(false_alarm_rate: float) -> int:
    """Returns how many held-out texts a false-alarm rate takes: the p-value above all of N texts is ``1 / (N + 1)``.

    Example:
        >>> texts_needed(0.001), texts_needed(0.5)
        (999, 1)
    """
    return math.ceil(1 / false_alarm_rate - 1e-9) - 1


def checked_calibration(calibration: Calibration | None) -> Calibration:
    """Returns the calibration of a model.

    Raises:
        ValueError: It has none; says how to make one.
    """
    if calibration is None:
        raise ValueError(
            "the model is not calibrated: call calibrate(held_out_texts) with texts "
            "that it was not fitted to (charlm calibrate MODEL FILE, or charlm train --calibrate)"
        )
    return calibration


def _reference(bits: NDArray[np.float64], lengths: NDArray[np.int64], foreign: NDArray[np.float64]) -> float:
    """Returns the bits per symbol above which parts stand out best from those of held-out texts.

    With a low reference, parts that are merely not predictable add up, such as numbers and identifiers; with a high
    one, only single symbols stand out. The one is chosen with which the fewest foreign symbols in a row are enough to
    exceed the worst parts of nearly all held-out texts. Where a single one is, it is not the lowest of those, with
    which spans would reach into what is merely not predictable.
    """
    usual, unusual = float(bits.mean()), float(np.quantile(foreign, FOREIGN_QUANTILE))
    rank = min(len(lengths), max(FEWEST_FALSE_ALARMS, round(FALSE_ALARMS * len(lengths))))
    candidates = usual + np.arange(REFERENCES) / REFERENCES * max(unusual - usual, 0)
    symbols = [
        np.partition(best_totals(bits - candidate, lengths), -rank)[-rank] / max(unusual - candidate, 1e-9)
        for candidate in candidates
    ]
    is_enough = np.flatnonzero(np.array(symbols) <= 1)
    best = int(is_enough[len(is_enough) // 4]) if len(is_enough) else int(np.argmin(symbols))
    return float(rounded(candidates[[best]])[0])
