"""PyTorch's own layers without initial weights: the model that they belong to draws them from its seed."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import skip_init


def empty_linear(in_features: int, out_features: int, *, bias: bool = False) -> nn.Linear:
    """Returns a linear layer, without drawing from the global generator."""
    made: nn.Linear = skip_init(nn.Linear, in_features, out_features, bias=bias, device=torch.get_default_device())
    return made


def empty_embedding(rows: int, width: int) -> nn.Embedding:
    """Returns an embedding table, without drawing from the global generator."""
    made: nn.Embedding = skip_init(nn.Embedding, rows, width, device=torch.get_default_device())
    return made
