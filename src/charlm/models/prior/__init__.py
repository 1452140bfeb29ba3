"""Counts as a start for a Transformer: what n-grams say of each position, before the layers say more."""
