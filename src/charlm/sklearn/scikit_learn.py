"""What is taken from scikit-learn, and what to do where it is missing; its types are in ``scikit_learn.pyi``."""

from __future__ import annotations

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, DensityMixin, OutlierMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as missing:
    message = "scikit-learn is missing, which the estimators of charlm.sklearn need: pip install 'chartok[sklearn]'"
    raise ModuleNotFoundError(message, name=missing.name) from missing

__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "DensityMixin",
    "OutlierMixin",
    "TransformerMixin",
    "check_is_fitted",
    "check_random_state",
]
