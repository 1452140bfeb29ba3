"""Sampling ids and text from a model."""
