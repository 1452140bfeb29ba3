"""Tells texts apart: which of several models gives each the highest likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.decisions.comparison import LikelihoodComparison

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from charlm.evaluation.text_scorer import TextScorer


def classify(models: Mapping[str, TextScorer], texts: Iterable[str]) -> list[str]:
    """Returns for each text the name of the model that gives it the highest likelihood.

    The likelihoods are over one space of strings, whatever the alphabets: a character that a model does not know has a
    share of what the model leaves for unknown ones, as large as if all of those that the other models know were in it.
    Where models are of text, a text is taken to begin and end with a word. ``TextClassifier`` gives probabilities.

    Args:
        models: The models by name.
        texts: Strings. An empty one is given to the first model.

    Raises:
        ValueError: There is no model, or a model gives a text a likelihood that is NaN.
        TypeError: ``models`` is no mapping of names to models; ``texts`` is a single ``str``, or an item is not one.
        UnknownCharacterError: A model's vocabulary has neither a character nor an ``unk`` token.

    Example:
        >>> from charlm import CharLM
        >>> models = {"abc": CharLM.fit("abcabc" * 9), "xyz": CharLM.fit("xyzxyz" * 9)}
        >>> classify(models, ["cab", "zxy"])
        ['abc', 'xyz']
    """
    found = LikelihoodComparison(models).log_likelihoods(texts)
    names = [*models]
    return [names[best] for best in found.argmax(axis=1).tolist()]
