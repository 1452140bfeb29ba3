"""The families of models, each behind the contract of ``LanguageModel``."""

from charlm.models.base import LanguageModel, evaluation_mode
from charlm.models.bigram import BigramLanguageModel
from charlm.models.counts import NGramCounts
from charlm.models.ngram import NGramLanguageModel

__all__ = [
    "BigramLanguageModel",
    "LanguageModel",
    "NGramCounts",
    "NGramLanguageModel",
    "evaluation_mode",
]
