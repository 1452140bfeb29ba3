"""The model families, which all implement ``LanguageModel``."""
