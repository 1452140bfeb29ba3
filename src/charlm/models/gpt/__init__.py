"""A Transformer that predicts characters."""
