"""What the estimators have in common: strings in, the settings of a model, tags, and a folder to be kept in."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from charlm.errors import CheckpointCorruptError
from charlm.recipes.keywords import FitKeywords, check_fit_settings
from charlm.recipes.presets import CONFIGS
from charlm.sklearn.estimator_file import read_estimator, write_estimator
from charlm.sklearn.scikit_learn import BaseEstimator, check_is_fitted, check_random_state
from chartok.arguments import checked_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.lm import CharLM
    from charlm.recipes.presets import Family

SEEDS_END = 1 << 31


class TextEstimator(BaseEstimator, ABC):
    """The part of an estimator that has models fitted to texts. Subclasses have the parameters that it reads."""

    model: Family
    order: int | None
    smoothing: str | float | None
    min_count: int
    settings: Mapping[str, Any] | None
    random_state: Any
    lm_: CharLM

    def fit_settings(self) -> FitKeywords:
        """Returns the settings of ``CharLM.fit``: those with parameters of their own, where given, and the others.

        Raises:
            TypeError: ``settings`` has a name that is no setting, or that is a parameter.
        """
        own: dict[str, Any] = {"order": self.order, "smoothing": self.smoothing}
        asked = {name: value for name, value in own.items() if value is not None}
        if self.min_count != 1:
            asked["min_count"] = self.min_count
        asked |= self._more_settings()
        if asked.get("config") is None and self.model in CONFIGS:
            asked["config"] = replace(CONFIGS[self.model], seed=self.seed())
        return cast("FitKeywords", asked)

    def _more_settings(self) -> Mapping[str, Any]:
        """Returns the settings without parameters of their own, checked to be some."""
        if self.settings is None:
            return {}
        if not isinstance(self.settings, Mapping):
            raise TypeError(f"settings must be a mapping of names to values, got {type(self.settings).__name__}")
        if both := sorted(set(self.settings) & set(self.get_params(deep=False)), key=str):
            raise TypeError(f"settings has {both[0]}, which is a parameter of {type(self).__name__}: give it as that")
        try:
            check_fit_settings(self.model, self.settings, FitKeywords.__annotations__)
        except TypeError as error:
            raise TypeError(f"settings: {error}") from None
        return self.settings

    def seed(self) -> int:
        """Returns the seed that ``random_state`` gives."""
        if isinstance(self.random_state, int | np.integer) and not isinstance(self.random_state, bool):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(SEEDS_END))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the fitted estimator to a folder, without pickle.

        Args:
            path: The folder, which need not exist.

        Raises:
            sklearn.exceptions.NotFittedError: It has not been fitted.
            TypeError: A parameter is no value of JSON, or the classes are of a kind that cannot be read back.
            OSError: The folder cannot be written, or has something else in it.
        """
        check_is_fitted(self)
        params: dict[str, Any] = self.get_params(deep=False)
        write_estimator(path, type(self).__name__, params, self._fitted(), self._models())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Returns the fitted estimator in a folder that ``save`` has written.

        Raises:
            OSError: It cannot be read.
            CheckpointCorruptError: It is not such a folder, or a file in it is damaged.
            CheckpointVersionError: It was written by a newer version.
            TypeError: It is that of another estimator.
        """
        models, params, fitted = read_estimator(path, cls.__name__)
        try:
            estimator = cls(**params)
            estimator._restore(models, fitted)
        except (KeyError, ValueError, TypeError) as error:
            raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a valid {cls.__name__}: {error}") from error
        return estimator

    def _fitted(self) -> dict[str, Any]:
        """Returns what it has learned besides models, as JSON values."""
        return {}

    def _models(self) -> list[CharLM]:
        """Returns the models that it has learned."""
        return [self.lm_]

    @abstractmethod
    def _restore(self, models: list[CharLM], fitted: Mapping[str, Any]) -> None:
        """Takes what ``_models`` and ``_fitted`` returned; raises a ``ValueError`` if it is not that."""

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - of scikit-learn, which has no types
        """Returns tags that say: one string a sample, no table of numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def texts_of(X: Iterable[str]) -> list[str]:
    """Returns the texts that an estimator is given.

    Args:
        X: A list, an array or a column of strings.

    Raises:
        TypeError: It is a single ``str``, or an item is not a ``str``.
        ValueError: It is a table, or a sparse matrix.

    Example:
        >>> texts_of(np.array(["ada", "ava"]))
        ['ada', 'ava']
    """
    if isinstance(X, str):
        raise TypeError("X must be an iterable of str, got a single str: put it in a list")
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) != 1:
        raise ValueError(f"X must be one-dimensional, one string a sample, got shape {tuple(shape)}: give one column")
    return [str(text) for text in checked_texts(X, "X")]


def texts_to_learn(X: Iterable[str]) -> list[str]:
    """Returns the texts that an estimator is fitted to.

    Args:
        X: As for ``texts_of``.

    Raises:
        TypeError: As for ``texts_of``.
        ValueError: Likewise; or there are no texts, or one is empty.
    """
    texts = texts_of(X)
    if not texts:
        raise ValueError("X is empty: give at least one text")
    if "" in texts:
        raise ValueError(f"X[{texts.index('')}] is empty: leave empty texts out")
    return texts
