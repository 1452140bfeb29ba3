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
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.adapter import widened
from charlm.models.base import LanguageModel, check_prompt
from charlm.models.context import ids_seen
from charlm.models.dropout import Dropout
from charlm.models.gpt.cache import KeyValueCache
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.layers import Block, Embedding, HashedEmbedding, Linear, normalized, rotations
from charlm.models.parameter_groups import ParameterGroups
from charlm.models.resizing import IdChange
from charlm.runtime.seeding import seeded_generator

if TYPE_CHECKING:
    from chartok import Vocabulary

LONGEST_HASHED = 4
"""The longest n-grams that have embeddings."""
HASH_MULTIPLIER, HASH_MODULUS = 1_000_003, 2**31 - 1
"""Constants of a polynomial hash (Karp and Rabin, 1987); products stay below 2**63."""
BEFORE_THE_START = -1
LOGIT_LIMIT = 15.0
LEAST_ROOM = 256
"""The smallest capacity of a new cache in ids, unless a block is shorter."""


class GPTState(NamedTuple):
    """The state of ``step``: the ids in its context, int64 ``(B, T)``, and their keys and values."""

    history: Tensor
    cache: KeyValueCache


class GPT(LanguageModel):
    """A Transformer decoder over characters.

    Logits are float32, whatever the dtype of the weights. On the CPU, float16 weights are computed with in float32.
    Dropout, if any, draws from the generator of the ``Trainer``, and outside of a run from PyTorch's global generator.

    Args:
        config: Its shape.
        seed: Determines the initial weights, which are the same on every device.

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

    def __init__(self, config: GPTConfig, *, seed: int = 0) -> None:
        if not isinstance(config, GPTConfig):
            raise TypeError(f"config must be a GPTConfig, got {type(config).__name__}")
        super().__init__(config.vocab_size, config.block_size, context_only=config.context_only)
        self.config = config
        self.embedding: Embedding = Embedding(config.vocab_size, config.width)
        lengths = range(2, LONGEST_HASHED + 1) if config.hash_rows else ()
        self.ngram_embeddings: nn.ModuleList = nn.ModuleList(
            HashedEmbedding(config.hash_rows, config.width) for _ in lengths
        )
        self.dropout: Dropout = Dropout(config.dropout)
        self.blocks: nn.ModuleList = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.head: Linear = Linear(config.width, config.vocab_size)
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

    @torch.no_grad()
    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a model for another vocabulary, which shares no memory with this one.

        The embedding of a new id is the mean of the embeddings, and its row of the head the mean of the rows of what
        can be predicted: its logit is about the mean of the logits, so that it is no more likely than the average, and
        the probabilities of the others all shrink by the same small factor (Hewitt, 2021).

        Raises:
            TypeError: As for ``LanguageModel``.
            ValueError: Likewise.
        """
        change = IdChange.between(
            vocabulary_before, vocabulary_after, vocab_size=self.vocab_size, context_only=self.context_only
        )
        config = replace(
            self.config,
            vocab_size=change.size,
            context_only=change.never_after,
            hashed_as=_hashed_as(self.config, change),
        )
        kept, outcomes = torch.from_numpy(change.kept), torch.from_numpy(change.outcomes)
        tensors = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        for name, averaged in (("embedding.weight", kept), ("head.weight", outcomes)):
            before = tensors[name]
            rows = widened(before)[averaged.to(before.device)].mean(dim=0).repeat(change.size, 1).to(before.dtype)
            rows[torch.from_numpy(change.ids[change.kept]).to(rows.device)] = before[kept.to(rows.device)]
            tensors[name] = rows
        with torch.device("meta"):
            model = type(self)(config)
        model.load_state_dict(tensors, assign=True)
        for own, new in zip(self.parameters(), model.parameters(), strict=True):
            new.requires_grad_(own.requires_grad)
        return model.train(self.training)

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
    def initialize(self, seed: int) -> Self:
        """Returns this model with new weights; a model created on the meta device needs it after ``to_empty``.

        N-gram embeddings start at zero, so that an n-gram unseen in training adds nothing; character embeddings are
        small, so that training soon outweighs them. The head is smaller still: initially all characters are almost
        equally likely. The last matrices of attention and MLP start at zero, the others with a standard deviation of
        ``1 / sqrt(width)``.

        Args:
            seed: Determines all weights.

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

    @property
    def numbers_per_id(self) -> int:
        """About how many numbers ``log_probabilities`` holds at once for each id: those of one layer as well."""
        return super().numbers_per_id + 16 * self.config.width

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns the logits of the id after each position.

        Args:
            inputs: Ids, int64 ``(B, T)``, T at most ``block_size``.

        Returns:
            float32, ``(B, T, V)``.

        Raises:
            ValueError: The inputs are longer.
        """
        if inputs.shape[1] > self.config.block_size:
            raise ValueError(f"inputs must be at most block_size {self.config.block_size} long, got {inputs.shape[1]}")
        return self._decoded(self._embedded(inputs))

    @torch.no_grad()
    def step(self, ids: Tensor, state: GPTState | None = None) -> tuple[Tensor, GPTState]:
        """Returns the logits after one more id, and the state to pass with the next.

        The keys and values of earlier ids are cached, so that a step passes one id through the layers. Once there are
        ``block_size`` of them, the older half is dropped and the rest is passed through again: from then on the logits
        are those of ``logits`` for between the last half block and the last block of ids.

        States are values: each can be reused, even if another sequence has continued from it. The newest is extended in
        place; continuing from an older one passes its ids through again.

        Args:
            ids: The newest id of each sequence, int64 ``(B,)``.
            state: What an earlier call returned; None at the start.

        Returns:
            float32 ``(B, V)``, without a gradient, and the new state.

        Raises:
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        if state is None:
            return self.start(ids[:, None])
        history = torch.cat([state.history, ids[:, None]], dim=1)
        length = history.shape[1]
        if length > self.config.block_size or not state.cache.takes(length):
            return self.start(history)
        # The hashed embeddings of the new id depend on the ids just before it.
        with self.naming_bad_ids(ids):
            x = self._embedded(history[:, -LONGEST_HASHED:])[:, -1:]
        logits = self._decoded(x, length - 1, state.cache.memory[..., :length, :])
        state.cache.length = length
        return logits[:, -1], GPTState(history, state.cache)

    @torch.no_grad()
    def start(self, inputs: Tensor) -> tuple[Tensor, GPTState]:
        """Returns the logits after these ids, which pass through the layers in parallel.

        Of more than ``block_size`` ids, it uses those that stepping through them would keep: between the last half
        block and the last block.

        Args:
            inputs: The ids of a prompt, int64 ``(B, T)``, T at least 1.

        Returns:
            float32 ``(B, V)``, without a gradient, and the state from which ``step`` continues.

        Raises:
            ValueError: There are no ids, or the inputs are not two-dimensional.
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        check_prompt(inputs)
        history = inputs[:, -ids_seen(inputs.shape[1], self.config.block_size) :]
        length = history.shape[1]
        room = min(max(2 * length, LEAST_ROOM), self.config.block_size)
        shape = (self.config.n_layers, 2, len(history), self.config.n_heads, room, self.config.head_size)
        with self.naming_bad_ids(inputs):
            x = self._embedded(history)
        cache = KeyValueCache(x.new_empty(shape), length)
        logits = self._decoded(x, 0, cache.memory[..., :length, :])
        return logits[:, -1], GPTState(history, cache)

    def _embedded(self, ids: Tensor) -> Tensor:
        """Returns the embedding of each id, and of the n-grams that end with it: ``(B, T)`` to ``(B, T, width)``."""
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
        return x

    def _decoded(self, x: Tensor, start: int = 0, memory: Tensor | None = None) -> Tensor:
        """Returns the logits of embedded positions, of which ``start`` is the first: ``(B, T, V)``.

        With a memory, returns only those of the last position, ``(B, 1, V)``.
        """
        cos, sin = rotations(start, start + x.shape[1], self.config.head_size, x.device)
        x = normalized(self.dropout(x))
        for layer, block in enumerate(self.blocks):
            x = block(x, cos, sin, None if memory is None else memory[layer])
        if memory is not None:
            x = x[:, -1:]
        logits: Tensor = self.head(normalized(x)).float()
        return self.without_context_only(LOGIT_LIMIT * torch.tanh(logits / LOGIT_LIMIT))


def _hashed_as(config: GPTConfig, change: IdChange) -> tuple[int, ...]:
    """Returns the numbers that stand for the new ids in hashes: of symbols that are kept, those that they had."""
    before = np.array(config.hashed_as or range(config.vocab_size))
    numbers = np.empty(change.size, dtype=np.int64)
    numbers[change.ids[change.kept]] = before[change.kept]
    numbers[change.new] = before.max() + 1 + np.arange(len(change.new))
    return () if np.array_equal(numbers, np.arange(change.size)) else tuple(numbers.tolist())
