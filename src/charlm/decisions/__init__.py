"""Calibrated answers about texts: how unusual they are, where, and what they are."""
