"""The layers of a Transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.causal import attended
from charlm.models.dropout import Dropout
from charlm.models.empty_layers import empty_linear
from charlm.models.gpt.derivatives import Normalization, Rotation, SquaredReLU

if TYPE_CHECKING:
    from charlm.models.gpt.config import GPTConfig

ROTARY_BASE = 10_000.0


def projected(layer: nn.Module, x: Tensor) -> Tensor:
    """Returns ``layer(x)``; float16 weights of a linear layer are computed with in the dtype of the input.

    The layers are PyTorch's own, so that tools which quantize, prune or adapt linear layers find and replace them.
    """
    if type(layer) is nn.Linear and layer.weight.dtype == torch.float16 != x.dtype:
        return functional.linear(x, layer.weight.to(x.dtype), None if layer.bias is None else layer.bias.to(x.dtype))
    found: Tensor = layer(x)
    return found


def normalized(x: Tensor) -> Tensor:
    """Returns ``x / sqrt(mean(x^2))`` over the last dimension."""
    is_by_hand = x.requires_grad and x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    if is_by_hand and not torch.compiler.is_compiling():
        found: Tensor = Normalization.apply(x)[0]  # type: ignore[no-untyped-call]
        return found
    return functional.rms_norm(x, x.shape[-1:])


def rotations(start: int, stop: int, head_size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns the cosines and sines by which positions rotate each component of a head, both ``(T, head_size)``.

    Position p rotates components i and ``i + head_size / 2`` by the angle ``p / 10000^(2i / head_size)``, so that the
    product of a query and a key depends on their distance. It takes microseconds and is recomputed each time: no table
    can be stale.
    """
    frequencies = ROTARY_BASE ** (torch.arange(0, head_size, 2, device=device) / -head_size)
    angles = torch.outer(torch.arange(start, stop, device=device), frequencies)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Returns queries or keys, ``(..., T, head_size)``, rotated by the result of ``rotations``."""
    found: Tensor = Rotation.apply(x, cos, sin) if x.requires_grad else Rotation.forward(x, cos, sin)  # type: ignore[no-untyped-call]
    return found


def squared_relu(x: Tensor) -> Tensor:
    """Returns ``relu(x)^2``."""
    found: Tensor = SquaredReLU.apply(x) if x.requires_grad else SquaredReLU.forward(x)  # type: ignore[no-untyped-call]
    return found


class Attention(nn.Module):
    """Causal multi-head self-attention: ``softmax(Q K^T / sqrt(head_size)) V`` in each head."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads: tuple[int, int] = config.n_heads, config.head_size
        self.query: nn.Linear = empty_linear(config.width, config.width)
        self.key: nn.Linear = empty_linear(config.width, config.width)
        self.value: nn.Linear = empty_linear(config.width, config.width)
        self.project: nn.Linear = empty_linear(config.width, config.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, memory: Tensor | None = None) -> Tensor:
        """Returns what is added to the positions, ``(B, T, width)``.

        Args:
            x: The positions, ``(B, T, width)``.
            cos: What ``rotations`` returns for them.
            sin: Likewise.
            memory: Keys and values, ``(2, B, H, S, head_size)``; those of the last T of S positions are written here.
        """
        queries_and_keys = self._heads(torch.stack([projected(self.query, x), projected(self.key, x)]))
        query, key = rotated(normalized(queries_and_keys), cos, sin)
        value = self._heads(projected(self.value, x))
        length = x.shape[1]
        if memory is not None:
            memory[:, :, :, -length:] = torch.stack([key, value])
            key, value = memory.unbind()
        gathered = attended(query, key, value)
        return projected(self.project, gathered.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        """Returns ``(..., T, width)`` as ``(..., H, T, head_size)``."""
        return x.view(*x.shape[:-1], *self.heads).transpose(-3, -2)


class MLP(nn.Module):
    """The position-wise MLP: ``project(relu(expand(x))^2)``, with a hidden layer four times as wide."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.expand: nn.Linear = empty_linear(config.width, 4 * config.width)
        self.project: nn.Linear = empty_linear(4 * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns what is added to the positions, ``(B, T, width)``."""
        return projected(self.project, squared_relu(projected(self.expand, x)))


class Block(nn.Module):
    """A Transformer layer: attention, then the MLP, each with a residual connection."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention: Attention = Attention(config)
        self.mlp: MLP = MLP(config)
        self.dropout: Dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, memory: Tensor | None = None) -> Tensor:
        """Returns the positions after this layer, ``(B, T, width)``; for the arguments see ``Attention``."""
        x = x + self.dropout(self.attention(normalized(x), cos, sin, memory))
        x = x + self.dropout(self.mlp(normalized(x)))
        return x  # noqa: RET504 - each line a sublayer
