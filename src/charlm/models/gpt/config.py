"""The shape of a Transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from charlm.models.transformer_shape import LARGEST_SIZE, TransformerShape
from chartok.arguments import natural_number


@dataclass(frozen=True, kw_only=True)
class GPTConfig(TransformerShape):
    """The shape of a ``GPT``.

    Attributes:
        vocab_size: The number of ids, V.
        block_size: The maximum context length in ids.
        n_layers: The number of blocks of attention and MLP; at most 256.
        n_heads: The number of attention heads per layer.
        width: The size of the representation of a position; a multiple of ``2 * n_heads``.
        dropout: The probability of zeroing a value in the embedding or in the output of a sublayer in training.
        context_only: The ids that occur only as context and are never predicted, such as the start of a record.
        hash_rows: The number of rows in the hashed table of each n-gram length; 0 for no such tables.
        hashed_as: The number that stands for each id in the hashes of n-grams, after ``GPT.resize`` has given symbols
            other ids; empty if it is the id itself.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A size is out of range, ``width`` is not a multiple of ``2 * n_heads``, ``dropout`` is not in
            [0, 1), or ``hashed_as`` has not one number for each id.

    Example:
        >>> GPTConfig.nano(65)
        GPTConfig(vocab_size=65, block_size=128, n_layers=4, n_heads=4, width=128, dropout=0.0, context_only=(),
                  hash_rows=16384, hashed_as=())
        >>> import dataclasses
        >>> dataclasses.replace(GPTConfig.base(65), dropout=0.2).dropout
        0.2
    """

    hash_rows: int = 16_384
    hashed_as: tuple[int, ...] = ()

    @classmethod
    def nano(cls, vocab_size: int) -> Self:
        """Returns a shape that two CPU cores can train: 4 layers, 4 heads, width 128, 128 ids of context."""
        return cls(vocab_size=vocab_size, block_size=128, n_layers=4, n_heads=4, width=128)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "hash_rows", natural_number("hash_rows", self.hash_rows))
        if self.hash_rows > LARGEST_SIZE:
            raise ValueError(f"hash_rows must be at most {LARGEST_SIZE}, got {self.hash_rows}")
        hashed_as = tuple(natural_number("each number of hashed_as", number) for number in self.hashed_as)
        object.__setattr__(self, "hashed_as", hashed_as)
        different = len(set(hashed_as))
        if hashed_as and (not different == len(hashed_as) == self.vocab_size or max(hashed_as) >= LARGEST_SIZE):
            raise ValueError(
                f"hashed_as must have {self.vocab_size} different numbers below {LARGEST_SIZE}, got {len(hashed_as)}, "
                f"{different} different ones up to {max(hashed_as)}"
            )
        if self.width % (2 * self.n_heads):
            raise ValueError(
                f"width must be a multiple of 2 * n_heads, so that each head has an even size: "
                f"got width {self.width} and n_heads {self.n_heads}"
            )
