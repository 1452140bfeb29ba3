"""A Transformer that predicts characters: the decoder of Vaswani et al. (2017), from the embedding to the logits.

What differs from that paper, and where it comes from:

- positions turn queries and keys instead of being added to the input (RoPE: Su et al., 2021);
- what enters a layer is divided by its root mean square (Zhang and Sennrich, 2019), without weights, and so are the
  embeddings before the first (as a layer norm in BLOOM: Le Scao et al., 2022);
- queries and keys are normalised too (Henry et al., 2020);
- the activation is the square of the ReLU (Primer: So et al., 2021);
- the last matrix of each attention and MLP starts at zero, so that a new layer adds nothing (Zhang et al., 2019);
- logits stay between -15 and 15 by a tanh (Gemma 2: Gemma Team, 2024);
- the last two, three and four characters have embeddings as well, in hashed tables (Pagnoni et al., 2024);
- there are no biases (PaLM: Chowdhery et al., 2022), and the head has a matrix of its own.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.base import LanguageModel, check_prompt
from charlm.models.gpt.cache import KeyValueCache
from charlm.models.gpt.config import GPTConfig
from charlm.models.parameter_groups import ParameterGroups
from charlm.runtime.seeding import seeded_generator

LONGEST_HASHED = 4
"""The longest n-grams that have embeddings."""
HASH_MULTIPLIER, HASH_MODULUS = 1_000_003, 2**31 - 1
"""Of a polynomial hash (Karp and Rabin, 1987); products stay below 2**63."""
ROTARY_BASE = 10_000.0
LOGIT_LIMIT = 15.0
LEAST_ROOM = 256
"""For how many ids a new cache has room, where a block is not shorter."""


class Linear(nn.Linear):
    """A matrix and no biases. ``GPT.initialize`` draws its values; here the global generator would."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False)

    def reset_parameters(self) -> None:
        """Leaves the values open."""


class Embedding(nn.Embedding):
    """A table with a row for each id, whose values ``GPT.initialize`` draws as well."""

    def reset_parameters(self) -> None:
        """Leaves the values open."""


class HashedEmbedding(Embedding):
    """A table whose rows n-grams share as their hashes fall."""


def normalized(x: Tensor) -> Tensor:
    """Returns ``x / sqrt(mean(x^2))`` over the last dimension."""
    return functional.rms_norm(x, x.shape[-1:])


def rotations(start: int, stop: int, head_size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns by what cosines and sines the positions turn each value of a head, both ``(T, head_size)``.

    Position p turns the point of values i and ``i + head_size / 2`` by the angle ``p / 10000^(2i / head_size)``, so
    that the product of a query and a key depends on how far apart they stand. It takes microseconds and is done anew
    each time: no table can be stale.
    """
    frequencies = ROTARY_BASE ** (torch.arange(0, head_size, 2, device=device) / -head_size)
    angles = torch.outer(torch.arange(start, stop, device=device), frequencies)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Returns queries or keys, ``(..., T, head_size)``, turned as ``rotations`` says."""
    other_half = x.roll(x.shape[-1] // 2, dims=-1)
    return torch.addcmul(x * cos, other_half, sin).type_as(x)


class Attention(nn.Module):
    """Each position gathers values from those up to itself: ``softmax(Q K^T / sqrt(head_size)) V`` in each head."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads: tuple[int, int] = config.n_heads, config.head_size
        self.query: Linear = Linear(config.width, config.width)
        self.key: Linear = Linear(config.width, config.width)
        self.value: Linear = Linear(config.width, config.width)
        self.project: Linear = Linear(config.width, config.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, memory: Tensor | None = None) -> Tensor:
        """Returns what is added to the positions, ``(B, T, width)``.

        Args:
            x: The positions, ``(B, T, width)``.
            cos: What ``rotations`` returns for them.
            sin: Likewise.
            memory: Keys and values, ``(2, B, H, S, head_size)``; those of the last T of S positions are put in here.
        """
        queries_and_keys = self._heads(torch.stack([self.query(x), self.key(x)]))
        query, key = rotated(normalized(queries_and_keys), cos, sin)
        value = self._heads(self.value(x))
        length = x.shape[1]
        if memory is not None:
            memory[:, :, :, -length:] = torch.stack([key, value])
            key, value = memory.unbind()
        # Several positions begin the memory, where there is one; a single one may look at all that is there.
        is_causal = memory is None or length > 1
        gathered = functional.scaled_dot_product_attention(query, key, value, is_causal=is_causal)
        projected: Tensor = self.project(gathered.transpose(1, 2).flatten(2))
        return projected

    def _heads(self, x: Tensor) -> Tensor:
        """Returns ``(..., T, width)`` as ``(..., H, T, head_size)``."""
        return x.view(*x.shape[:-1], *self.heads).transpose(-3, -2)


class MLP(nn.Module):
    """Each position by itself: ``project(relu(expand(x))^2)``, four times as wide in between."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.expand: Linear = Linear(config.width, 4 * config.width)
        self.project: Linear = Linear(4 * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns what is added to the positions, ``(B, T, width)``."""
        projected: Tensor = self.project(functional.relu(self.expand(x)).square())
        return projected


class Block(nn.Module):
    """A layer: attention, through which positions exchange values, then the MLP; both add to what is there."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention: Attention = Attention(config)
        self.mlp: MLP = MLP(config)
        self.dropout: nn.Dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, memory: Tensor | None = None) -> Tensor:
        """Returns the positions after this layer, ``(B, T, width)``; for the arguments see ``Attention``."""
        x = x + self.dropout(self.attention(normalized(x), cos, sin, memory))
        x = x + self.dropout(self.mlp(normalized(x)))
        return x  # noqa: RET504 - each line a sublayer


class GPTState(NamedTuple):
    """What ``step`` hands on: the ids that it looks at, int64 ``(B, T)``, and their keys and values."""

    history: Tensor
    cache: KeyValueCache


class GPT(LanguageModel):
    """A Transformer decoder over characters.

    Logits are float32, whatever the weights are. Dropout, where there is any, draws from PyTorch's global generator.

    Args:
        config: Its shape.
        seed: Decides the first weights, which are the same on every device.

    Raises:
        TypeError: ``config`` is not a ``GPTConfig``, or ``seed`` not an integer.

    Example:
        >>> model = GPT(GPTConfig(vocab_size=65, block_size=8, n_layers=2, n_heads=2, width=16))
        >>> logits, loss = model(torch.tensor([[18, 47, 56]]), torch.tensor([[47, 56, 57]]))
        >>> logits.shape
        torch.Size([1, 3, 65])
        >>> round(loss.item(), 2)  # log(65): to a new model all characters are equally likely
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
        self.dropout: nn.Dropout = nn.Dropout(config.dropout)
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
        return asdict(self.config) | {"context_only": list(self.context_only)}

    def parameter_groups(self) -> ParameterGroups:
        """Returns the matrices of all blocks as hidden ones, the head as one that decays, and the hashed tables.

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
        """Returns this model with new weights; what one made on the meta device needs after ``to_empty``.

        Those of n-grams start at zero, so that one that training never meets adds nothing; those of characters are
        small, so that what training adds soon counts beside them. The head is smaller still: at first no character is
        likelier than another. The last matrices of attention and MLP start at zero, the others with a standard
        deviation of ``1 / sqrt(width)``.

        Args:
            seed: Decides them all.

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

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns the logits of what follows each position.

        Args:
            inputs: Ids, int64 ``(B, T)``, T at most ``block_size``.

        Returns:
            float32, ``(B, T, V)``.

        Raises:
            ValueError: The inputs are longer than that.
        """
        if inputs.shape[1] > self.config.block_size:
            raise ValueError(f"inputs of {inputs.shape[1]} ids are longer than the block_size {self.config.block_size}")
        return self._decoded(self._embedded(inputs))

    @torch.no_grad()
    def step(self, ids: Tensor, state: GPTState | None = None) -> tuple[Tensor, GPTState]:
        """Returns the logits of what follows after one more id, and the state to hand in with the next.

        The keys and values of the ids before are kept, so that a step passes one id through the layers. Where they
        number ``block_size``, the older half is dropped and the rest is passed through once more: from there on the
        logits are those of ``logits`` for the last half block to block of ids.

        States are values: each can be used again, also where another sequence has gone on from it. The newest is
        extended in place; to go on from an older one passes its ids through once more.

        Args:
            ids: The newest id of each sequence, int64 ``(B,)``.
            state: What an earlier call returned; None at the start.

        Returns:
            float32 ``(B, V)``, without a gradient, and the new state.

        Raises:
            TokenIdError: An id is not one of the model's (as in ``forward``).
        """
        if state is None:
            return self.start(ids[:, None])
        history = torch.cat([state.history, ids[:, None]], dim=1)
        length = history.shape[1]
        if length > self.config.block_size or not state.cache.takes(length):
            return self.start(history)
        # The hashed embedding of the new id needs those just before it.
        with self.naming_bad_ids(ids):
            x = self._embedded(history[:, -LONGEST_HASHED:])[:, -1:]
        logits = self._decoded(x, length - 1, state.cache.memory[..., :length, :])
        state.cache.length = length
        return logits[:, -1], GPTState(history, state.cache)

    @torch.no_grad()
    def start(self, inputs: Tensor) -> tuple[Tensor, GPTState]:
        """Returns the logits of what follows after these ids, which pass through the layers side by side.

        Of more than ``block_size`` ids it looks at as many as stepping through them would leave: the last half block
        to block.

        Args:
            inputs: The ids of a prompt, int64 ``(B, T)``, T at least 1.

        Returns:
            float32 ``(B, V)``, without a gradient, and the state to go on from with ``step``.

        Raises:
            ValueError: There is no id, or the inputs have not two dimensions.
            TokenIdError: An id is not one of the model's (as in ``forward``).
        """
        check_prompt(inputs)
        block_size, half = self.config.block_size, self.config.block_size // 2
        beyond = inputs.shape[1] - block_size
        history = inputs if beyond <= 0 else inputs[:, -(half + 1 + (beyond - 1) % (block_size - half)) :]
        length = history.shape[1]
        room = min(max(2 * length, LEAST_ROOM), block_size)
        shape = (self.config.n_layers, 2, len(history), self.config.n_heads, room, self.config.head_size)
        cache = KeyValueCache(self.head.weight.new_empty(shape), length)
        with self.naming_bad_ids(inputs):
            x = self._embedded(history)
        logits = self._decoded(x, 0, cache.memory[..., :length, :])
        return logits[:, -1], GPTState(history, cache)

    def _embedded(self, ids: Tensor) -> Tensor:
        """Returns the embedding of each id, and of the n-grams that end with it: ``(B, T)`` to ``(B, T, width)``."""
        x: Tensor = self.embedding(ids)
        hashes = ids
        for age, embedding in enumerate(self.ngram_embeddings, start=1):
            # Before the start stands the id that no character has.
            before = functional.pad(ids, (age, 0), value=self.vocab_size)[:, : ids.shape[1]]
            hashes = (hashes * HASH_MULTIPLIER + before) % HASH_MODULUS
            x = x + embedding(hashes % self.config.hash_rows)
        return x

    def _decoded(self, x: Tensor, start: int = 0, memory: Tensor | None = None) -> Tensor:
        """Returns the logits of embedded positions, the first of them ``start``: ``(B, T, V)``.

        With a memory they are those of the last position alone, ``(B, 1, V)``.
        """
        cos, sin = rotations(start, start + x.shape[1], self.config.head_size, x.device)
        x = normalized(self.dropout(x))
        for layer, block in enumerate(self.blocks):
            x = block(x, cos, sin, None if memory is None else memory[layer])
        if memory is not None:
            x = x[:, -1:]
        logits: Tensor = self.head(normalized(x)).float()
        return self.without_context_only(LOGIT_LIMIT * torch.tanh(logits / LOGIT_LIMIT))
