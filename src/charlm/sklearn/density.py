"""A language model as a density estimator of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.lm import CharLM
from charlm.sklearn.estimator import TextEstimator, texts_of, texts_to_learn
from charlm.sklearn.scikit_learn import DensityMixin, check_is_fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from charlm.models.smoothing.choices import Smoothing
    from charlm.recipes.presets import Family


class CharLMDensity(DensityMixin, TextEstimator):
    """Says how likely texts are: a character-level language model of whole texts.

    Args:
        model: The family of the model.
        order: The order of an n-gram model; None chooses it.
        smoothing: How counts become probabilities; None is the default of the family.
        min_count: Characters that occur less often are unknown.
        settings: Settings of ``CharLM.fit`` that are no parameters here, by name.
        random_state: Seeds models that are trained, such as ``"gpt"``, unless ``settings`` has a ``config``.

    Attributes:
        lm_: The ``CharLM``.

    Example:
        >>> density = CharLMDensity(order=3).fit(["ada", "ava", "eva"] * 3)
        >>> known, unknown = density.score_samples(["ada", "xxx"])
        >>> bool(known > unknown)
        True
    """

    lm_: CharLM

    def __init__(
        self,
        model: Family = "ngram",
        *,
        order: int | None = None,
        smoothing: Smoothing | float | None = None,
        min_count: int = 1,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = 0,  # noqa: ANN401 - as in scikit-learn
    ) -> None:
        self.model: Family = model
        self.order = order
        self.smoothing = smoothing
        self.min_count = min_count
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Iterable[str], y: object = None) -> Self:
        """Fits the model to texts, and returns the estimator.

        Args:
            X: Texts, none of which is empty.
            y: Not used.

        Raises:
            ValueError: There are none, or one is empty; like the other errors of ``CharLM.fit``.
            TypeError: ``X`` is a single ``str``, or an item is not a ``str``.
        """
        del y
        self.lm_ = CharLM.fit(texts_to_learn(X), self.model, **self.fit_settings())
        return self

    def score_samples(self, X: Iterable[str]) -> NDArray[np.float64]:
        """Returns the natural log-likelihood of each text, its end included, float64 ``(N,)``, in nats.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
            TypeError: As for ``fit``.
        """
        check_is_fitted(self)
        return self.lm_.score_samples(texts_of(X))

    def score(self, X: Iterable[str], y: object = None) -> float:
        """Returns the mean log-likelihood of a text, in nats: higher is better, also for ``GridSearchCV``.

        Args:
            X: Texts, at least one.
            y: Not used.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
            ValueError: There are no texts.
            TypeError: As for ``fit``.
        """
        del y
        scores = self.score_samples(X)
        if not len(scores):
            raise ValueError("X is empty: give at least one text")
        return float(np.mean(scores))

    def _restore(self, models: list[CharLM], fitted: Mapping[str, Any]) -> None:
        del fitted
        (self.lm_,) = models
