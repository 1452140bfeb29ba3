"""What the Transformers have in common: a block of context, a cache for one id at a time, and other vocabularies."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.activations import Activations, recorded
from charlm.models.adapter import widened
from charlm.models.base import LanguageModel, check_prompt
from charlm.models.cache import KeyValueCache
from charlm.models.context import ids_seen
from charlm.models.quantization import check_not_quantized
from charlm.models.resizing import IdChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from charlm.models.prior.rows import PriorFeatures
    from charlm.models.transformer_shape import TransformerShape
    from chartok import Vocabulary

LEAST_ROOM = 256
"""The smallest capacity of a new cache in ids, unless a block is shorter."""


class TransformerState(NamedTuple):
    """The state of ``step``: the ids in its context, int64 ``(B, T)``, and their keys and values."""

    history: Tensor
    cache: KeyValueCache


class TransformerLanguageModel(LanguageModel):
    """A Transformer decoder: embeddings of ids, layers of causal attention, and a head that gives the logits.

    A family implements ``_embedded``, ``_decoded`` and ``_resized``, and if it starts from counts ``_counted`` and
    ``_resized_prior``. Its layers are ``blocks``. Its table of embeddings is ``embedding``, and that of the head is
    ``head``, or the same if there is none.
    """

    config: TransformerShape
    blocks: nn.ModuleList

    def _counted(self, ids: Tensor, start: int = 0) -> PriorFeatures | None:  # noqa: ARG002
        """Returns what counts say of the positions from one on; None without a prior.

        Args:
            ids: The ids from the first position on, int64 ``(B, T)``.
            start: The position of the first one that is wanted.
        """
        return None

    @abstractmethod
    def _embedded(self, ids: Tensor, start: int = 0, counted: PriorFeatures | None = None) -> Tensor:
        """Returns the embeddings of the ids from a position on, ``(B, T - start, width)``.

        Args:
            ids: The ids from the first position on, int64 ``(B, T)``.
            start: The position of the first one that is wanted.
            counted: What ``_counted`` returned for the same.
        """

    @abstractmethod
    def _decoded(
        self,
        x: Tensor,
        start: int = 0,
        memory: Tensor | list[Tensor] | None = None,
        counted: PriorFeatures | None = None,
    ) -> Tensor:
        """Returns the logits of embedded positions, ``(B, T, V)``, float32.

        Args:
            x: What ``_embedded`` returned.
            start: The position of the first one.
            memory: That of a ``KeyValueCache``, or those of its layers, for as many ids as there are with these.
                Keys and values of these are written to it, and only the logits of the last position are returned,
                ``(B, 1, V)``.
            counted: What ``_counted`` returned for them.
        """

    @abstractmethod
    def _resized(self, change: IdChange) -> Self:
        """Returns a model of the same shape for another vocabulary, of which only the shape counts."""

    def _resized_prior(
        self,
        change: IdChange,  # noqa: ARG002 - for a family with a prior
        vocabulary_before: Vocabulary,  # noqa: ARG002
        vocabulary_after: Vocabulary,  # noqa: ARG002
    ) -> dict[str, Tensor]:
        """Returns the tensors of the prior for another vocabulary, and those that depend on it, by name."""
        return {}

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
        return self._logits(inputs, self._counted(inputs))

    def _logits(self, inputs: Tensor, counted: PriorFeatures | None) -> Tensor:
        if inputs.shape[1] > self.config.block_size:
            raise ValueError(f"inputs must be at most block_size {self.config.block_size} long, got {inputs.shape[1]}")
        return self._decoded(self._embedded(inputs, counted=counted), counted=counted)

    def activations(self, inputs: Tensor) -> Activations:
        """Returns what the layers compute on the way to the logits; the head gives those from the last hidden states.

        Args:
            inputs: Ids, int64 ``(B, T)``, T at most ``block_size``.

        Raises:
            ValueError: The inputs are longer.
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        with self.naming_bad_ids(inputs):
            return recorded(self.blocks, lambda: self.logits(inputs))

    @torch.no_grad()
    def step(self, ids: Tensor, state: TransformerState | None = None) -> tuple[Tensor, TransformerState]:
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
        with self.naming_bad_ids(ids):
            counted = self._counted(history, length - 1)
            x = self._embedded(history, length - 1, counted)
        logits = self._decoded(x, length - 1, state.cache.memory[..., :length, :], counted)
        state.cache.length = length
        return logits[:, -1], TransformerState(history, state.cache)

    @torch.no_grad()
    def start(self, inputs: Tensor) -> tuple[Tensor, TransformerState]:
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
            counted = self._counted(history)
            x = self._embedded(history, 0, counted)
        cache = KeyValueCache(x.new_empty(shape), length)
        logits = self._decoded(x, 0, cache.memory[..., :length, :], counted)
        return logits[:, -1], TransformerState(history, cache)

    @torch.no_grad()
    def select(self, states: Sequence[TransformerState], rows: Tensor) -> TransformerState:
        """Returns the state of some rows, whose keys and values are copied; see ``LanguageModel.select``."""
        history = torch.cat([state.history for state in states])
        if len(states) == 1 and torch.equal(rows, torch.arange(len(history), device=rows.device)):
            return states[0]
        length, memory = history.shape[1], states[0].cache.memory
        room = min(max(2 * length, LEAST_ROOM), self.config.block_size)
        chosen = memory.new_empty((*memory.shape[:2], len(rows), memory.shape[3], room, memory.shape[5]))
        filled = torch.cat([state.cache.memory[..., :length, :] for state in states], dim=2)
        chosen[..., :length, :] = filled.index_select(2, rows)
        return TransformerState(history.index_select(0, rows), KeyValueCache(chosen, length))

    def continued(
        self, inputs: Tensor, past_ids: Tensor, past: list[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Returns the logits after more ids, and the keys and values of all so far.

        Like ``step``, but the caller keeps what it returns, and starts anew after ``block_size`` ids. It is for
        programs that an exporter makes of this model: arguments stay as they are, and lengths may be symbols.

        Args:
            inputs: The newest ids, int64 ``(B, T)``.
            past_ids: Those before, int64 ``(B, P)``; P may be 0.
            past: The keys and values of those before in each layer, ``(B, H, P, head_size)`` each.

        Returns:
            float32 ``(B, 1, V)``, and keys and values, ``(B, H, P + T, head_size)`` each.
        """
        start, room = past_ids.shape[1], (0, 0, 0, inputs.shape[1])
        ids = torch.cat([past_ids, inputs], dim=1)
        counted = self._counted(ids)
        x = self._embedded(ids, 0, counted)[:, start:]
        memory = [functional.pad(torch.stack(layer), room) for layer in past]
        logits = self._decoded(x, start, memory, counted)
        return logits, [(layer[0], layer[1]) for layer in memory]

    @torch.no_grad()
    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a model for another vocabulary, which shares no memory with this one.

        The embedding of a new id is the mean of the embeddings, and its row of the head the mean of the rows of what
        can be predicted: its logit is about the mean of the logits, so that it is no more likely than the average, and
        the probabilities of the others all shrink by the same small factor (Hewitt, 2021). If the head is the table of
        embeddings, the row of the head counts.

        Raises:
            TypeError: As for ``LanguageModel``.
            ValueError: Likewise; or the weights are quantized.
        """
        check_not_quantized(self, "resized")
        change = IdChange.between(
            vocabulary_before, vocabulary_after, vocab_size=self.vocab_size, context_only=self.context_only
        )
        kept, outcomes = torch.from_numpy(change.kept), torch.from_numpy(change.outcomes)
        tensors = {name: weights.detach().clone() for name, weights in self.named_parameters()}
        by_id = {"embedding.weight": kept, "head.weight": outcomes}
        if "head.weight" not in tensors:
            by_id = {"embedding.weight": outcomes}
        for name, averaged in by_id.items():
            before = tensors[name]
            rows = widened(before)[averaged.to(before.device)].mean(dim=0).repeat(change.size, 1).to(before.dtype)
            rows[torch.from_numpy(change.ids[change.kept]).to(rows.device)] = before[kept.to(rows.device)]
            tensors[name] = rows
        tensors |= self._resized_prior(change, vocabulary_before, vocabulary_after)
        with torch.device("meta"):
            model = self._resized(change)
        model.load_state_dict(tensors, assign=True)
        for own, new in zip(self.parameters(), model.parameters(), strict=True):
            new.requires_grad_(own.requires_grad)
        return model.train(self.training)
