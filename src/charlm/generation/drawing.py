"""Drawing ids: where the randomness comes from, and what it decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from charlm.runtime.seeding import seeded_generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

POINTS_AT_ONCE = 64
"""How many draws of each sample are decided at a time; a generator gives the same numbers one by one."""


def draw(logits: Tensor, points: Tensor) -> Tensor:
    """Returns one id for each row, drawn from ``softmax(logits)`` by inverse transform sampling.

    Args:
        logits: float32 or float64, ``(B, V)``.
        points: What decides each draw, in (0, 1], ``(B, 1)``.

    Returns:
        int64, ``(B,)``: the first id at which the sum of the probabilities reaches the point; V where there is none,
        as every id is excluded or a logit is NaN.

    Example:
        >>> draw(torch.tensor([[0.2, 0.3, 0.5]]).log(), torch.tensor([[0.4]]))
        tensor([1])
    """
    # A third of the time of torch.multinomial. A point in (0, total] never falls on an id of probability zero: the
    # first sum that reaches it is one that has just grown.
    cumulative = logits.softmax(dim=-1).cumsum(dim=-1)
    return torch.searchsorted(cumulative, points * cumulative[:, -1:]).squeeze(-1)


def uniform_points(seeds: Sequence[int], dtype: torch.dtype, device: torch.device) -> Iterator[Tensor]:
    """Yields without end what ``draw`` needs, ``(B, 1)``, row ``i`` of each from seed ``i`` alone.

    They are made on the CPU, so that a seed gives the same draws on every device.

    Args:
        seeds: One for each row; any integer, of which the lowest 64 bits count.
        dtype: That of the logits.
        device: Where the logits are.
    """
    generators = [seeded_generator(seed) for seed in seeds]
    while True:
        rows = [torch.rand(POINTS_AT_ONCE, dtype=dtype, generator=generator) for generator in generators]
        yield from (1 - torch.stack(rows, dim=1)).to(device)[..., None]
