"""Tells classes of texts apart, with calibrated probabilities: one model for each class."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, overload

import numpy as np

from charlm.classification.classifier_file import StoredClassifier, load_classifier, save_classifier
from charlm.classification.fitting import (
    calibrated_models,
    calibrated_temperature,
    cross_validated_temperature,
    fitted_models,
)
from charlm.classification.held_out import check_labels, texts_of_classes
from charlm.classification.priors import checked_priors, log_of
from charlm.classification.unknown import are_unknown, check_calibrated
from charlm.decisions.comparison import LikelihoodComparison
from charlm.decisions.segmentation import COST_OF_CHANGE, LabeledSpan, likeliest_labels, places_of_changes
from charlm.decisions.temperature import SPREAD_OF_LIKELIHOODS, Temperature
from charlm.errors import CheckpointCorruptError
from charlm.lm import CharLM
from chartok.arguments import (
    check_several,
    checked_texts,
    expected_text,
    finite_number,
    natural_number,
    number_from_zero,
    seed_of_generators,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    import torch
    from numpy.typing import NDArray

    from charlm.classification.held_out import TextsOfClass
    from charlm.recipes.keywords import FitKeywords
    from charlm.recipes.presets import Family

FOLDS = 3


class TextClassifier:
    """Tells classes of texts apart by the likelihood of each text under a model of each class.

    ``fit`` makes the models; those that are there already are given to the constructor. Nothing of it changes:
    ``calibrate`` returns another.

    Likelihoods are over one space of strings, whatever the alphabets of the models: see
    ``charlm.decisions.comparison``. They become probabilities by a temperature that grows with the length of the text:
    see ``charlm.decisions.temperature``. Until it is fitted, it is one that suits languages. That probabilities hold
    was measured on languages, with about as much text of each; a class with much less is found too seldom, and a text
    of characters that no class has gets a label as sure as any, unless ``classify`` is given ``unknown_below``.

    Args:
        models: The models by label.
        priors: The probability of each label before a text is seen; by default all are the same.
        temperature: What log-likelihoods are divided by.

    Raises:
        ValueError: There is no model; or the priors are of other labels, negative, or do not sum to 1.
        TypeError: A label is not a ``str``, a model is not a ``CharLM``, or a prior is not a number.

    Example:
        >>> classifier = TextClassifier.fit(
        ...     {
        ...         "English": ["the cat sat on the mat", "where is the dog", "this is the house", "what is that"],
        ...         "Deutsch": ["die katze ist da", "wo ist der hund", "das ist das haus", "was ist denn das"],
        ...     }
        ... )
        >>> classifier.classify(["is that the dog", "ist das der hund"])
        ['English', 'Deutsch']
        >>> classifier.probabilities(["is that", ""]).round(1).tolist()
        [[1.0, 0.0], [0.5, 0.5]]
    """

    def __init__(
        self,
        models: Mapping[str, CharLM],
        *,
        priors: Mapping[str, float] | None = None,
        temperature: Temperature | None = None,
    ) -> None:
        if not isinstance(models, Mapping):
            raise TypeError(f"models must be a mapping of labels to models, got {type(models).__name__}")
        check_labels(models, "models")
        for label, model in models.items():
            if not isinstance(model, CharLM):
                raise TypeError(f"models[{label!a}] must be a CharLM, got {type(model).__name__}: load it first")
        if temperature is not None and not isinstance(temperature, Temperature):
            raise TypeError(f"temperature must be a Temperature, got {type(temperature).__name__}")
        self._models = dict(models)
        self._temperature = Temperature() if temperature is None else temperature
        self._comparison = LikelihoodComparison(self._models)
        self._priors = checked_priors(priors, self.labels)

    @property
    def models(self) -> Mapping[str, CharLM]:
        """The models by label; read-only."""
        return MappingProxyType(self._models)

    @property
    def temperature(self) -> Temperature:
        """What log-likelihoods are divided by."""
        return self._temperature

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the columns of ``probabilities``."""
        return tuple(self._models)

    @property
    def priors(self) -> dict[str, float]:
        """The probability of each label before a text is seen."""
        return dict(zip(self.labels, self._priors, strict=True))

    @classmethod
    def fit(
        cls,
        texts: Mapping[str, TextsOfClass] | Iterable[str],
        labels: Iterable[str] | None = None,
        *,
        model: Family | None = None,
        priors: Mapping[str, float] | None = None,
        n_folds: int = FOLDS,
        seed: int = 0,
        **settings: Unpack[FitKeywords],
    ) -> Self:
        """Returns a classifier with a model fitted to the texts of each class, and a temperature that suits them.

        The temperature is fitted by cross-validation: each part of the texts in turn is held out from the models that
        score it. The models of the result have all texts.

        Args:
            texts: What each class consists of, by label, as for ``CharLM.fit``: a ``str`` is one text, a path the file
                that contains one, and any other iterable gives separate texts. A separate text is scored with its
                beginning and its end; give one text if parts of it, such as words, are to be classified. Or separate
                texts of all classes, if ``labels`` are given.
            labels: The label of each text.
            model: The family of the models, as for ``CharLM.fit``.
            priors: The probability of each label before a text is seen; by default all are the same.
            n_folds: The number of parts, at least 2; 0 fits no temperature, which takes a quarter of the time.
            seed: Draws the parts.
            settings: As for ``CharLM.fit``.

        Raises:
            ValueError: A class has no text, or only one, of which nothing can be held out; there are not as many
                labels as texts; like the other errors of ``CharLM.fit``.
            TypeError: ``texts`` is a ``str``, or a label is not one; like the other errors of ``CharLM.fit``.
        """
        if natural_number("n_folds", n_folds) == 1:
            raise ValueError("n_folds must be at least 2, or 0 to fit no temperature, got 1")
        seed_of_generators("seed", seed)
        classes = texts_of_classes(texts, labels)
        log_priors = log_of(checked_priors(priors, tuple(classes)))
        temperature = None
        if n_folds and len(classes) > 1:
            temperature = cross_validated_temperature(
                classes, log_priors, n_folds=n_folds, seed=seed, family=model, settings=settings
            )
        return cls(fitted_models(classes, model, settings), priors=priors, temperature=temperature)

    def calibrate(self, texts: Iterable[str], labels: Iterable[str]) -> Self:
        """Returns a classifier with the temperature that suits held-out texts; this one is not changed.

        Each class counts as much as its prior says, however many of the texts are of it. The models of classes with 20
        texts or more are calibrated, too, so that ``classify`` can tell texts of no class: see ``CharLM.calibrate``.

        Args:
            texts: Texts that the models have not learned from, of the kind and the lengths to be classified: a few
                hundred, of each class at least one.
            labels: The label of each.

        Raises:
            ValueError: There are not as many labels as texts, one is unknown, or a class has no text; like the other
                errors of ``log_likelihoods``.
            TypeError: ``texts`` or ``labels`` is a single ``str``, or an item is not a ``str``.
        """
        for name, given in (("texts", texts), ("labels", labels)):
            check_several(given, name)
        held_out, given_labels = [*checked_texts(texts, "texts")], [*checked_texts(labels, "labels")]
        temperature = calibrated_temperature(self.models, held_out, given_labels, log_of(self._priors))
        models = calibrated_models(self.models, held_out, given_labels)
        return type(self)(models, priors=self.priors, temperature=temperature)

    def log_likelihoods(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Returns the natural log-likelihood of each text under each model, float64 ``(N, labels)``; 0 if it is empty.

        Raises:
            ValueError: One is NaN.
            TypeError: ``texts`` is a single ``str``, or an item is not a ``str``.
            UnknownCharacterError: A model's vocabulary has neither a character nor an ``unk`` token.
        """
        return self._comparison.log_likelihoods(texts)

    def probabilities(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, float64 ``(N, labels)``; each row sums to 1.

        Those of an empty text, and of one that is impossible under all models, are the priors.

        Args:
            texts: Strings of any lengths.

        Raises:
            ValueError: As for ``log_likelihoods``, like the other errors.
        """
        check_several(texts, "texts")
        several = [*checked_texts(texts, "texts")]
        lengths = np.fromiter(map(len, several), dtype=np.int64, count=len(several))
        return self._probabilities(self.log_likelihoods(several), lengths)

    @overload
    def classify(self, texts: Iterable[str], *, unknown_below: None = None) -> list[str]: ...
    @overload
    def classify(self, texts: Iterable[str], *, unknown_below: float) -> list[str | None]: ...
    def classify(self, texts: Iterable[str], *, unknown_below: float | None = None) -> list[str] | list[str | None]:
        """Returns the most probable label of each text, the first of those that are equally probable.

        Args:
            texts: Strings of any lengths.
            unknown_below: The share of texts of the classes that may be called unknown, such as 0.01: None stands for
                the label of a text with a p-value of at most that under the model of its most probable label. It takes
                a classifier that is calibrated on ``1 / unknown_below - 1`` texts of each class or more, and 20 at
                least. By default each text gets a label.

        Raises:
            ValueError: A model is not calibrated on enough texts, or ``unknown_below`` is out of range; or as for
                ``log_likelihoods``, like the other errors.
        """
        check_several(texts, "texts")
        several = [*checked_texts(texts, "texts")]
        best = self.probabilities(several).argmax(axis=1)
        found = [self.labels[place] for place in best.tolist()]
        if unknown_below is None:
            return found
        check_calibrated(self._models, unknown_below)
        unknown = are_unknown(self._models, several, best, unknown_below).tolist()
        return [None if is_unknown else label for label, is_unknown in zip(found, unknown, strict=True)]

    def segment(self, text: str, *, cost_of_change: float = COST_OF_CHANGE) -> list[LabeledSpan]:
        """Returns the parts of a text that consists of several classes, one after the other.

        A label changes anywhere but inside a word of a script that puts spaces between words, and before spaces or
        punctuation that end something. A part of a class that is rarer than another, by the priors, must be likelier
        than under that one by as much as it takes ``classify`` for its first word; none is of a class of prior 0.

        Args:
            text: Any string.
            cost_of_change: By how many nats the parts must be likelier under their own models than under one; higher
                gives fewer and longer parts.

        Returns:
            The parts in order, which together are the text; an empty list for an empty text.

        Raises:
            ValueError: ``cost_of_change`` is negative; or as for ``log_likelihoods``.
            TypeError: ``text`` is not a ``str``.

        Example:
            >>> texts = {"abc": "abc cab bca " * 9, "xyz": "xyz zxy yzx " * 9}
            >>> spans = TextClassifier.fit(texts).segment("bca abc zxy xyz")
            >>> [(span.start, span.end, span.label) for span in spans]
            [(0, 8, 'abc'), (8, 15, 'xyz')]
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        cost = number_from_zero("cost_of_change", finite_number("cost_of_change", cost_of_change))
        if not text:
            return []
        scores = self._comparison.scores_of_characters(text, end=True)
        scores = np.maximum(scores, scores.max(axis=0, initial=-SPREAD_OF_LIKELIHOODS) - SPREAD_OF_LIKELIHOODS)
        starts = places_of_changes(text)
        rarer = self._log_priors - self._log_priors.max()
        begun = self.temperature.of(np.diff(starts, append=len(text)))[:, None] * rarer
        labels = likeliest_labels(scores, starts, cost, begun)
        first = np.flatnonzero(np.diff(labels, prepend=-1))
        begins = starts[first]
        lengths = np.diff(begins, append=len(text))
        found = self._probabilities(np.add.reduceat(scores, begins, axis=1).T, lengths)
        return [
            LabeledSpan(start=start, end=start + length, label=self.labels[label], probability=float(row[label]))
            for start, length, label, row in zip(
                begins.tolist(), lengths.tolist(), labels[first].tolist(), found, strict=True
            )
        ]

    def save(self, path: str | os.PathLike[str], *, compact: bool = False) -> None:
        """Writes the classifier to a folder: a file for each model, and one that says which is which.

        Args:
            path: The folder, which need not exist.
            compact: As for ``CharLM.save``, for each model.

        Raises:
            OSError: It cannot be written, or has something else in it.
            ValueError: As for ``CharLM.save``.
        """
        stored = StoredClassifier(models=dict(self.models), priors=self.priors, temperature=self.temperature)
        save_classifier(path, stored, compact=compact)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Self:
        """Returns the classifier in a folder.

        Args:
            path: The folder that ``save`` has written.
            device: As for ``CharLM.load``.

        Raises:
            OSError: It cannot be read.
            CheckpointCorruptError: It is not such a folder, or a file in it is damaged.
            CheckpointVersionError: It was written by a newer version.
        """
        stored = load_classifier(path, device=device)
        try:
            return cls(stored.models, priors=stored.priors, temperature=stored.temperature)
        except ValueError as error:
            raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a valid classifier: {error}") from error

    def _probabilities(self, log_likelihoods: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        probabilities: NDArray[np.float64] = np.exp(
            self.temperature.log_probabilities(log_likelihoods, lengths, self._log_priors)
        )
        return probabilities

    @cached_property
    def _log_priors(self) -> NDArray[np.float64]:
        return log_of(self._priors)

    def __repr__(self) -> str:
        labels = ", ".join(map(ascii, self.labels[:3])) + (", …" if len(self.labels) > 3 else "")  # noqa: PLR2004
        return f"TextClassifier({len(self.labels)} classes: {labels})"
