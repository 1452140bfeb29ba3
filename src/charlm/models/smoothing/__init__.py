"""From counts of n-grams to probabilities."""
