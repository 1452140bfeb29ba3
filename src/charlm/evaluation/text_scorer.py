"""Scores texts: how likely they are under a model."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing
from charlm.evaluation.scored_text import ScoredText
from charlm.evaluation.scoring import Evaluation, utf8_length
from charlm.models.predictor import log_softmax
from chartok.arguments import check_several, expected_text, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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

    def score_samples(self, texts: Iterable[str], *, stride: int | None = None) -> NDArray[np.float64]:
        """Returns the natural log-likelihood of each text, float64 ``(N,)``, in nats; 0 for an empty passage.

        Args:
            texts: Strings of any lengths.
            stride: As for ``log_probabilities``.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            ValueError: As for ``log_probabilities``.
            TypeError: ``texts`` is a single ``str`` or not iterable, or an item is not a ``str``.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit(["ada", "ava", "eva"]).score_samples(["ava", "vvv"]).round(2)
            array([ -1.88, -11.75])
        """
        check_several(texts, "texts")
        scores, lengths = self._scores(list(texts), stride)
        starts = np.cumsum(lengths) - lengths
        totals = np.zeros(len(lengths))
        totals[lengths > 0] = np.add.reduceat(scores, starts[lengths > 0])
        return totals

    def counts_of_symbols(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """Returns how many symbols of each text ``score_samples`` scores, the end of a record included.

        Raises:
            UnknownCharacterError: As for ``score_samples``.
            TypeError: As for ``score_samples``.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit(["ada", "ava", "eva"]).counts_of_symbols(["ava", ""]).tolist()
            [4, 1]
        """
        check_several(texts, "texts")
        framing = Framing(self.vocabulary)
        counts: NDArray[np.int64] = framing.to_score(list(texts))[1] - (framing.bos is not None)
        return counts

    def evaluate(self, text: str, *, stride: int | None = None) -> Evaluation:
        """Returns the mean loss over a text, in nats, bits per symbol, character and UTF-8 byte, and perplexity.

        The end of a record counts as one symbol of one character and one byte, like its newline.

        Args:
            text: Any string that is not empty.
            stride: As for ``log_probabilities``.

        Raises:
            ValueError: There is nothing to score; or as for ``log_probabilities``.
            TypeError: ``text`` is not a ``str``.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        scores = self.log_probabilities(text, stride=stride)
        if not len(scores):
            raise ValueError("text is empty: there is nothing to score")
        utf8_bytes = utf8_length(text) + self.is_of_records
        return Evaluation.of_symbols(
            -float(scores.sum()), len(scores), characters=len(text) + self.is_of_records, utf8_bytes=utf8_bytes
        )

    def bits_per_character(self, text: str) -> float:
        """Returns the mean loss in bits over the characters of a text (and the end of a record)."""
        return self.evaluate(text).bits_per_character

    def perplexity(self, text: str) -> float:
        """Returns the perplexity of a text: ``exp`` of the mean loss in nats."""
        return self.evaluate(text).perplexity

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

    def inspect(self, text: str, *, k: int = 5, stride: int | None = None) -> ScoredText:
        """Returns the text with the log-probability of each symbol and the most likely alternatives to it.

        The log-probabilities are those of ``log_probabilities``, the alternatives those of ``next_symbols``.

        Args:
            text: Any string; what comes of it is meant for up to a few thousand characters.
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
        framing = Framing(self.vocabulary)
        ids, lengths = framing.to_score(texts)
        is_later = np.ones(len(ids), dtype=bool)
        is_later[(np.cumsum(lengths) - lengths)[lengths > 0]] = False
        scores = self.stored.predictor(stride=stride).scores(ids, lengths)
        if framing.bos is None:
            of_later = scores
            scores = np.full(len(ids), -math.log(self.vocabulary.size - len(framing.context_only)))
            scores[is_later] = of_later
        else:
            ids, lengths = ids[is_later], lengths - 1
        if framing.unk is not None and len(unknown := np.flatnonzero(ids == framing.unk)):
            scores[unknown] += framing.log_share_of_unknown
        return scores, lengths


def likeliest(logits: NDArray[np.float64], named: Mapping[int, str], k: int) -> Alternatives:
    """Returns the ``k`` likeliest of what may come, each with its probability among all that may.

    Args:
        logits: Of all ids, ``(V,)``.
        named: The ids that may come, and what to call each.
        k: How many, at most.

    Raises:
        ValueError: None may come, or a logit is NaN.

    Example:
        >>> likeliest(np.log([0.25, 0.25, 0.5]), {0: "a", 1: "b"}, 1)
        [('a', 0.5)]
    """
    probabilities = np.exp(log_softmax(logits[list(named)]))
    if np.isnan(probabilities).any():
        raise ValueError("there is no likeliest id: every id that may come has probability zero, or a logit is NaN")
    ranked = np.argsort(-probabilities, kind="stable")[:k]
    names = list(named.values())
    return [(names[place], float(probabilities[place])) for place in ranked.tolist()]
