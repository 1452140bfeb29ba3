"""The Transformer that lectures build, from ids to logits: that of GPT-2 (Radford et al., 2019).

The representation of a position is a sum. It begins with the embedding of its character and the embedding of its place.
Each layer adds to it what attention gathers from this position and those before it, and then what an MLP makes of it.
Each of the two sees the sum through a layer norm, which keeps its scale (Ba et al., 2016). At the end, the head gives
the logits: by default the products with the embeddings of all characters.

It is the baseline of ``GPT``, and what checkpoints of nanoGPT, minGPT and GPT-2 become.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.causal import attended
from charlm.models.classic_gpt.config import ClassicGPTConfig
from charlm.models.dropout import Dropout
from charlm.models.empty_layers import empty_embedding, empty_linear
from charlm.models.parameter_groups import ParameterGroups
from charlm.models.transformer import TransformerLanguageModel
from charlm.runtime.seeding import seeded_generator

if TYPE_CHECKING:
    from charlm.models.prior.rows import PriorFeatures
    from charlm.models.resizing import IdChange

DEVIATION = 0.02
"""The standard deviation of new weights."""
APPROXIMATIONS = {"exact": "none", "tanh": "tanh"}
"""What ``torch.nn.functional.gelu`` calls the ways to compute it."""


class ClassicGPT(TransformerLanguageModel):
    """The Transformer decoder of GPT-2 over characters.

    Logits are float32, whatever the dtype of the weights, in which all the rest is computed.
    Dropout, if any, draws from the generator of the ``Trainer``, and outside of a run from PyTorch's global generator.

    Args:
        config: Its shape.
        seed: Determines the initial weights, which are the same on every device. None draws a new one, which the logger
            ``charlm`` tells.

    Raises:
        TypeError: ``config`` is not a ``ClassicGPTConfig``, or ``seed`` is not an integer.

    Example:
        >>> model = ClassicGPT(ClassicGPTConfig(vocab_size=65, block_size=8, n_layers=2, n_heads=2, width=16))
        >>> logits, loss = model(torch.tensor([[18, 47, 56]]), torch.tensor([[47, 56, 57]]))
        >>> logits.shape
        torch.Size([1, 3, 65])
        >>> round(loss.item(), 1)  # log(65) is 4.17: under a new model all characters are about equally likely
        4.2
    """

    family = "classic-gpt"
    without_weights: ClassVar[frozenset[str]] = frozenset({"dropout"})
    config: ClassicGPTConfig

    def __init__(self, config: ClassicGPTConfig, *, seed: int | None = 0) -> None:
        if not isinstance(config, ClassicGPTConfig):
            raise TypeError(f"config must be a ClassicGPTConfig, got {type(config).__name__}")
        super().__init__(config.vocab_size, config.block_size, context_only=config.context_only)
        self.config = config
        self.embedding: nn.Embedding = empty_embedding(config.vocab_size, config.width)
        self.positions: nn.Embedding = empty_embedding(config.block_size, config.width)
        self.dropout: Dropout = Dropout(config.dropout)
        self.blocks: nn.ModuleList = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm: nn.LayerNorm = nn.LayerNorm(config.width, bias=config.biases)
        self.head: nn.Linear | None = None
        if not config.is_tied:
            self.head = empty_linear(config.width, config.vocab_size, bias=False)
        if not self.embedding.weight.is_meta:
            self.initialize(seed)

    def _embedded(self, ids: Tensor, start: int = 0, counted: PriorFeatures | None = None) -> Tensor:  # noqa: ARG002
        """Returns the embeddings of the ids from a position on, each added to that of its position."""
        x: Tensor = self.embedding(ids[:, start:])
        places: Tensor = self.positions(torch.arange(start, ids.shape[1], device=ids.device))
        return x + places

    def _decoded(
        self,
        x: Tensor,
        start: int = 0,  # noqa: ARG002 - the positions are in x
        memory: Tensor | list[Tensor] | None = None,
        counted: PriorFeatures | None = None,  # noqa: ARG002 - of a family with a prior
    ) -> Tensor:
        """Returns the logits of embedded positions."""
        x = self.dropout(x)
        for layer, block in enumerate(self.blocks):
            x = block(x, None if memory is None else memory[layer])
        if memory is not None:
            x = x[:, -1:]
        x = self.norm(x)
        logits = functional.linear(x, self.embedding.weight) if self.head is None else self.head(x)
        return self.without_context_only(logits.float())

    @torch.no_grad()
    def initialize(self, seed: int | None) -> Self:
        """Returns this model with new weights; a model created on the meta device needs it after ``to_empty``.

        Matrices and embeddings are drawn with a standard deviation of 0.02; those whose output is added to the sum of a
        position, of which there are two in each layer, with one of ``0.02 / sqrt(2 * n_layers)``. Biases start at 0,
        the weights of layer norms at 1.

        Args:
            seed: Determines all weights; None draws one.

        Raises:
            TypeError: It is not an integer.
        """
        generator = seeded_generator(seed)
        for name, parameter in self.named_parameters():
            if name.endswith("norm.weight"):
                parameter.fill_(1)
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                scale = (2 * self.config.n_layers) ** -0.5 if name.endswith("project.weight") else 1
                drawn = torch.randn(parameter.shape, generator=generator, device="cpu")
                parameter.copy_(drawn * (DEVIATION * scale))
        return self

    def parameter_groups(self) -> ParameterGroups:
        """Returns the matrices of all blocks as hidden, and a head that is not tied as decayed.

        Embeddings, biases and the weights of layer norms are in no group.
        """
        matrices = {f"blocks.{name}" for name, weight in self.blocks.named_parameters() if weight.ndim > 1}
        return ParameterGroups(
            hidden_matrices=frozenset(matrices),
            decayed=frozenset() if self.head is None else frozenset({"head.weight"}),
        )

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Returns a model of the shape that ``settings`` returned."""
        return cls(ClassicGPTConfig(**settings))

    def settings(self) -> dict[str, Any]:
        """Returns the fields of ``config``."""
        return asdict(self.config) | {"context_only": list(self.context_only)}

    def _resized(self, change: IdChange) -> Self:
        """Returns a model of the same shape for another vocabulary."""
        return type(self)(replace(self.config, vocab_size=change.size, context_only=change.never_after))


class Block(nn.Module):
    """A layer: attention, then the MLP, each after a layer norm and with a residual connection."""

    def __init__(self, config: ClassicGPTConfig) -> None:
        super().__init__()
        self.attention_norm: nn.LayerNorm = nn.LayerNorm(config.width, bias=config.biases)
        self.attention: Attention = Attention(config)
        self.mlp_norm: nn.LayerNorm = nn.LayerNorm(config.width, bias=config.biases)
        self.mlp: MLP = MLP(config)
        self.dropout: Dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Returns the positions after this layer, ``(B, T, width)``; for the arguments see ``Attention``."""
        x = x + self.dropout(self.attention(self.attention_norm(x), memory))
        x = x + self.dropout(self.mlp(self.mlp_norm(x)))
        return x  # noqa: RET504 - each line a sublayer


class Attention(nn.Module):
    """Causal multi-head self-attention: ``softmax(Q K^T / sqrt(head_size)) V`` in each head (Vaswani et al., 2017)."""

    def __init__(self, config: ClassicGPTConfig) -> None:
        super().__init__()
        self.heads: tuple[int, int] = config.n_heads, config.head_size
        self.attend: nn.Linear = empty_linear(config.width, 3 * config.width, bias=config.biases)
        """Gives queries, keys and values, in this order."""
        self.project: nn.Linear = empty_linear(config.width, config.width, bias=config.biases)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Returns what is added to the positions, ``(B, T, width)``.

        Args:
            x: The positions, ``(B, T, width)``.
            memory: Keys and values, ``(2, B, H, S, head_size)``; those of the last T of S positions are written here.
        """
        length = x.shape[1]
        query, key, value = self.attend(x).unflatten(-1, (3, *self.heads)).permute(2, 0, 3, 1, 4).unbind()
        if memory is not None:
            memory[:, :, :, -length:] = torch.stack([key, value])
            key, value = memory.unbind()
        gathered = attended(query, key, value)
        projected: Tensor = self.project(gathered.transpose(1, 2).flatten(2))
        return projected


class MLP(nn.Module):
    """The position-wise MLP: ``project(gelu(expand(x)))``, with a hidden layer four times as wide."""

    def __init__(self, config: ClassicGPTConfig) -> None:
        super().__init__()
        self.approximation: str = APPROXIMATIONS[config.gelu]
        self.expand: nn.Linear = empty_linear(config.width, 4 * config.width, bias=config.biases)
        self.project: nn.Linear = empty_linear(4 * config.width, config.width, bias=config.biases)

    def forward(self, x: Tensor) -> Tensor:
        """Returns what is added to the positions, ``(B, T, width)``."""
        projected: Tensor = self.project(functional.gelu(self.expand(x), approximate=self.approximation))
        return projected
