"""Counting the n-grams of texts, in memory or within a limit of it."""
