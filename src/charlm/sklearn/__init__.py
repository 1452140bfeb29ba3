"""Estimators for scikit-learn on texts: strings in, no vectorizer.

They are in ``Pipeline``, ``GridSearchCV`` and ``cross_val_score`` like any others. Needs scikit-learn: ``pip install
'chartok[sklearn]'``. Count models need no PyTorch.
"""

from charlm.sklearn.classifier import CharLMClassifier
from charlm.sklearn.density import CharLMDensity
from charlm.sklearn.features import CharLMFeatures
from charlm.sklearn.outliers import CharLMOutlierDetector

__all__ = ["CharLMClassifier", "CharLMDensity", "CharLMFeatures", "CharLMOutlierDetector"]
