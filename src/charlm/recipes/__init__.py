"""Recipes that turn a text into a model: presets, training, mixing."""
