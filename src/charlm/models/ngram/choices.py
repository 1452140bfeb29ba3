"""How an n-gram model may be smoothed, and its usual order."""

from __future__ import annotations

from typing import Literal, TypeAlias

Smoothing: TypeAlias = Literal["tuned", "learned", "kneser-ney"]
"""How counts become probabilities: by learned back-off, with constants tuned on a held-out part of the texts, or with
those that come with the library; or by interpolated modified Kneser-Ney smoothing."""

ORDER = 7
"""The order where nothing tells which is best."""
