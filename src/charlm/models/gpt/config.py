"""The shape of a Transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from charlm.models.predictor import checked_context_only
from chartok.arguments import finite_number, natural_number, positive_integer

MOST_LAYERS = 256
"""Keeps a model file from asking for more layers than can be made in a moment."""


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The shape of a ``GPT``.

    Attributes:
        vocab_size: The number of ids, V.
        block_size: The most ids that it can look at.
        n_layers: How many blocks of attention and MLP; at most 256.
        n_heads: How many heads each attention has.
        width: How many values stand for a position; a multiple of ``2 * n_heads``.
        dropout: The share of the values in the embedding, and in what a layer adds, that is zeroed in training.
        hash_rows: The rows of the table for each length of n-grams; 0 for no such tables.
        context_only: The ids that are contexts and never outcomes, such as the start of a record.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A size is below 1, ``width`` does not fit ``n_heads``, or ``dropout`` is not in [0, 1).

    Example:
        >>> GPTConfig.nano(65)
        GPTConfig(vocab_size=65, block_size=64, n_layers=4, n_heads=4, width=128, dropout=0.0, hash_rows=16384,
                  context_only=())
        >>> import dataclasses
        >>> dataclasses.replace(GPTConfig.base(65), dropout=0.2).dropout
        0.2
    """

    vocab_size: int
    block_size: int
    n_layers: int
    n_heads: int
    width: int
    dropout: float = 0.0
    hash_rows: int = 16_384
    context_only: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("vocab_size", "block_size", "n_layers", "n_heads", "width"):
            object.__setattr__(self, name, positive_integer(name, getattr(self, name)))
        object.__setattr__(self, "dropout", finite_number("dropout", self.dropout))
        object.__setattr__(self, "hash_rows", natural_number("hash_rows", self.hash_rows))
        object.__setattr__(self, "context_only", checked_context_only(self.context_only, self.vocab_size))
        if self.n_layers > MOST_LAYERS:
            raise ValueError(f"n_layers must be at most {MOST_LAYERS}, got {self.n_layers}")
        if self.width % (2 * self.n_heads):
            raise ValueError(
                f"width must be a multiple of 2 * n_heads, so that each head has an even number of values: "
                f"got width {self.width} and n_heads {self.n_heads}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")

    @property
    def head_size(self) -> int:
        """How many values of a position each head has."""
        return self.width // self.n_heads

    @classmethod
    def nano(cls, vocab_size: int) -> Self:
        """Returns a shape that two CPU cores can train: 4 layers, 4 heads, 128 wide, 64 ids of context."""
        return cls(vocab_size=vocab_size, block_size=64, n_layers=4, n_heads=4, width=128)

    @classmethod
    def small(cls, vocab_size: int) -> Self:
        """Returns a shape for a laptop: 6 layers, 4 heads, 256 wide, 128 ids of context."""
        return cls(vocab_size=vocab_size, block_size=128, n_layers=6, n_heads=4, width=256)

    @classmethod
    def base(cls, vocab_size: int) -> Self:
        """Returns a shape for a GPU: 6 layers, 6 heads, 384 wide, 256 ids of context."""
        return cls(vocab_size=vocab_size, block_size=256, n_layers=6, n_heads=6, width=384)
