"""Log-likelihoods of texts under several models, over one space of strings, so that they can be compared.

Two things differ between models that were fitted apart.

- Alphabet: ``CharLM.score_samples`` divides the probability of an unknown character among all other code points, more
  than a million. Here it is divided among the characters that some other model knows, and one more outcome, all that no
  model knows. A character that is foreign to a class thus costs it in any case, but a letter that one class happens not
  to have in its training text does not outweigh a whole sentence.
- Ends: a model of records scores the end of a text; a model of text does not, but knows where words begin and end. Such
  a model is asked for the text between two spaces, given the first. If a model of text has no space, no end is scored
  under any model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing
from charlm.evaluation.symbol_scores import scores_after, scores_of_symbols, sums
from chartok.arguments import check_several, checked_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from charlm.evaluation.text_scorer import TextScorer

SPACE = " "


@dataclass(frozen=True, eq=False)
class LikelihoodComparison:
    """Several models, and what it takes to compare what they say.

    Args:
        models: The models by label, at least one.

    Raises:
        ValueError: There is none.

    Example:
        >>> from charlm import CharLM
        >>> models = {"abc": CharLM.fit("abc " * 30), "xyz": CharLM.fit("xyz " * 30)}
        >>> LikelihoodComparison(models).log_likelihoods(["abc", "zxy", ""]).argmax(axis=1).tolist()
        [0, 1, 0]
    """

    models: Mapping[str, TextScorer]

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("models is empty: give at least one")

    @cached_property
    def ends_are_scored(self) -> bool:
        """Whether the end of a text, or of its last word, is part of what is compared."""
        return all(
            self._framings[label].is_of_records or SPACE in model.vocabulary.symbols
            for label, model in self.models.items()
        )

    def log_likelihoods(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Returns the natural log-likelihood of each text under each model, float64 ``(N, models)``; 0 if it is empty.

        Args:
            texts: Strings of any lengths.

        Raises:
            ValueError: One is NaN.
            TypeError: ``texts`` is a single ``str``, or an item is not a ``str``.
            UnknownCharacterError: A model's vocabulary has neither a character nor an ``unk`` token.
        """
        check_several(texts, "texts")
        several = list(checked_texts(texts, "texts"))
        scored = [text for text in several if text]
        found = np.zeros((len(several), len(self.models)))
        is_scored = np.fromiter(map(bool, several), dtype=bool, count=len(several))
        for column, label in enumerate(self.models):
            found[is_scored, column] = self._totals(label, scored)
        for text, column in np.argwhere(np.isnan(found)).tolist():
            raise self._unsound(f"texts[{text}]", column)
        return found

    def scores_of_characters(self, text: str) -> NDArray[np.float64]:
        """Returns the natural-log probability of each character under each model, float64 ``(models, len(text))``.

        Each is given all characters before it. That of a symbol of several characters is divided among them.

        Args:
            text: Any string.

        Raises:
            ValueError: One is NaN.
            UnknownCharacterError: A model's vocabulary has neither a character nor an ``unk`` token.
        """
        found = np.empty((len(self.models), len(text)))
        for row, (label, model) in enumerate(self.models.items()):
            framing = self._framings[label]
            scores, _ = self._scores(label, [text], ends=False)
            ids, _ = framing.continued([text], ends=False)
            if framing.unk is not None:
                scores[ids == framing.unk] += self._more_for_unknown[label]
            starts, ends = model.vocabulary.char_offsets(text, framing.errors).T
            found[row] = np.repeat(scores / (ends - starts), ends - starts)
        for row, _ in np.argwhere(np.isnan(found)).tolist():
            raise self._unsound("text", row)
        return found

    def _unsound(self, text: str, place: int) -> ValueError:
        label = [*self.models][place]
        return ValueError(f"the likelihood of {text} under models[{label!a}] is NaN: its weights are unsound")

    def _totals(self, label: str, texts: list[str]) -> NDArray[np.float64]:
        framing = self._framings[label]
        totals = sums(*self._scores(label, texts, ends=self.ends_are_scored))
        if framing.unk is None:
            return totals
        ids, lengths = framing.continued(texts, ends=False)
        unknown = sums((ids == framing.unk).astype(np.float64), lengths)
        return totals + unknown * self._more_for_unknown[label]

    def _scores(self, label: str, texts: list[str], *, ends: bool) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        predictor, vocabulary = self.models[label].stored.predictor(), self.models[label].vocabulary
        of_records = self._framings[label].is_of_records
        if of_records and ends:
            return scores_of_symbols(predictor, vocabulary, texts)
        if of_records or not self.ends_are_scored:
            return scores_after(predictor, vocabulary, "", texts, ends=False)
        if ends:
            texts = [text if text[-1].isspace() else text + SPACE for text in texts]
        return scores_after(predictor, vocabulary, SPACE, texts, ends=False)

    @cached_property
    def _framings(self) -> dict[str, Framing]:
        return {label: Framing(model.vocabulary) for label, model in self.models.items()}

    @cached_property
    def _more_for_unknown(self) -> dict[str, float]:
        """What is added to the score of an unknown character, whose probability has fewer shares here, by label."""
        known = {
            label: {symbol for symbol in model.vocabulary.symbols if len(symbol) == 1}
            for label, model in self.models.items()
        }
        everything = set().union(*known.values())
        return {
            label: -math.log(len(everything) - len(characters) + 1) - self._framings[label].log_share_of_unknown
            for label, characters in known.items()
        }
