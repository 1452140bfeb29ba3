"""The Transformer of GPT-2, which lectures build."""
