"""Seeds: those that are given, those that are drawn where none is, and those derived from them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from charlm.runtime.launch import launched_processes
from chartok.arguments import integer, positive_integer

if TYPE_CHECKING:
    from typing import SupportsIndex

SEED_BITS = 53
"""The length of a seed that is drawn; longer numbers do not survive JSON in every language."""


def seed_or_new(seed: SupportsIndex | None) -> int:
    """Returns a seed, or for None a new one from the entropy of the system.

    The logger ``charlm`` says which, at level INFO, so that the same can be drawn again.

    Raises:
        TypeError: It is not an integer.
        ValueError: It does not fit in 64 bits, which are all that a generator takes; or it is None where torchrun has
            started several processes, each of which would draw another.

    Example:
        >>> seed_or_new(7), 0 <= seed_or_new(None) < 1 << SEED_BITS
        (7, True)
    """
    if seed is not None:
        if not -(1 << 63) <= integer("seed", seed) < 1 << 64:
            raise ValueError(f"seed must fit in 64 bits, signed or unsigned, got {seed}")
        return integer("seed", seed)
    if launched_processes() > 1:
        raise ValueError("seed must be a number where several processes run, each of which would draw another")
    import logging  # noqa: PLC0415 - seldom needed

    new = int.from_bytes(os.urandom(8), "little") >> (64 - SEED_BITS)
    logging.getLogger("charlm").info("seed %d was drawn, since none was given", new)
    return new


def derived_seed(seed: int, index: int) -> int:
    """Returns the seed of one of several samples, from 0 to 2^63 - 1.

    Example:
        >>> derived_seed(0, 1)
        2918264622725855778
    """
    return int(np.random.SeedSequence([seed % (1 << 64), index]).generate_state(1, np.uint64)[0] >> 1)


def seeds_of_samples(seed: SupportsIndex | None, n_samples: SupportsIndex | None) -> list[int]:
    """Returns the seed of each of several samples, the first of which has the seed itself.

    Args:
        seed: A seed; None draws one.
        n_samples: How many samples; None is one.

    Raises:
        TypeError: One is not an integer.
        ValueError: ``n_samples`` is below 1.
    """
    number = 1 if n_samples is None else positive_integer("n_samples", n_samples)
    first = seed_or_new(seed)
    return [first, *(derived_seed(first, index) for index in range(1, number))]
