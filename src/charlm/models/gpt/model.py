"""A Transformer that predicts characters: the decoder of Vaswani et al. (2017), from the embedding to the logits.

What differs from that paper, and where it comes from:

- positions rotate queries and keys instead of being added to the input (RoPE: Su et al., 2021);
- RMSNorm without weights is applied to the input of each sublayer (Zhang and Sennrich, 2019) and to the embeddings
  (as layer norm is in BLOOM: Le Scao et al., 2022);
- queries and keys are normalized too (Henry et al., 2020);
- the activation is the squared ReLU (Primer: So et al., 2021);
- the last matrix of each attention and MLP starts at zero, so that a new layer adds nothing (Zhang et al., 2019);
- a tanh keeps logits between -15 and 15 (Gemma 2: Gemma Team, 2024);
- the last two, three and four characters have embeddings as well, in hashed tables (Pagnoni et al., 2024);
- there are no biases (PaLM: Chowdhery et al., 2022), and the head is not tied to the embedding.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.dropout import Dropout
from charlm.models.empty_layers import empty_embedding, empty_linear
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.layers import Block, normalized, projected, rotations
from charlm.models.parameter_groups import ParameterGroups
from charlm.models.transformer import TransformerLanguageModel
from charlm.runtime.seeding import seeded_generator

if TYPE_CHECKING:
    from charlm.models.resizing import IdChange

LONGEST_HASHED = 4
"""The longest n-grams that have embeddings."""
HASH_MULTIPLIER, HASH_MODULUS = 1_000_003, 2**31 - 1
"""Constants of a polynomial hash (Karp and Rabin, 1987); products stay below 2**63."""
BEFORE_THE_START = -1
LOGIT_LIMIT = 15.0


class GPT(TransformerLanguageModel):
    """A Transformer decoder over characters.

    Logits are float32, whatever the dtype of the weights. On the CPU, float16 weights are computed with in float32.
    Dropout, if any, draws from the generator of the ``Trainer``, and outside of a run from PyTorch's global generator.

    Args:
        config: Its shape.
        seed: Determines the initial weights, which are the same on every device. None draws a new one, which the logger
            ``charlm`` tells.

    Raises:
        TypeError: ``config`` is not a ``GPTConfig``, or ``seed`` is not an integer.

    Example:
        >>> model = GPT(GPTConfig(vocab_size=65, block_size=8, n_layers=2, n_heads=2, width=16))
        >>> logits, loss = model(torch.tensor([[18, 47, 56]]), torch.tensor([[47, 56, 57]]))
        >>> logits.shape
        torch.Size([1, 3, 65])
        >>> round(loss.item(), 2)  # log(65): under a new model all characters are equally likely
        4.17
    """

    family = "gpt"
    without_weights: ClassVar[frozenset[str]] = frozenset({"block_size", "dropout"})
    config: GPTConfig

    def __init__(self, config: GPTConfig, *, seed: int | None = 0) -> None:
        if not isinstance(config, GPTConfig):
            raise TypeError(f"config must be a GPTConfig, got {type(config).__name__}")
        super().__init__(config.vocab_size, config.block_size, context_only=config.context_only)
        self.config = config
        self.embedding: nn.Embedding = empty_embedding(config.vocab_size, config.width)
        lengths = range(2, LONGEST_HASHED + 1) if config.hash_rows else ()
        self.ngram_embeddings: nn.ModuleList = nn.ModuleList(
            empty_embedding(config.hash_rows, config.width) for _ in lengths
        )
        self.dropout: Dropout = Dropout(config.dropout)
        self.blocks: nn.ModuleList = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.head: nn.Linear = empty_linear(config.width, config.vocab_size)
        if not self.head.weight.is_meta:
            self.initialize(seed)

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        """Returns a model of the shape that ``settings`` returned."""
        return cls(GPTConfig(**settings))

    def settings(self) -> dict[str, Any]:
        """Returns the fields of ``config``."""
        lists = {"context_only": list(self.context_only), "hashed_as": list(self.config.hashed_as)}
        return asdict(self.config) | lists

    def parameter_groups(self) -> ParameterGroups:
        """Returns the matrices of all blocks as hidden, the head as decayed, and the hashed tables.

        The embedding of characters is in no group.
        """
        names = {name for name, _ in self.named_parameters()}
        return ParameterGroups(
            hidden_matrices=frozenset(name for name in names if name.startswith("blocks.")),
            decayed=frozenset({"head.weight"}),
            hashed_tables=frozenset(name for name in names if name.startswith("ngram_embeddings.")),
        )

    @torch.no_grad()
    def initialize(self, seed: int | None) -> Self:
        """Returns this model with new weights; a model created on the meta device needs it after ``to_empty``.

        N-gram embeddings start at zero, so that an n-gram unseen in training adds nothing; character embeddings are
        small, so that training soon outweighs them. The head is smaller still: initially all characters are almost
        equally likely. The last matrices of attention and MLP start at zero, the others with a standard deviation of
        ``1 / sqrt(width)``.

        Args:
            seed: Determines all weights; None draws one.

        Raises:
            TypeError: It is not an integer.
        """
        generator = seeded_generator(seed)
        deviations = {"embedding.weight": 0.02, "head.weight": 0.001}
        for name, parameter in self.named_parameters():
            if name.startswith("ngram_embeddings") or name.endswith("project.weight"):
                parameter.zero_()
                continue
            drawn = torch.randn(parameter.shape, generator=generator, device="cpu")
            parameter.copy_(drawn * deviations.get(name, self.config.width**-0.5))
        return self

    def _embedded(self, ids: Tensor, start: int = 0) -> Tensor:
        """Returns the embedding of each id from a position on, and of the n-grams that end with it."""
        nearest = max(0, start + 1 - LONGEST_HASHED)  # on which the first of these n-grams depend
        ids, start = ids[:, nearest:], start - nearest
        x: Tensor = self.embedding(ids)
        if x.dtype == torch.float16 and x.device.type == "cpu":  # its sums would overflow
            x = x.float()
        if self.config.hashed_as and len(self.ngram_embeddings):
            ids = torch.tensor(self.config.hashed_as, device=ids.device)[ids]
        hashes = ids
        for age, embedding in enumerate(self.ngram_embeddings, start=1):
            # Positions before the start get a number that no id ever has, however large the vocabulary becomes.
            before = functional.pad(ids, (age, 0), value=BEFORE_THE_START)[:, : ids.shape[1]]
            hashes = (hashes * HASH_MULTIPLIER + before) % HASH_MODULUS
            x = x + embedding(hashes % self.config.hash_rows)
        return x[:, start:]

    def _decoded(self, x: Tensor, start: int = 0, memory: Tensor | list[Tensor] | None = None) -> Tensor:
        """Returns the logits of embedded positions, of which ``start`` is the first."""
        cos, sin = rotations(start, start + x.shape[1], self.config.head_size, x.device)
        x = normalized(self.dropout(x))
        for layer, block in enumerate(self.blocks):
            x = block(x, cos, sin, None if memory is None else memory[layer])
        if memory is not None:
            x = x[:, -1:]
        logits = projected(self.head, normalized(x)).float()
        return self.without_context_only(LOGIT_LIMIT * torch.tanh(logits / LOGIT_LIMIT))

    def _resized(self, change: IdChange) -> Self:
        """Returns an empty model for another vocabulary, which hashes symbols that are kept as this one does."""
        return type(self)(
            replace(
                self.config,
                vocab_size=change.size,
                context_only=change.never_after,
                hashed_as=_hashed_as(self.config, change),
            )
        )


def _hashed_as(config: GPTConfig, change: IdChange) -> tuple[int, ...]:
    """Returns the numbers that stand for the new ids in hashes: of symbols that are kept, those that they had."""
    before = np.array(config.hashed_as or range(config.vocab_size))
    numbers = np.empty(change.size, dtype=np.int64)
    numbers[change.ids[change.kept]] = before[change.kept]
    numbers[change.new] = before.max() + 1 + np.arange(len(change.new))
    return () if np.array_equal(numbers, np.arange(change.size)) else tuple(numbers.tolist())
