"""Scores texts: how likely they are under a model."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

import numpy as np

from charlm.data.framing import Framing
from charlm.evaluation.scored_text import ScoredText, ScoredTexts, likeliest
from charlm.evaluation.scoring import Evaluation, utf8_length
from charlm.evaluation.symbol_scores import scores_after, scores_of_symbols, sums
from chartok.arguments import check_several, checked_texts, expected_text, flag, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from charlm.evaluation.scored_text import Alternatives
    from charlm.models.predictor import PredictingModel, Predictor
    from chartok import Vocabulary


class TextScorer(ABC):
    """The part of ``CharLM`` that scores existing texts.

    Attributes:
        vocabulary: The vocabulary of the model.
    """

    vocabulary: Vocabulary

    @property
    @abstractmethod
    def predictor(self) -> Predictor:
        """The NumPy interface to the model."""

    @property
    @abstractmethod
    def stored(self) -> PredictingModel:
        """The model in the form in which it is stored."""

    @property
    def is_of_records(self) -> bool:
        """Whether the model predicts the end of a text."""
        return Framing(self.vocabulary).is_of_records

    def log_probabilities(self, text: str, *, stride: int | None = None) -> NDArray[np.float64]:
        """Returns the natural logarithm of the probability of each symbol, given those before it.

        Where the vocabulary has ``unk``, a small share of the probability belongs to all unknown characters together,
        so that the probabilities of all strings sum to 1. ``generate`` never draws one: it draws a symbol, and
        ``next_symbols`` shows it, with its probability given that it is a known one, which is larger by the factor
        ``1 / (1 - p(unk))``. Without ``unk`` the three are the same.

        Args:
            text: Any string, including the empty one.
            stride: For a model with a limited context: how far apart the blocks begin in which a longer text is scored.
                By default half a block. Smaller ones give each symbol more context and take longer; the block size
                makes blocks that do not overlap, at half the cost of the default. A mixture takes none: its Transformer
                always gets the default.

        Returns:
            float64 ``(len(text),)`` in nats, fewer where symbols have several characters; for a model of records one
            more, that of the end. ``vocabulary.char_offsets`` says where each symbol is.

        Raises:
            UnknownCharacterError: The vocabulary has neither the character nor an ``unk`` token.
            ValueError: ``stride`` is below 1 or above the block, or the context has no limit.
            TypeError: ``text`` is not a ``str``.
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        return self._scores(text, stride)[0]

    def score_samples(
        self,
        texts: Iterable[str],
        *,
        context: str | Iterable[str] = "",
        eos: bool = True,
        stride: int | None = None,
    ) -> NDArray[np.float64]:
        """Returns the natural log-likelihood of each text, float64 ``(N,)``, in nats; 0 for an empty passage.

        Args:
            texts: Strings of any lengths.
            context: What comes before each text, and is not scored: one string for all texts, or one for each. For
                records, it begins where the record does. No symbol goes from it into the text.
            eos: Whether the end of a record counts. Without it, the likelihood is that of all records that begin so.
            stride: As for ``log_probabilities``.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            ValueError: There are not as many contexts as texts; or as for ``log_probabilities``.
            TypeError: ``texts`` is a single ``str`` or not iterable, or an item is not a ``str``.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["ada", "ava", "eva"])
            >>> lm.score_samples(["ava", "vvv"]).round(2)
            array([ -1.88, -11.75])
            >>> lm.score_samples(["a"], context="av").round(2), lm.score_samples(["a", "e"], eos=False).round(2)
            (array([-0.24]), array([-0.56, -1.46]))
        """
        check_several(texts, "texts")
        flag("eos", eos)
        texts = several(texts, "texts")
        if context == "" and eos:
            scores, lengths = self._scores(texts, stride)
        else:
            predictor = self.stored.predictor(stride=stride)
            scores, lengths = scores_after(predictor, self.vocabulary, context, texts, ends=eos)
        return sums(scores, lengths)

    def counts_of_symbols(self, texts: Iterable[str], *, eos: bool = True) -> NDArray[np.int64]:
        """Returns how many symbols of each text ``score_samples`` scores.

        Args:
            texts: Strings of any lengths.
            eos: Whether the end of a record counts.

        Raises:
            UnknownCharacterError: As for ``score_samples``.
            TypeError: As for ``score_samples``.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit(["ada", "ava", "eva"]).counts_of_symbols(["ava", ""]).tolist()
            [4, 1]
        """
        check_several(texts, "texts")
        flag("eos", eos)
        framing = Framing(self.vocabulary)
        not_counted = (framing.bos is not None) + (framing.is_of_records and not eos)
        counts: NDArray[np.int64] = framing.to_score(several(texts, "texts"))[1] - not_counted
        return counts

    def evaluate(self, text: str | Iterable[str], *, stride: int | None = None) -> Evaluation:
        """Returns the mean loss over a text, in nats, bits per symbol, character and UTF-8 byte, and perplexity.

        The end of a record counts as one symbol of one character and one byte, like its newline.

        Args:
            text: Any string that is not empty; or several strings, whose mean is over the characters of all.
            stride: As for ``log_probabilities``.

        Raises:
            ValueError: There is nothing to score; or as for ``log_probabilities``.
            TypeError: ``text`` is neither a ``str`` nor an iterable of them.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit(["ada", "ava", "eva"]).evaluate(["ava", "eva"]).characters
            8
        """
        scores, texts = self._scores_of_all(text, stride)
        if not len(scores):
            raise ValueError("text is empty: there is nothing to score")
        ends = len(texts) * self.is_of_records
        return Evaluation.of_symbols(
            -float(scores.sum()),
            len(scores),
            characters=sum(map(len, texts)) + ends,
            utf8_bytes=sum(map(utf8_length, texts)) + ends,
        )

    @overload
    def bits_per_character(self, text: str) -> float: ...  # type: ignore[overload-overlap]  # a str, which is an iterable of str, is one text
    @overload
    def bits_per_character(self, text: Iterable[str]) -> NDArray[np.float64]: ...
    def bits_per_character(self, text: str | Iterable[str]) -> float | NDArray[np.float64]:
        """Returns the mean loss in bits over the characters of a text (and the end of a record).

        Args:
            text: Any string that is not empty; or several, and the result is float64 ``(N,)``, one for each.

        Raises:
            ValueError: A text has nothing to score; or as for ``log_probabilities``.
            TypeError: ``text`` is neither a ``str`` nor an iterable of them.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["ada", "ava", "eva"])
            >>> round(lm.bits_per_character("ava"), 2), lm.bits_per_character(["ava", "vvv"]).round(2)
            (0.68, array([0.68, 4.24]))
        """
        if isinstance(text, str):
            return self.evaluate(text).bits_per_character
        texts = several(text)
        totals = self.score_samples(texts)
        characters = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + self.is_of_records
        if not characters.all():
            raise ValueError(f"text[{int(characters.argmin())}] is empty: there is nothing to score")
        bits: NDArray[np.float64] = totals / characters / -math.log(2)
        return bits

    @overload
    def perplexity(self, text: str) -> float: ...  # type: ignore[overload-overlap]  # likewise
    @overload
    def perplexity(self, text: Iterable[str]) -> NDArray[np.float64]: ...
    def perplexity(self, text: str | Iterable[str]) -> float | NDArray[np.float64]:
        """Returns the perplexity of a text: ``exp`` of the mean loss in nats.

        Args:
            text: As for ``bits_per_character``; of several, the perplexity of each.

        Raises:
            ValueError: As for ``bits_per_character``.
        """
        if isinstance(text, str):
            return self.evaluate(text).perplexity
        perplexities: NDArray[np.float64] = np.exp2(self.bits_per_character(text))
        return perplexities

    def next_symbols(self, context: str, *, k: int = 10) -> Alternatives:
        """Returns the ``k`` most likely next symbols with their probabilities, the most likely first.

        The probabilities are those with which ``generate`` draws after the same prompt with default settings: over all
        symbols and, for records, the end, which is the empty string. They sum to 1. Unknown characters cannot be
        generated: where the vocabulary has ``unk``, the probabilities are those given that the symbol is a known one,
        and ``log_probabilities``, which leaves ``unk`` its share, is lower by ``-log(1 - p(unk))``.

        Args:
            context: The preceding text; for records, from their start.
            k: The maximum number of symbols.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            ValueError: ``k`` is below 1.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit("abcabcabd" * 20).next_symbols("cab", k=1)[0][0]
            'c'
        """
        positive_integer("k", k)
        framing = Framing(self.vocabulary)
        start = framing.prompt(context, framing.errors, name="context")
        logits, _ = self.predictor.start(np.array([start], dtype=np.int64))
        return likeliest(logits[0].astype(np.float64), framing.outcomes(), k)

    @overload
    def inspect(  # type: ignore[overload-overlap]  # likewise
        self, text: str, *, k: int = 5, stride: int | None = None
    ) -> ScoredText: ...
    @overload
    def inspect(self, text: Iterable[str], *, k: int = 5, stride: int | None = None) -> list[ScoredText]: ...
    def inspect(
        self, text: str | Iterable[str], *, k: int = 5, stride: int | None = None
    ) -> ScoredText | list[ScoredText]:
        """Returns the text with the log-probability of each symbol and the most likely alternatives to it.

        The log-probabilities are those of ``log_probabilities``, the alternatives those of ``next_symbols``.

        Args:
            text: Any string; what comes of it is meant for up to a few thousand characters. Or several, and the result
                is a list.
            k: The maximum number of alternatives.
            stride: As for ``log_probabilities``.

        Raises:
            UnknownCharacterError: The vocabulary has neither the character nor an ``unk`` token.
            ValueError: ``k`` is below 1; or as for ``log_probabilities``.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit("abcabcabd" * 20).inspect("ab", k=1).alternatives[1][0][0]
            'b'
        """
        positive_integer("k", k)
        if not isinstance(text, str):
            return ScoredTexts(self.inspect(each, k=k, stride=stride) for each in several(text))
        log_probabilities = self.log_probabilities(text, stride=stride)
        framing = Framing(self.vocabulary)
        ids, named = framing.to_score(text)[0], framing.outcomes()
        rows = self.stored.predictor(stride=stride).distributions(ids[:-1]) if len(ids) > 1 else []
        alternatives = [likeliest(row.astype(np.float64), named, k) for block in rows for row in block]
        nothing_before = len(log_probabilities) - len(alternatives)
        return ScoredText(
            text=text,
            symbols=[text[start:end] for start, end in self.vocabulary.char_offsets(text, framing.errors).tolist()],
            log_probabilities=log_probabilities,
            alternatives=[list[tuple[str, float]]() for _ in range(nothing_before)] + alternatives,
        )

    def _scores(self, texts: str | list[str], stride: int | None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Returns the scores of all texts, concatenated, and the number for each."""
        return scores_of_symbols(self.stored.predictor(stride=stride), self.vocabulary, texts)

    def _scores_of_all(self, text: str | Iterable[str], stride: int | None) -> tuple[NDArray[np.float64], list[str]]:
        """Returns the scores of a text or of several, concatenated, and the texts."""
        if isinstance(text, str):
            return self._scores(text, stride)[0], [text]
        texts = several(text)
        return self._scores(texts, stride)[0], texts


def several(texts: Iterable[str], name: str = "text") -> list[str]:
    """Returns several texts as a list.

    Raises:
        TypeError: They are not an iterable of ``str``, or a mapping, whose counts would count for nothing.
    """
    if isinstance(texts, Mapping):
        raise TypeError(f"{name} must be an iterable of str, got a mapping, whose values would be ignored")
    return list(checked_texts(texts, name))
