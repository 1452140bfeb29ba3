"""Tells texts apart: which of several models gives each the highest likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chartok.arguments import check_several

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from charlm.evaluation.text_scorer import TextScorer


def classify(models: Mapping[str, TextScorer], texts: Iterable[str]) -> list[str]:
    """Returns for each text the name of the model that gives it the highest likelihood.

    Args:
        models: The models by name.
        texts: Strings.

    Raises:
        ValueError: There is no model, or a model gives a text a likelihood that is NaN.
        TypeError: ``texts`` is a single ``str``, or an item is not a ``str``.
        UnknownCharacterError: A model's vocabulary has neither a character nor an ``unk`` token.

    Example:
        >>> from charlm import CharLM
        >>> models = {"abc": CharLM.fit("abcabc" * 9), "xyz": CharLM.fit("xyzxyz" * 9)}
        >>> classify(models, ["cab", "zxy"])
        ['abc', 'xyz']
    """
    if not models:
        raise ValueError("models is empty: give at least one")
    check_several(texts, "texts")
    texts = list(texts)
    scores = np.stack([model.score_samples(texts) for model in models.values()])
    names = list(models)
    if np.isnan(scores).any():
        model, text = np.argwhere(np.isnan(scores))[0]
        raise ValueError(
            f"the likelihood of texts[{text}] under models[{names[model]!a}] is NaN: its weights are unsound"
        )
    return [names[best] for best in scores.argmax(axis=0)]
