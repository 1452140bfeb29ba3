"""Seeded PyTorch generators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from charlm.runtime.seeds import seed_or_new

if TYPE_CHECKING:
    from typing import SupportsIndex

    from torch import Tensor


def seeded_generator(seed: SupportsIndex | None, device: torch.device | None = None) -> torch.Generator:
    """Returns a torch generator with a given seed.

    Args:
        seed: Any integer, of which the lowest 64 bits are used, as by ``torch.manual_seed`` for those it accepts;
            None draws one.
        device: The device of the generator; None is the CPU.

    Raises:
        TypeError: The seed is not an integer.

    Example:
        >>> seeded_generator(-1).initial_seed() == seeded_generator((1 << 64) - 1).initial_seed()
        True
    """
    return torch.Generator(device or "cpu").manual_seed(seed_or_new(seed) % (1 << 64))


def check_generator(state: Tensor, device: torch.device | None = None) -> None:
    """Checks that a state is valid for a torch generator.

    Args:
        state: What its ``get_state`` returned.
        device: The device of the generator; None is the CPU.

    Raises:
        ValueError: It is not.
    """
    try:
        torch.Generator(device or "cpu").set_state(state)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"the generator state is invalid: {error}") from None
