"""The shape that all Transformers have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from charlm.models.predictor import checked_context_only
from chartok.arguments import finite_number, positive_integer

MOST_LAYERS = 256
"""Keeps a model file from requesting more layers than can be created quickly."""
LARGEST_SIZE = 1 << 31
"""Of every other size: what is computed from them stays below 2**63."""


@dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """The settings that all Transformers have in common; each family checks that ``width`` suits ``n_heads``.

    Attributes:
        vocab_size: The number of ids, V.
        block_size: The maximum context length in ids.
        n_layers: The number of blocks of attention and MLP; at most 256.
        n_heads: The number of attention heads per layer.
        width: The size of the representation of a position.
        dropout: The probability of zeroing a value in the embedding or in the output of a sublayer in training.
        context_only: The ids that occur only as context and are never predicted, such as the start of a record.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A size is out of range, or ``dropout`` is not in [0, 1).
    """

    vocab_size: int
    block_size: int
    n_layers: int
    n_heads: int
    width: int
    dropout: float = 0.0
    context_only: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("vocab_size", "block_size", "n_layers", "n_heads", "width"):
            object.__setattr__(self, name, positive_integer(name, getattr(self, name)))
        for name in ("vocab_size", "block_size", "width"):
            if getattr(self, name) > LARGEST_SIZE:
                raise ValueError(f"{name} must be at most {LARGEST_SIZE}, got {getattr(self, name)}")
        object.__setattr__(self, "dropout", finite_number("dropout", self.dropout))
        object.__setattr__(self, "context_only", checked_context_only(self.context_only, self.vocab_size))
        if self.n_layers > MOST_LAYERS:
            raise ValueError(f"n_layers must be at most {MOST_LAYERS}, got {self.n_layers}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")

    @property
    def head_size(self) -> int:
        """The size of the representation of a position in each head."""
        return self.width // self.n_heads

    @classmethod
    def nano(cls, vocab_size: int) -> Self:
        """Returns a shape that two CPU cores can train: 4 layers, 4 heads, width 128, 64 ids of context."""
        return cls(vocab_size=vocab_size, block_size=64, n_layers=4, n_heads=4, width=128)

    @classmethod
    def small(cls, vocab_size: int) -> Self:
        """Returns a shape for a laptop: 6 layers, 4 heads, width 256, 128 ids of context."""
        return cls(vocab_size=vocab_size, block_size=128, n_layers=6, n_heads=4, width=256)

    @classmethod
    def base(cls, vocab_size: int) -> Self:
        """Returns a shape for a GPU: 6 layers, 6 heads, width 384, 256 ids of context."""
        return cls(vocab_size=vocab_size, block_size=256, n_layers=6, n_heads=6, width=384)
