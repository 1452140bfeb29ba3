"""What is taken from scikit-learn, and what to do where it is missing."""

from __future__ import annotations

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, DensityMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as error:
    message = "scikit-learn is missing, which the estimators of charlm.sklearn need: pip install chartok[sklearn]"
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "DensityMixin",
    "TransformerMixin",
    "check_is_fitted",
    "check_random_state",
]
