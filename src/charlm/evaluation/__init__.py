"""Evaluation: how well a model predicts."""
