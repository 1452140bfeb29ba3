"""From a text to a model: presets, training, mixing."""
