"""The families of models, each behind the contract of ``LanguageModel``."""

from charlm.models.base import LanguageModel, evaluation_mode
from charlm.models.bigram import BigramLanguageModel
from charlm.models.counts import NGramCounts
from charlm.models.gpt import GPT, GPTConfig
from charlm.models.mixture import COMPONENTS, MixtureLanguageModel
from charlm.models.ngram import NGramLanguageModel

FAMILIES: dict[str, type[LanguageModel]] = {**COMPONENTS, MixtureLanguageModel.family: MixtureLanguageModel}
"""Every family by its name."""

__all__ = [
    "FAMILIES",
    "GPT",
    "BigramLanguageModel",
    "GPTConfig",
    "LanguageModel",
    "MixtureLanguageModel",
    "NGramCounts",
    "NGramLanguageModel",
    "evaluation_mode",
]
