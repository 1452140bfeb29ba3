"""Drawing ids and text from a model."""
