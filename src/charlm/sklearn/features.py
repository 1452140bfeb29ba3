"""What a language model says of texts, as a transformer of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.lm import CharLM
from charlm.models.ngram.table import NGramTable
from charlm.sklearn.estimator import TextEstimator, texts_of, texts_to_learn
from charlm.sklearn.scikit_learn import TransformerMixin, check_is_fitted
from charlm.sklearn.text_features import Usual, features, names_of_features
from chartok.arguments import finite_number, natural_number, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from charlm.models.smoothing.choices import Smoothing
    from charlm.recipes.presets import Family


class CharLMFeatures(TransformerMixin, TextEstimator):
    """Turns texts into a few numbers: what a character-level language model of usual texts says of them.

    The columns are the mean log-probability of a symbol (``log_probability``), how far that is from the usual one for
    texts of the length (``standardized``), the lowest such mean over a few symbols that follow each other
    (``worst_window``), the share of unknown characters (``unknown``), and, for n-gram models, the shares of symbols
    that end a known n-gram of 2 to 5 symbols (``known_2`` to ``known_5``).

    ``fit_transform``, which a ``Pipeline`` calls, describes each text by a model that has not learned from it, nor from
    an equal one, so that what comes next learns from numbers like those of new texts.

    Args:
        model: The family of the model.
        order: The order of an n-gram model; None chooses it.
        smoothing: How counts become probabilities; None is the default of the family.
        min_count: Characters that occur less often are unknown.
        window: The number of symbols in a window.
        n_folds: In how many parts texts are held out in turn, which says how likely usual texts are; 0 takes those
            that the model has learned from.
        settings: Settings of ``CharLM.fit`` that are no parameters here, by name.
        random_state: Draws the parts, and seeds models that are trained, such as ``"gpt"``, unless ``settings`` has a
            ``config``.

    Attributes:
        lm_: The ``CharLM``.
        usual_: How likely usual texts are.

    Example:
        >>> texts = ["ada lovelace", "eva zeisel", "ava gardner", "ada yonath"]
        >>> CharLMFeatures(order=3).fit(texts).transform(["ada", "xxx"]).round(1)[:, 3:]
        array([[0. , 0.8, 0.5, 0. , 0. ],
               [1. , 0. , 0. , 0. , 0. ]])
    """

    lm_: CharLM
    usual_: Usual

    def __init__(
        self,
        model: Family = "ngram",
        *,
        order: int | None = None,
        smoothing: Smoothing | float | None = None,
        min_count: int = 1,
        window: int = 5,
        n_folds: int = 3,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = 0,  # noqa: ANN401 - as in scikit-learn
    ) -> None:
        self.model: Family = model
        self.order = order
        self.smoothing = smoothing
        self.min_count = min_count
        self.window = window
        self.n_folds = n_folds
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Iterable[str], y: object = None) -> Self:
        """Fits the model to texts, and returns the estimator.

        Args:
            X: Usual texts, none of which is empty, at least two that differ unless ``n_folds`` is 0.
            y: Not used.

        Raises:
            ValueError: There are none, or one is empty; all are equal, so that none can be held out; or
                ``window`` is below 1, or ``n_folds`` is 1. Like the other errors of ``CharLM.fit``.
            TypeError: ``X`` is a single ``str``, or an item is not a ``str``.
        """
        self.fit_transform(X, y)
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float64]:
        """Returns the features of texts, float64 ``(N, features)``; those of a text without symbols are 0.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
            TypeError: As for ``fit``.
        """
        check_is_fitted(self)
        return features(self.lm_, texts_of(X), self.window, self.usual_)

    def fit_transform(self, X: Iterable[str], y: object = None) -> NDArray[np.float64]:
        """Fits the model, and returns the features of each text under a model that has not learned from it.

        Args:
            X: As for ``fit``.
            y: Not used.

        Raises:
            ValueError: As for ``fit``.
            TypeError: Likewise.
        """
        del y
        texts = texts_to_learn(X)
        positive_integer("window", self.window)
        fold_of = self._folds(texts)
        self.lm_ = self._model_of(texts)
        models = [
            (self._model_of([text for text, own in zip(texts, fold_of, strict=True) if own != fold]), fold_of == fold)
            for fold in range(int(fold_of.max()) + 1)
        ] or [(self.lm_, fold_of < 0)]
        totals, lengths = np.empty(len(texts)), np.empty(len(texts), dtype=np.int64)
        for lm, is_own in models:
            own = [text for text, chosen in zip(texts, is_own, strict=True) if chosen]
            totals[is_own], lengths[is_own] = lm.score_samples(own), lm.counts_of_symbols(own)
        self.usual_ = Usual.of(totals, lengths)
        found = np.empty((len(texts), len(self.get_feature_names_out())))
        for lm, is_own in models:
            own = [text for text, chosen in zip(texts, is_own, strict=True) if chosen]
            found[is_own] = features(lm, own, self.window, self.usual_)
        return found

    def _folds(self, texts: list[str]) -> NDArray[np.int64]:
        """Returns the fold in which each text is held out, equal ones together, int64 ``(N,)``; -1 if nothing is."""
        distinct, place = np.unique(np.array(texts, dtype=object), return_inverse=True)
        n_folds = min(natural_number("n_folds", self.n_folds), len(distinct))
        if not self.n_folds:
            return np.full(len(texts), -1)
        if n_folds == 1:
            raise ValueError(
                "nothing can be held out: give at least two texts that differ and n_folds of at least 2, or n_folds=0"
            )
        folds: NDArray[np.int64] = np.random.default_rng(self.seed()).permutation(len(distinct)) % n_folds
        return folds[place]

    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]:
        """Returns the names of the columns of ``transform``, ``(features,)``.

        Args:
            input_features: Not used.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
        """
        del input_features
        check_is_fitted(self)
        return np.array(names_of_features(of_ngrams=isinstance(self.lm_.stored, NGramTable)), dtype=object)

    def _model_of(self, texts: list[str]) -> CharLM:
        return CharLM.fit(texts, self.model, **self.fit_settings())

    def _fitted(self) -> dict[str, Any]:
        return {"mean": self.usual_.mean, "deviation": self.usual_.deviation}

    def _restore(self, models: list[CharLM], fitted: Mapping[str, Any]) -> None:
        (self.lm_,) = models
        positive_integer("window", self.window)
        if fitted.keys() != {"mean", "deviation"}:
            raise ValueError("it does not say how likely usual texts are")
        self.usual_ = Usual(**{name: finite_number(name, value) for name, value in fitted.items()})
        self.usual_.check()
