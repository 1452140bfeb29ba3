"""Log-likelihoods of texts under several models, over one space of strings, so that they can be compared.

Two things differ between models that were fitted apart.

- Alphabet: ``CharLM.score_samples`` divides the probability of an unknown character among all other code points, more
  than a million. Here it is divided among the characters that some other model knows, and one more outcome, all that no
  model knows. A character that is foreign to a class thus costs it in any case, but a letter that one class happens not
  to have in its training text does not outweigh a whole sentence.
- Ends: a model of records scores the end of a text; a model of text does not, but knows where words begin and end. Such
  a model is asked for the text between two borders of words, given the first: spaces, or the white space that it finds
  likelier after a letter, such as line ends where a text has one name a line; white space at the end of the text to be
  scored is taken for the second border. Under a model that knows no white space,
  as one of Chinese may not, the end is as probable as on average under those that know it, which takes nothing from
  either. No end is scored if none knows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing
from charlm.evaluation.symbol_scores import scores_after, scores_of_symbols, sums
from charlm.evaluation.text_scorer import TextScorer
from chartok.arguments import check_several, checked_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LETTERS = 256
"""So many at most say what follows a word: enough for a script of letters, and few of one that has thousands."""


@dataclass(frozen=True, eq=False)
class LikelihoodComparison:
    """Several models, and what it takes to compare what they say.

    Args:
        models: The models by label, at least one.

    Raises:
        ValueError: There is none.
        TypeError: It is no mapping, or a value is no model.

    Example:
        >>> from charlm import CharLM
        >>> models = {"abc": CharLM.fit("abc " * 30), "xyz": CharLM.fit("xyz " * 30)}
        >>> LikelihoodComparison(models).log_likelihoods(["abc", "zxy", ""]).argmax(axis=1).tolist()
        [0, 1, 0]
    """

    models: Mapping[str, TextScorer]

    def __post_init__(self) -> None:
        if not isinstance(self.models, Mapping):
            raise TypeError(f"models must be a mapping of names to models, got {type(self.models).__name__}")
        for label, model in self.models.items():
            if not isinstance(model, TextScorer):
                raise TypeError(f"models[{label!a}] must be a CharLM, got {type(model).__name__}: load it first")
        if not self.models:
            raise ValueError("models is empty: give at least one")

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
        totals = [self._totals(label, scored) for label in self.models]
        with_ends = [ends for _, ends in totals if ends is not None]
        usual_end = _log_of_means(np.stack(with_ends)) if with_ends else np.zeros(len(scored))
        for column, (inner, ends) in enumerate(totals):
            found[is_scored, column] = inner + (usual_end if ends is None else ends)
        for text, column in np.argwhere(np.isnan(found)).tolist():
            raise self._unsound(f"texts[{text}]", column)
        return found

    def scores_of_characters(self, text: str, *, end: bool = False) -> NDArray[np.float64]:
        """Returns the natural-log probability of each character under each model, float64 ``(models, len(text))``.

        Each is given all characters before it. That of a symbol of several characters is divided among them.

        Args:
            text: Any string.
            end: Whether the last column has that of the end, too, so that the sums are what ``log_likelihoods``
                returns. White space is an end itself, but under models of records.

        Raises:
            ValueError: One is NaN.
            UnknownCharacterError: A model's vocabulary has neither a character nor an ``unk`` token.
        """
        found, of_end = np.empty((len(self.models), len(text))), np.full(len(self.models), np.nan)
        for row, (label, model) in enumerate(self.models.items()):
            framing, border = self._framings[label], self._borders[label]
            framed = text + border if end and text and not text[-1].isspace() else text
            ends = end and framing.is_of_records
            scores, _ = scores_after(model.stored.predictor(), model.vocabulary, border, [framed], ends=ends)
            ids, _ = framing.continued([framed], ends=ends)
            if framing.unk is not None:
                scores[ids == framing.unk] += self._more_for_unknown[label]
            starts, stops = model.vocabulary.char_offsets(framed, framing.errors).T
            widths = np.append(stops - starts, 1) if ends else stops - starts
            of_characters = np.repeat(scores / widths, widths)
            found[row] = of_characters[: len(text)]
            if ends or border:
                of_end[row] = of_characters[len(text) :].sum()
        for row, _ in np.argwhere(np.isnan(found)).tolist():
            raise self._unsound("text", row)
        if end and text and (is_known := ~np.isnan(of_end)).any():
            of_end[~is_known] = _log_of_means(of_end[is_known, None])[0]
            found[:, -1] += of_end
        return found

    def _unsound(self, text: str, place: int) -> ValueError:
        label = [*self.models][place]
        return ValueError(f"the likelihood of {text} under models[{label!a}] is NaN: its weights are unsound")

    def _totals(self, label: str, texts: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Returns the log-likelihood of each text, and of its end, float64 ``(N,)``; None if the model knows no end."""
        framing, model, border = self._framings[label], self.models[label], self._borders[label]
        predictor, ends = model.stored.predictor(), None
        if framing.is_of_records:
            scores, lengths = scores_of_symbols(predictor, model.vocabulary, texts)
        else:
            texts = [text[:-1] if text[-1].isspace() else text for text in texts]
            framed = [text + border for text in texts]
            scores, lengths = scores_after(predictor, model.vocabulary, border, framed, ends=False)
        if framing.is_of_records or border:
            last = np.cumsum(lengths) - 1
            ends = scores[last]
            scores[last] = 0.0
        totals = sums(scores, lengths)
        if framing.unk is not None:
            ids, lengths = framing.continued(texts, ends=False)
            totals += sums((ids == framing.unk).astype(np.float64), lengths) * self._more_for_unknown[label]
        return totals, ends

    @cached_property
    def _borders(self) -> dict[str, str]:
        """What is between words, by label; nothing under a model of records, or that knows no white space."""
        return {label: _border(model) for label, model in self.models.items()}

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


def _border(model: TextScorer) -> str:
    """Returns the white space that is the likeliest after a letter, on average over letters; "" if there is none."""
    symbols = model.vocabulary.symbols
    known = [symbol for symbol in symbols if len(symbol) == 1 and symbol.isspace()]
    if not known or Framing(model.vocabulary).is_of_records:
        return ""
    if len(known) == 1:
        return known[0]
    letters = [symbol for symbol in symbols if symbol.isalpha()][:LETTERS] or known
    means = []
    for border in known:
        pairs = [letter + border for letter in letters]
        scores, lengths = scores_after(model.stored.predictor(), model.vocabulary, "", pairs, ends=False)
        means.append(float(np.exp(scores[np.cumsum(lengths) - 1]).mean()))
    return known[int(np.argmax(means))]


def _log_of_means(log_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithms of the means of columns, ``(M, N)`` to ``(N,)``; 0 for a column of minus infinity."""
    highest = log_values.max(axis=0)
    highest[np.isneginf(highest)] = 0.0
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.log(np.exp(log_values - highest).mean(axis=0)) + highest
    found[np.isneginf(found)] = 0.0
    return found
