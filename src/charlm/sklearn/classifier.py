"""``TextClassifier`` as an estimator of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.classification.classifier import FOLDS, TextClassifier
from charlm.decisions.temperature import Temperature
from charlm.sklearn.classes import classes_of, sorted_classes, stored_classes
from charlm.sklearn.estimator import TextEstimator, texts_of, texts_to_learn
from charlm.sklearn.scikit_learn import ClassifierMixin, check_is_fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from charlm.lm import CharLM
    from charlm.models.smoothing.choices import Smoothing
    from charlm.recipes.presets import Family


class CharLMClassifier(ClassifierMixin, TextEstimator):
    """Tells classes of texts apart, with calibrated probabilities: a character-level language model for each class.

    Each text is taken whole, with its beginning and its end. ``charlm.TextClassifier`` is the same without
    scikit-learn; see there for how likelihoods become probabilities.

    Args:
        model: The family of the models.
        order: The order of n-gram models; None chooses it for each class.
        smoothing: How counts become probabilities; None is the default of the family.
        min_count: Characters that occur less often in a class are unknown to its model.
        priors: The probability of each class, in the order of ``classes_``; None takes how often each occurs.
        n_folds: In how many parts texts are held out in turn to calibrate the probabilities; 0 leaves that out.
        settings: Settings of ``CharLM.fit`` that are no parameters here, by name.
        random_state: Draws the parts, and seeds models that are trained, such as ``"gpt"``, unless ``settings`` has a
            ``config``.

    Attributes:
        classes_: The classes, ``(n_classes,)``, ascending.
        classifier_: The ``TextClassifier``.

    Example:
        >>> texts = ["the cat", "the dog", "a house", "die katze", "der hund", "ein haus"]
        >>> classifier = CharLMClassifier(order=3).fit(texts, ["en"] * 3 + ["de"] * 3)
        >>> classifier.predict(["the mouse", "die maus"]).tolist()
        ['en', 'de']
        >>> classifier.predict_proba(["the mouse"]).shape
        (1, 2)
    """

    classes_: NDArray[Any]
    classifier_: TextClassifier

    def __init__(
        self,
        model: Family = "ngram",
        *,
        order: int | None = None,
        smoothing: Smoothing | float | None = None,
        min_count: int = 1,
        priors: Sequence[float] | NDArray[np.float64] | None = None,
        n_folds: int = FOLDS,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = 0,  # noqa: ANN401 - as in scikit-learn
    ) -> None:
        self.model: Family = model
        self.order = order
        self.smoothing = smoothing
        self.min_count = min_count
        self.priors = priors
        self.n_folds = n_folds
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Iterable[str], y: Sequence[Any]) -> Self:
        """Fits a model to the texts of each class, and returns the estimator.

        Args:
            X: Texts, none of which is empty.
            y: The class of each.

        Raises:
            ValueError: There are not as many classes as texts, or one is NaN, or there is only one text of a class, of
                which none can be held out; or the priors are none. Like the other errors of ``TextClassifier.fit``.
            TypeError: ``X`` is a single ``str``, or an item is not a ``str``; or classes cannot be sorted.
        """
        texts = texts_to_learn(X)
        targets = np.asarray(y)
        if targets.shape != (len(texts),):
            raise ValueError(f"y must have one class for each of {len(texts)} texts, got shape {targets.shape}")
        classes, places = sorted_classes(targets)
        occurrences = np.bincount(places)
        labels = [str(one) for one in classes.tolist()]
        shares = occurrences / len(texts) if self.priors is None else np.asarray(self.priors, dtype=np.float64)
        if shares.shape != classes.shape:
            raise ValueError(f"priors must have one probability for each of {len(labels)} classes, got {shares.shape}")
        self.classifier_ = TextClassifier.fit(
            texts,
            [labels[place] for place in places.tolist()],
            model=self.model,
            priors=dict(zip(labels, shares.tolist(), strict=True)),
            n_folds=self.n_folds,
            seed=self.seed(),
            **self.fit_settings(),
        )
        self.classes_ = classes
        return self

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float64]:
        """Returns the probability of each class for each text, float64 ``(N, n_classes)``.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
            TypeError: ``X`` is a single ``str``, or an item is not a ``str``.
        """
        check_is_fitted(self)
        order = [self.classifier_.labels.index(str(one)) for one in self.classes_.tolist()]
        return self.classifier_.probabilities(texts_of(X))[:, order]

    def predict_log_proba(self, X: Iterable[str]) -> NDArray[np.float64]:
        """Returns the logarithms of ``predict_proba``; raises what it does."""
        with np.errstate(divide="ignore"):
            found: NDArray[np.float64] = np.log(self.predict_proba(X))
        return found

    def predict(self, X: Iterable[str]) -> NDArray[Any]:
        """Returns the most probable class of each text, ``(N,)``; raises what ``predict_proba`` does."""
        probabilities = self.predict_proba(X)
        found: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return found

    def _models(self) -> list[CharLM]:
        return [*self.classifier_.models.values()]

    def _fitted(self) -> dict[str, Any]:
        of_classifier = self.classifier_
        temperature = {"scale": of_classifier.temperature.scale, "power": of_classifier.temperature.power}
        return {"classes": stored_classes(self.classes_), "priors": of_classifier.priors, "temperature": temperature}

    def _restore(self, models: list[CharLM], fitted: Mapping[str, Any]) -> None:
        self.classes_ = classes_of(fitted["classes"])
        priors = fitted["priors"]
        if sorted(map(str, self.classes_.tolist())) != sorted(priors):
            raise ValueError("it has models of other classes than the estimator")
        self.classifier_ = TextClassifier(
            dict(zip(priors, models, strict=True)), priors=priors, temperature=Temperature(**fitted["temperature"])
        )
