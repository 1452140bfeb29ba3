"""The logistic function and its inverse as tables of integers, the same on every machine.

A probability is a 16-bit integer, ``p / 65536``; its logit, ln(p / (1 - p)), counts 256ths of a nat.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONE = 1 << 16
"""The probability 1."""
LARGEST_LOGIT = 2815
"""Eleven nats: beyond, probabilities of 16 bits do not differ."""
STRETCH_SHIFT = 4
"""Logits are looked up for the upper 12 bits of a probability."""


@cache
def squash_table() -> NDArray[np.int64]:
    """Returns the probability of each logit from ``-LARGEST_LOGIT`` on, int64 ``(2 * LARGEST_LOGIT + 1,)``.

    ``Decimal.exp`` is correctly rounded, so that the table does not depend on a library of mathematics.
    """
    with localcontext() as context:
        context.prec = 20
        rising = [ONE / (1 + (Decimal(-logit) / 256).exp()) for logit in range(-LARGEST_LOGIT, LARGEST_LOGIT + 1)]
        return np.array([min(max(int(p.to_integral_value()), 1), ONE - 1) for p in rising], np.int64)


@cache
def stretch_table() -> NDArray[np.int64]:
    """Returns the logit of each probability in steps of ``1 << STRETCH_SHIFT``, int64 ``(4096,)``."""
    middles = (np.arange(ONE >> STRETCH_SHIFT) << STRETCH_SHIFT) + (1 << STRETCH_SHIFT >> 1)
    return np.searchsorted(squash_table(), middles).clip(0, 2 * LARGEST_LOGIT) - LARGEST_LOGIT
