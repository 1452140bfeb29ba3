"""The families of models, each behind the contract of ``LanguageModel``."""
