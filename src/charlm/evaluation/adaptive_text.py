"""A model of text that learns while it reads: text in, text out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np

from charlm.data.framing import Framing
from charlm.evaluation.scored_text import likeliest
from charlm.models.adaptive.counted import symbol_weights
from charlm.models.adaptive.model import AdaptiveLanguageModel
from charlm.models.adaptive.symbols import letters_of, line_end_of
from charlm.models.counting.counts import check_counts
from chartok import Vocabulary
from chartok.arguments import expected_text, positive_integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.evaluation.scored_text import Alternatives
    from charlm.models.counting.counts import NGramCounts


class AdaptiveCharLM:
    """A vocabulary and a model that learns while it reads; ``CharLM.adaptive`` starts one from a counted model.

    Each character is predicted from all that was read before, and then learned, so that names, words and habits of
    a text are expected after they came once. A model of records reads one record after the other.

    Args:
        vocabulary: The vocabulary.
        counts: What the model starts from; by default nothing.

    Raises:
        TypeError: ``vocabulary`` is not a ``Vocabulary``, or ``counts`` are not ``NGramCounts``.
        ValueError: The counts are of another number of ids.

    Example:
        >>> from chartok import Vocabulary
        >>> reader = AdaptiveCharLM(Vocabulary(" acehnst"))
        >>> before, after = (-reader.log_probabilities("the cat has a hat ").mean() for _ in range(2))
        >>> bool(after < before / 2)
        True
        >>> reader.next_symbols(k=1)[0][0]
        't'
    """

    def __init__(self, vocabulary: Vocabulary, counts: NGramCounts | None = None) -> None:
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(f"vocabulary must be a Vocabulary, got {type(vocabulary).__name__}")
        if counts is not None:
            check_counts("counts", counts)
            if counts.vocab_size != vocabulary.size:
                raise ValueError(
                    f"counts must be of the {vocabulary.size} ids of the vocabulary, got {counts.vocab_size}"
                )
        framing = Framing(vocabulary)
        symbols = dict(zip(framing.symbol_ids(), vocabulary.symbols, strict=True))
        self.vocabulary: Vocabulary = vocabulary
        self.model: AdaptiveLanguageModel = AdaptiveLanguageModel(
            vocabulary.size,
            weights=None if counts is None else symbol_weights(counts),
            letters=letters_of(symbols, vocabulary.size),
            line_end=line_end_of(symbols),
            context_only=framing.context_only,
        )
        if counts is not None:
            self.model.learn_counts(counts)

    def log_probabilities(self, text: str) -> NDArray[np.float64]:
        """Returns the natural logarithm of the probability of each symbol, given all that was read, and learns them.

        Args:
            text: What comes next: more text, or the next record, whose end comes last.

        Returns:
            float64 in nats, one for each symbol, as ``CharLM.log_probabilities``.

        Raises:
            UnknownCharacterError: The vocabulary has neither the character nor an ``unk`` token; nothing was learned.
            TypeError: ``text`` is not a ``str``.
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        framing = Framing(self.vocabulary)
        ids = framing.to_score(text)[0]
        scores = -self.model.score(ids)
        if framing.unk is not None:
            scores[ids == framing.unk] += framing.log_share_of_unknown
        return scores if framing.bos is None else scores[1:]

    def bits_per_character(self, text: str) -> float:
        """Returns the mean loss in bits over the characters of a text (and the end of a record), and learns them.

        Args:
            text: Any string that is not empty.

        Raises:
            ValueError: There is nothing to score; or as for ``log_probabilities``.
        """
        scores = self.log_probabilities(text)
        if not len(scores):
            raise ValueError("text is empty: there is nothing to score")
        characters = len(text) + Framing(self.vocabulary).is_of_records
        return -float(scores.sum()) / math.log(2) / characters

    def next_symbols(self, *, k: int = 10) -> Alternatives:
        """Returns the ``k`` most likely next symbols with their probabilities, the most likely first.

        They are over all symbols and, for records, the end, which is the empty string. Nothing is learned.

        Args:
            k: The maximum number of symbols.

        Raises:
            ValueError: ``k`` is below 1.
        """
        positive_integer("k", k)
        framing = Framing(self.vocabulary)
        model = self.model
        if framing.bos is not None and framing.is_of_records:
            model = model.copy()
            model.learn([framing.bos])
        with np.errstate(divide="ignore"):
            return likeliest(np.log(model.distribution()), framing.outcomes(), k)

    def copy(self) -> Self:
        """Returns a model that has read the same and learns on its own."""
        twin = object.__new__(type(self))
        twin.vocabulary, twin.model = self.vocabulary, self.model.copy()
        return twin
