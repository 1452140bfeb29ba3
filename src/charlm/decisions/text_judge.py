"""The part of ``CharLM`` that says whether a text is unusual, and which part of it."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from charlm.data.framing import Framing
from charlm.decisions.calibration import Calibration, checked_calibration
from charlm.decisions.overlap import new_ngrams
from charlm.decisions.segments import maximal_segments
from charlm.evaluation.symbol_scores import scores_of_symbols
from charlm.evaluation.text_scorer import several
from charlm.models.ngram.table import table_of
from chartok.arguments import check_several, expected_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from charlm.models.predictor import PredictingModel
    from chartok import Vocabulary

SHUFFLED = 1 << 16
"""How many symbols in random order tell how surprising foreign ones are."""


@dataclass(frozen=True, kw_only=True)
class UnusualSpan:
    """A part of a text that is more unusual than those of nearly all held-out texts.

    Attributes:
        start: Where it begins, in characters.
        end: Where it ends, in characters; the same as ``start``, at the end of the text, where that comes too early.
        text: What it is.
        bits: How many bits it takes.
        p_value: The share of held-out texts in which a part is at least as unusual.
    """

    start: int
    end: int
    text: str
    bits: float
    p_value: float


class TextJudge(ABC):
    """The part of ``CharLM`` that says whether texts are unusual, at a false-alarm rate that holds.

    Attributes:
        vocabulary: The vocabulary of the model.
        calibration: What held-out texts look like; None before ``calibrate``.
    """

    vocabulary: Vocabulary
    calibration: Calibration | None

    @property
    @abstractmethod
    def stored(self) -> PredictingModel:
        """The model in the form in which it is stored."""

    def calibrate(self, held_out_texts: Iterable[str]) -> Self:
        """Learns what usual texts look like from texts that the model has not been fitted to, and returns this model.

        Like ``fit`` of scikit-learn it changes this object and returns it: ``calibration`` is new, nothing else. Model
        files keep it. ``update``, ``prune``, ``merge`` and ``interpolate`` return other models, without one; whoever
        goes on training ``model`` calibrates again.

        Args:
            held_out_texts: Texts of the kind that will be judged, drawn at random or the latest: at least
                ``1 / rate - 1`` for a false-alarm rate, 999 for 0.001; with ten times as many the rate is exact to
                about a third. Texts without anything to score, such as empty passages, do not count.

        Raises:
            ValueError: There are fewer than 20; or the likelihood of one is NaN.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``held_out_texts`` is a single ``str`` or not iterable, or an item is not a ``str``.

        Warns:
            UserWarning: An n-gram model with counts has counted most of the texts, so that more texts will be called
                unusual than asked for. Where even new texts are made of n-grams that it knows, this cannot be told.

        Example:
            >>> from charlm import CharLM
            >>> ids = [f"{number:04}" for number in range(0, 10_000, 5)]
            >>> lm = CharLM.fit(ids[::2]).calibrate(ids[1::2])
            >>> lm.p_values(["0815", "x"]).round(3).tolist()
            [1.0, 0.001]
        """
        check_several(held_out_texts, "held_out_texts")
        texts = several(held_out_texts, "held_out_texts")
        bits, lengths = self._bits(texts, "held_out_texts")
        self._warn_of_counted(texts)
        shuffled = np.random.default_rng(0).permutation(np.array([*"".join(texts)], dtype=object))[:SHUFFLED]
        whole = self._bits(_cut(shuffled, [*map(len, texts)]), "held_out_texts")[0] if len(shuffled) else bits[:0]
        made = Calibration.of(bits, lengths[lengths > 0], foreign=whole if len(whole) else bits)
        self.calibration = Calibration.from_dict(made.to_dict())  # what a file will give back
        return self

    def p_values(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Returns for each text the share of held-out texts that are at least as unusual, float64 ``(N,)``.

        What counts is the text as a whole or its worst part, whichever is more unusual among texts of its length. Of
        usual texts, a share of at most ``a`` gets a p-value of at most ``a``: on average, and about so at each length,
        except that the very shortest and the very longest are in one group with others and may get more.

        Args:
            texts: Strings of any lengths. A text without anything to score gets 1.

        Raises:
            ValueError: The model is not calibrated, or the likelihood of a text is NaN.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``texts`` is a single ``str`` or not iterable, or an item is not a ``str``.
        """
        calibration = checked_calibration(self.calibration)
        check_several(texts, "texts")
        return calibration.p_values(*self._bits(several(texts, "texts"), "texts"))

    def is_unusual(self, texts: Iterable[str], false_alarm_rate: float = 0.001) -> NDArray[np.bool_]:
        """Returns whether each text is unusual, ``(N,)``: whether its p-value is at most the false-alarm rate.

        Args:
            texts: As for ``p_values``.
            false_alarm_rate: The share of usual texts that may be called unusual.

        Raises:
            ValueError: As for ``p_values``; or the rate is not between 0 and 1, or takes more held-out texts than the
                model was calibrated on: says how many.
            TypeError: As for ``p_values``; or the rate is not a number.

        Example:
            >>> from charlm import CharLM
            >>> ids = [f"{number:04}" for number in range(0, 10_000, 5)]
            >>> CharLM.fit(ids[::2]).calibrate(ids[1::2]).is_unusual(["0815", "08x15"], 0.01).tolist()
            [False, True]
        """
        rate = checked_calibration(self.calibration).check_rate(false_alarm_rate)
        is_unusual: NDArray[np.bool_] = self.p_values(texts) <= rate
        return is_unusual

    def unusual_spans(self, text: str, false_alarm_rate: float = 0.001) -> list[UnusualSpan]:
        """Returns the parts of a text that are unusual, in order.

        A part is a run of symbols that take more bits together than the worst part of nearly all held-out texts of that
        length. At most the share ``false_alarm_rate`` of usual texts has any. A text may be unusual only as a whole,
        without any; and one that has some is not always unusual at the same rate, as ``is_unusual`` looks at both.

        Args:
            text: A string.
            false_alarm_rate: The share of usual texts in which a part may be called unusual.

        Raises:
            ValueError: As for ``is_unusual``.
            UnknownCharacterError: As for ``p_values``.
            TypeError: ``text`` is not a ``str``, or the rate is not a number.

        Example:
            >>> from charlm import CharLM
            >>> times = [f"{hour:02}:{minute:02} backup done" for hour in range(24) for minute in range(60)]
            >>> lm = CharLM.fit(times[::2]).calibrate(times[1::2])
            >>> [(span.start, span.end, span.text) for span in lm.unusual_spans("07:15 backup dome", 0.01)]
            [(15, 17, 'me')]
        """
        calibration = checked_calibration(self.calibration)
        rate = calibration.check_rate(false_alarm_rate)
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        bits, _ = self._bits([text], "text")
        parts = maximal_segments(calibration.above_reference(bits))
        p_values = calibration.p_values_of_parts(np.array([part.total for part in parts]), len(bits))
        framing = Framing(self.vocabulary)
        starts, ends = np.append(
            self.vocabulary.char_offsets(text, framing.errors), [[len(text)] * 2], axis=0
        ).T.tolist()
        return [
            UnusualSpan(
                start=starts[part.start],
                end=ends[part.stop - 1],
                text=text[starts[part.start] : ends[part.stop - 1]],
                bits=float(bits[part.start : part.stop].sum()),
                p_value=p_value,
            )
            for part, p_value in zip(parts, p_values.tolist(), strict=True)
            if p_value <= rate
        ]

    def _bits(self, texts: list[str], name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Returns how many bits each symbol of each text takes, concatenated, and how many symbols each has."""
        scores, lengths = scores_of_symbols(self.stored.predictor(), self.vocabulary, texts)
        if np.isnan(scores).any():
            place = int(np.searchsorted(np.cumsum(lengths), np.isnan(scores).argmax(), side="right"))
            which = name if name == "text" else f"{name}[{place}]"
            raise ValueError(f"the likelihood of {which} is NaN: the weights of the model are unsound")
        return scores / -math.log(2), lengths

    def _warn_of_counted(self, texts: list[str]) -> None:
        """Warns of held-out texts that an n-gram model has counted."""
        table = table_of(self.stored)
        if table is None or not len(table.packed_counts.small):
            return
        framing = Framing(self.vocabulary)
        ids, lengths = framing.to_score(texts)
        skipped = int(framing.bos is not None and not framing.is_of_records)  # a text is not counted with its bos
        found = new_ngrams(table, ids, lengths, skipped=skipped)
        if found.are_too_few:
            warnings.warn(
                f"held_out_texts have {found.found:,} n-grams that the model has not counted, and new texts would "
                f"have about {found.expected:,.0f}: it has learned from most of them, and will call too many others "
                "unusual; hold out texts, and fit it to the rest",
                stacklevel=3,
            )


def _cut(symbols: NDArray[np.object_], lengths: list[int]) -> list[str]:
    """Returns symbols joined to texts of these lengths, as far as they go."""
    ends = np.minimum(np.cumsum(lengths), len(symbols)).tolist()
    return ["".join(symbols[start:end]) for start, end in zip([0, *ends], ends, strict=False) if start < end]
