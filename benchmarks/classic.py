"""The Transformer built in lectures, as a baseline for ``charlm.GPT``.

It is that of GPT-2 (Radford et al., 2019): learned positions, layer normalization, GELU, biases, and one matrix shared
by the embedding and the head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm import LanguageModel


class ClassicTransformer(LanguageModel):
    """A decoder as in GPT-2, by default of a size that can be trained on two cores.

    Args:
        vocab_size: The number of ids, V.
        block_size: The maximum number of ids in the context.
        n_layers: The number of blocks.
        n_heads: The number of attention heads per block.
        width: The dimension of the embeddings.
        dropout: The dropout rate in training, for the embedding and for the output of each sublayer.
        seed: Determines the initial weights.

    Example:
        >>> ClassicTransformer(65)(torch.zeros(1, 64, dtype=torch.int64))[0].shape
        torch.Size([1, 64, 65])
    """

    family = "classic"

    def __init__(
        self,
        vocab_size: int,
        *,
        block_size: int = 64,
        n_layers: int = 4,
        n_heads: int = 4,
        width: int = 128,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(vocab_size, block_size)
        self.embedding = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(block_size, width)
        self.blocks = nn.ModuleList(ClassicBlock(n_heads, width, dropout) for _ in range(n_layers))
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(width)
        self._initialize(seed)

    @torch.no_grad()
    def _initialize(self, seed: int) -> None:
        """Draws matrices with a standard deviation of 0.02, or less for those that add to the residual stream."""
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.ndim > 1:
                scale = (2 * len(self.blocks)) ** -0.5 if name.endswith("project.weight") else 1
                nn.init.normal_(parameter, std=0.02 * scale, generator=generator)

    def settings(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "vocab_size": self.vocab_size,
            "block_size": self.block_size,
            "n_layers": len(self.blocks),
            "n_heads": self.blocks[0].n_heads,
            "width": self.embedding.embedding_dim,
            "dropout": self.dropout.p,
        }

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns ``(B, T, V)``."""
        x = self.dropout(self.embedding(inputs) + self.positions.weight[: inputs.shape[1]])
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.embedding.weight)


class ClassicBlock(nn.Module):
    """Attention and MLP, each after a layer norm and with a residual connection."""

    def __init__(self, n_heads: int, width: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.n_heads = n_heads
        self.attention_norm = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.attention_project = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.mlp_project = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns ``(B, T, width)``."""
        heads = self.attend(self.attention_norm(x)).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind()
        gathered = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.dropout(self.attention_project(gathered.transpose(1, 2).flatten(2)))
        x = x + self.dropout(self.mlp_project(functional.gelu(self.expand(self.mlp_norm(x)))))
        return x  # noqa: RET504 - each line a sublayer
