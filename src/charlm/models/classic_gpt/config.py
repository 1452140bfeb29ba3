"""The shape of a classic Transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from charlm.models.transformer_shape import TransformerShape
from chartok.arguments import flag

Gelu: TypeAlias = Literal["exact", "tanh"]


@dataclass(frozen=True, kw_only=True)
class ClassicGPTConfig(TransformerShape):
    """The shape of a ``ClassicGPT``; by default all is as in nanoGPT with ``bias=True``.

    Attributes:
        vocab_size: The number of ids, V.
        block_size: The maximum context length in ids.
        n_layers: The number of blocks of attention and MLP; at most 256.
        n_heads: The number of attention heads per layer.
        width: The size of the representation of a position; a multiple of ``n_heads``.
        dropout: The probability of zeroing a value in the embedding or in the output of a sublayer in training.
        context_only: The ids that occur only as context and are never predicted, such as the start of a record.
        gelu: How the activation is computed: ``"exact"``, as in nanoGPT, or by the approximation ``"tanh"``, as in
            GPT-2 and minGPT (Hendrycks and Gimpel, 2016).
        biases: Whether linear layers and layer norms have biases.
        is_tied: Whether the head is the table of embeddings (Press and Wolf, 2017).

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A size is out of range, ``width`` is not a multiple of ``n_heads``, ``dropout`` is not in [0, 1), or
            there is no such ``gelu``.

    Example:
        >>> ClassicGPTConfig.nano(65)
        ClassicGPTConfig(vocab_size=65, block_size=64, n_layers=4, n_heads=4, width=128, dropout=0.0, context_only=(),
                         gelu='exact', biases=True, is_tied=True)
    """

    gelu: Gelu = "exact"
    biases: bool = True
    is_tied: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.n_heads:
            raise ValueError(f"width must be a multiple of n_heads: got width {self.width} and n_heads {self.n_heads}")
        if self.gelu not in get_args(Gelu):
            raise ValueError(f"gelu must be one of {', '.join(get_args(Gelu))}, got {self.gelu!a}")
        for name in ("biases", "is_tied"):
            object.__setattr__(self, name, flag(name, getattr(self, name)))
