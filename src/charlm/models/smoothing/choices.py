"""How an n-gram model may be smoothed, its usual order, and how several may be mixed."""

from __future__ import annotations

from typing import Literal, TypeAlias

Smoothing: TypeAlias = Literal["tuned", "learned", "kneser-ney"]
"""How counts become probabilities: by learned back-off, with constants tuned on a held-out part of the texts, or with
those that come with the library; or by interpolated modified Kneser-Ney smoothing."""

Untunable: TypeAlias = Literal["short", "equal"]
"""Why smoothing cannot be tuned on texts: too little can be held out, or most texts are equal to others."""

Weights: TypeAlias = Literal["by-context", "static"]
"""Whether the weights of models in a mixture depend on what each knows of a context, or are the same everywhere."""

ORDER = 7
"""The order where nothing tells which is best."""
