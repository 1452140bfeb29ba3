"""The choices there are for data, without NumPy, which the help of the command line does not wait for."""

from __future__ import annotations

from typing import Literal, TypeAlias

Split: TypeAlias = Literal["tail", "head", "random-blocks"]
"""Which part of a text is held out: its end, its beginning, or blocks drawn at random from all of it."""
