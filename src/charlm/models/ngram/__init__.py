"""The n-gram model: counts, smoothing, tables."""
