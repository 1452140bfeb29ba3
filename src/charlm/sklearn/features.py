"""What a language model says of texts, as a transformer of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.lm import CharLM
from charlm.models.ngram.table import NGramTable
from charlm.sklearn.estimator import TextEstimator, texts_of
from charlm.sklearn.scikit_learn import TransformerMixin, check_is_fitted
from charlm.sklearn.text_features import features, names_of_features
from chartok.arguments import natural_number, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from charlm.models.smoothing.choices import Smoothing
    from charlm.recipes.presets import Family

MODEL = "model.safetensors"


class CharLMFeatures(TransformerMixin, TextEstimator):
    """Turns texts into a few numbers: what a character-level language model of usual texts says of them.

    The columns are the mean log-probability of a symbol (``log_probability``), the lowest such mean over a few symbols
    that follow each other (``worst_window``), the share of unknown characters (``unknown``), and, for n-gram models,
    the shares of symbols that end a known n-gram of 2 to 5 symbols (``known_2`` to ``known_5``).

    ``fit_transform``, which a ``Pipeline`` calls, describes each text by a model that has not learned from it, so that
    what comes next learns from numbers like those of new texts.

    Args:
        model: The family of the model.
        order: The order of an n-gram model; None chooses it.
        smoothing: How counts become probabilities; None is the default of the family.
        min_count: Characters that occur less often are unknown.
        window: The number of symbols in a window.
        n_folds: In how many parts ``fit_transform`` holds texts out in turn; 0 has each text described by a model that
            has learned from it.
        settings: More settings of ``CharLM.fit``, by name.
        random_state: Draws the parts.

    Attributes:
        lm_: The ``CharLM``.

    Example:
        >>> texts = ["ada lovelace", "eva zeisel", "ava gardner", "ada yonath"]
        >>> CharLMFeatures(order=3).fit(texts).transform(["ada", "xxx"]).round(1)[:, 2:]
        array([[0. , 0.8, 0.5, 0. , 0. ],
               [1. , 0. , 0. , 0. , 0. ]])
    """

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
        self.model = model
        self.order = order
        self.smoothing = smoothing
        self.min_count = min_count
        self.window = window
        self.n_folds = n_folds
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Iterable[str], y: object = None) -> Self:  # noqa: N803 - as everywhere in scikit-learn
        """Fits the model to texts, and returns the estimator.

        Args:
            X: Usual texts, none of which is empty.
            y: Not used.

        Raises:
            ValueError: There are none, or one is empty, or ``window`` is below 1; like the other errors of
                ``CharLM.fit``.
            TypeError: ``X`` is a single ``str``, or an item is not a ``str``.
        """
        del y
        positive_integer("window", self.window)
        self.lm_ = self._model_of(texts_of(X))
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float64]:  # noqa: N803 - likewise
        """Returns the features of texts, float64 ``(N, features)``; those of a text without symbols are 0.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
            TypeError: As for ``fit``.
        """
        check_is_fitted(self)
        return features(self.lm_, texts_of(X), self.window)

    def fit_transform(self, X: Iterable[str], y: object = None) -> NDArray[np.float64]:  # noqa: N803 - likewise
        """Fits the model, and returns the features of each text under a model that has not learned from it.

        Args:
            X: As for ``fit``, at least two if ``n_folds`` is not 0.
            y: Not used.

        Raises:
            ValueError: As for ``fit``; or there is one text, or ``n_folds`` is 1.
        """
        del y
        texts = texts_of(X)
        self.fit(texts)
        n_folds = min(natural_number("n_folds", self.n_folds), len(texts))
        if not self.n_folds:
            return self.transform(texts)
        if n_folds == 1:
            raise ValueError("nothing can be held out: give at least two texts and n_folds of at least 2, or n_folds=0")
        fold_of = np.random.default_rng(self.seed()).permutation(len(texts)) % n_folds
        found = np.empty((len(texts), len(self.get_feature_names_out())))
        for fold in range(n_folds):
            rest = self._model_of([text for text, own in zip(texts, fold_of, strict=True) if own != fold])
            held_out = [text for text, own in zip(texts, fold_of, strict=True) if own == fold]
            found[fold_of == fold] = features(rest, held_out, self.window)
        return found

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

    def _write_models(self, folder: Path) -> None:
        self.lm_.save(folder / MODEL)

    def _restore(self, folder: Path, fitted: Mapping[str, Any]) -> None:
        del fitted
        self.lm_ = CharLM.load(folder / MODEL)
