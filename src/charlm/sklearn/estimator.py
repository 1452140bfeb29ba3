"""What the estimators have in common: strings in, the settings of a model, tags, and a folder to be kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from charlm.sklearn.estimator_file import read_description, write_description
from charlm.sklearn.scikit_learn import BaseEstimator, check_is_fitted, check_random_state
from chartok.arguments import checked_texts

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from charlm.recipes.keywords import FitKeywords

SEEDS_END = 1 << 31


class TextEstimator(BaseEstimator):
    """The part of an estimator that has models fitted to texts. Subclasses have the parameters that it reads."""

    order: int | None
    smoothing: str | float | None
    min_count: int
    settings: Mapping[str, Any] | None
    random_state: Any

    def fit_settings(self) -> FitKeywords:
        """Returns the settings of ``CharLM.fit``: those with parameters of their own, where given, and the others."""
        own = {"order": self.order, "smoothing": self.smoothing}
        asked = {name: value for name, value in own.items() if value is not None}
        if self.min_count != 1:
            asked["min_count"] = self.min_count
        return cast("FitKeywords", asked | dict(self.settings or {}))

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
            TypeError: A parameter or a class is no value of JSON.
            OSError: The folder cannot be written, or has something else in it.
        """
        check_is_fitted(self)
        params: dict[str, Any] = self.get_params(deep=False)
        write_description(path, type(self).__name__, params, self._fitted(), self._write_models)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Returns the fitted estimator in a folder that ``save`` has written.

        Raises:
            OSError: It cannot be read.
            CheckpointCorruptError: It is not such a folder, or a file in it is damaged.
            CheckpointVersionError: It was written by a newer version.
            TypeError: It is that of another estimator.
        """
        folder, params, fitted = read_description(path, cls.__name__)
        estimator = cls(**params)
        estimator._restore(folder, fitted)
        return estimator

    def _fitted(self) -> dict[str, Any]:
        """Returns what it has learned besides models, as JSON values."""
        return {}

    def _write_models(self, folder: Path) -> None:
        """Writes the models into a folder."""
        raise NotImplementedError

    def _restore(self, folder: Path, fitted: Mapping[str, Any]) -> None:
        """Takes the models in a folder, and what ``_fitted`` returned."""
        raise NotImplementedError

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
