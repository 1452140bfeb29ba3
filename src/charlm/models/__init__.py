"""The families of models, each behind the contract of ``LanguageModel``."""

from charlm.models.base import IGNORE_INDEX, LanguageModel, evaluation_mode
from charlm.models.bigram import BigramLanguageModel

__all__ = ["IGNORE_INDEX", "BigramLanguageModel", "LanguageModel", "evaluation_mode"]
