"""PyTorch's own layers without initial weights: the model that they belong to draws them from its seed."""

from __future__ import annotations

import torch
from torch import nn


class _EmptyLinear(nn.Linear):
    def reset_parameters(self) -> None:
        """Leaves the weights uninitialized; ``skip_init`` takes ten times as long."""


def empty_linear(in_features: int, out_features: int, *, bias: bool = False) -> nn.Linear:
    """Returns a linear layer, without drawing from the global generator."""
    made: nn.Linear = _EmptyLinear(in_features, out_features, bias=bias)
    made.__class__ = nn.Linear  # tools that quantize look for exactly this one
    return made


def empty_embedding(rows: int, width: int) -> nn.Embedding:
    """Returns an embedding table, without drawing from the global generator."""
    made: nn.Embedding = nn.Embedding.from_pretrained(torch.empty(rows, width), freeze=False)
    return made
