"""Seeds derived from seeds."""

from __future__ import annotations

import numpy as np

from chartok.arguments import integer


def derived_seed(seed: int, index: int) -> int:
    """Returns the seed of one of several samples, from 0 to 2^63 - 1.

    Example:
        >>> derived_seed(0, 1)
        2918264622725855778
    """
    return int(np.random.SeedSequence([integer("seed", seed) % (1 << 64), index]).generate_state(1, np.uint64)[0] >> 1)
