"""Fits the models of classes, and the temperature that makes what they say into probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.decisions.calibration import FEWEST_TEXTS
from charlm.decisions.comparison import LikelihoodComparison
from charlm.decisions.temperature import Temperature
from charlm.lm import CharLM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from charlm.classification.held_out import OneText, SeparateTexts
    from charlm.evaluation.text_scorer import TextScorer
    from charlm.recipes.presets import Family

WRONG_LABELS_OF_PIECES = 0.01
"""The share of the texts to learn from of which the label says nothing: quotations, names, addresses."""
MOST_HELD_OUT = 20_000
"""Texts; a temperature has two numbers, and more texts do not change them."""


def fitted_models(
    classes: Mapping[str, OneText | SeparateTexts], family: Family | None, settings: Mapping[str, Any]
) -> dict[str, CharLM]:
    """Returns a model for each class.

    Args:
        classes: The texts of each class.
        family: As for ``CharLM.fit``.
        settings: Likewise.
    """
    return {label: CharLM.fit(texts.source(), family, **settings) for label, texts in classes.items()}


def cross_validated_temperature(
    classes: Mapping[str, OneText | SeparateTexts],
    log_priors: NDArray[np.float64],
    *,
    n_folds: int,
    seed: int,
    family: Family | None,
    settings: Mapping[str, Any],
) -> Temperature:
    """Returns the temperature that suits texts that the models do not learn from, each part of the texts in turn.

    Args:
        classes: The texts of each class.
        log_priors: The logarithms of the probabilities of the classes.
        n_folds: How many parts there are, each of which takes a fit of all models.
        seed: Draws the parts.
        family: As for ``CharLM.fit``.
        settings: Likewise.

    Raises:
        ValueError: A class has nothing that can be held out.
    """
    rng = np.random.default_rng(seed)
    folds = {label: [*texts.folds(n_folds, rng)] for label, texts in classes.items()}
    for label, parts in folds.items():
        if not parts:
            raise ValueError(
                f"class {label!a} has one text, of which none can be held out: give at least two that differ, or "
                "n_folds=0 for a temperature that is not fitted"
            )
    log_likelihoods, texts, labels = [], list[str](), list[int]()
    for fold in range(n_folds):
        # a class with fewer texts than folds takes part in some folds several times
        of_fold = {label: parts[fold % len(parts)] for label, parts in folds.items()}
        models = {label: CharLM.fit(rest, family, **settings) for label, (rest, _) in of_fold.items()}
        held_out = [held_out for _, held_out in of_fold.values()]
        own = [text for texts_of_class in held_out for text in texts_of_class]
        chosen = sorted(rng.permutation(len(own))[: MOST_HELD_OUT // n_folds].tolist())
        of_text = np.repeat(np.arange(len(held_out)), list(map(len, held_out)))
        texts += (scored := [own[place] for place in chosen])
        labels += of_text[chosen].tolist()
        log_likelihoods.append(LikelihoodComparison(models).log_likelihoods(scored))
    return temperature_of(np.concatenate(log_likelihoods), texts, np.array(labels), log_priors, WRONG_LABELS_OF_PIECES)


def temperature_of(
    log_likelihoods: NDArray[np.float64],
    texts: Sequence[str],
    labels: NDArray[np.int64],
    log_priors: NDArray[np.float64],
    share_of_wrong_labels: float = 0.0,
) -> Temperature:
    """Returns the temperature that suits held-out texts, of which each class counts as much as its prior says.

    Args:
        log_likelihoods: Those of the texts under the models, ``(N, classes)``.
        texts: The texts.
        labels: The column of the class of each text, ``(N,)``; each class occurs.
        log_priors: The logarithms of the probabilities of the classes.
        share_of_wrong_labels: As for ``Temperature.fit``.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    occurrences = np.bincount(labels, minlength=len(log_priors))
    weights = (np.exp(log_priors) * len(texts) / np.maximum(occurrences, 1))[labels]
    return Temperature.fit(
        log_likelihoods, lengths, log_priors, labels, weights, share_of_wrong_labels=share_of_wrong_labels
    )


def calibrated_models(models: Mapping[str, CharLM], texts: Sequence[str], labels: Sequence[str]) -> dict[str, CharLM]:
    """Returns models that know what held-out texts of their classes look like, where there are enough of them.

    Args:
        models: The models of the classes, which stay as they are.
        texts: Texts that no model has learned from.
        labels: The label of each.
    """
    found = dict(models)
    for label, model in models.items():
        own = [text for text, of_text in zip(texts, labels, strict=True) if of_text == label and text]
        if len(own) >= FEWEST_TEXTS:
            found[label] = CharLM(model.stored, model.vocabulary).calibrate(own)
            found[label].validation_nats = model.validation_nats
    return found


def calibrated_temperature(
    models: Mapping[str, TextScorer], texts: Sequence[str], labels: Sequence[str], log_priors: NDArray[np.float64]
) -> Temperature:
    """Returns the temperature that suits texts with labels.

    Args:
        models: The models of the classes.
        texts: Texts that no model has learned from.
        labels: The label of each.
        log_priors: The logarithms of the probabilities of the classes.

    Raises:
        ValueError: There are not as many labels as texts, one is unknown, or a class has no text.
    """
    if len(texts) != len(labels):
        raise ValueError(f"labels must have one label for each of {len(texts)} texts, got {len(labels)}")
    column = {label: place for place, label in enumerate(models)}
    for place, label in enumerate(labels):
        if label not in column:
            known = ", ".join(map(ascii, column))
            raise ValueError(f"labels[{place}] is {label!a}, which is none of the classes {known}")
    if missing := [label for label in column if label not in set(labels)]:
        raise ValueError(f"class {missing[0]!a} has no text in texts: give held-out texts of each class")
    found = LikelihoodComparison(models).log_likelihoods(texts)
    return temperature_of(found, texts, np.array([column[label] for label in labels]), log_priors)
