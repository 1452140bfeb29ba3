"""Generators of PyTorch from seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from chartok.arguments import integer

if TYPE_CHECKING:
    from typing import SupportsIndex

    from torch import Tensor


def seeded_generator(seed: SupportsIndex, device: torch.device | None = None) -> torch.Generator:
    """Returns a generator of torch that starts from a seed.

    Args:
        seed: Any integer, of which the lowest 64 bits count, as ``torch.manual_seed`` has it for those that it takes.
        device: Where it draws; None is the CPU.

    Raises:
        TypeError: The seed is not an integer.

    Example:
        >>> seeded_generator(-1).initial_seed() == seeded_generator((1 << 64) - 1).initial_seed()
        True
    """
    return torch.Generator(device or "cpu").manual_seed(integer("seed", seed) % (1 << 64))


def check_generator(state: Tensor) -> None:
    """Checks that a generator of torch on the CPU can be in this state.

    Raises:
        ValueError: It cannot.
    """
    try:
        torch.Generator().set_state(state)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"the state of a generator is none: {error}") from None
