"""Drawing an id from logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from charlm.arguments import finite_number

if TYPE_CHECKING:
    from torch import Tensor


def check_temperature(temperature: float) -> float:
    """Returns a temperature that is finite and not negative.

    Raises:
        TypeError: It is not a number.
        ValueError: It is negative, infinite or NaN.
    """
    if finite_number("temperature", temperature) < 0:
        raise ValueError(f"temperature must not be negative, got {temperature}")
    return float(temperature)


def draw(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Returns one id for each row, drawn from ``softmax(logits / temperature)``.

    Args:
        logits: ``(B, V)``.
        temperature: Below 1 the likely become likelier, above 1 less so; 0 takes the likeliest.
        generator: Where the randomness comes from; on the device of the logits.

    Returns:
        int64, ``(B,)``.
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    if temperature != 1:
        # Subtracting the maximum first keeps a tiny temperature from turning the likeliest into infinity.
        logits = (logits - logits.amax(dim=-1, keepdim=True)) / temperature
    # Inverse transform sampling takes a third of the time of torch.multinomial. A point in (0, total] never falls on
    # an id of probability zero: the first sum that reaches it is one that has just grown.
    cumulative = logits.softmax(dim=-1).cumsum(dim=-1)
    points = 1 - torch.rand(len(logits), 1, dtype=cumulative.dtype, device=logits.device, generator=generator)
    return torch.searchsorted(cumulative, points * cumulative[:, -1:]).squeeze(-1)
