"""The n-gram model: counts of what followed the last few characters, smoothed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from charlm.models.base import LanguageModel, check_prompt
from charlm.models.ngram.counts import NGramCounts, node_levels
from charlm.models.ngram.kneser_ney import estimate, pruned, suffix_nodes
from charlm.models.ngram.table import NGramTable
from chartok.arguments import positive_integer

if TYPE_CHECKING:
    from charlm.models.ngram.counts import Tokens

POSITIONS_AT_ONCE = 1 << 18
"""How many positions of a row are scored at a time."""
HIGHEST_ORDER = 1 << 10
"""Keeps a model file from asking for more levels of a tree than can be made in a moment."""


class NGramLanguageModel(LanguageModel):
    """Predicts each id from the ``order - 1`` ids before it, with interpolated modified Kneser-Ney smoothing.

    Chen and Goodman (1998), section 3; ``charlm.models.ngram.kneser_ney`` has the formulas. The discounts come from
    the data.
    Every id has a probability above zero after every context. The first ids of a text are predicted from the shorter
    context that there is.

    Nothing is trained by gradient descent: ``fit`` counts, and the state is in buffers, which move between devices and
    go through ``state_dict`` with the rest. Probabilities are float64, on Apple's GPUs float32;
    ``model.float()`` halves what they take.

    Args:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams, from 1 to 1024: one more than the ids of context.

    Raises:
        TypeError: ``vocab_size`` or ``order`` is not an integer.
        ValueError: One of them is below 1, or ``order`` above 1024.

    Example:
        >>> model = NGramLanguageModel(3, order=2).fit([0, 1, 2, 0, 1, 2, 0, 1])
        >>> logits, loss = model(torch.tensor([[2, 0]]))
        >>> logits.exp().round(decimals=3)
        tensor([[[0.6350, 0.1820, 0.1820],
                 [0.2080, 0.6460, 0.1460]]], dtype=torch.float64)
    """

    family = "ngram"

    def __init__(self, vocab_size: int, *, order: int) -> None:
        super().__init__(vocab_size)
        self.order = positive_integer("order", order)
        if self.order > HIGHEST_ORDER:
            raise ValueError(f"order must be at most {HIGHEST_ORDER}, got {order}")
        self.history = self.order - 1
        self.table = NGramTable(self.vocab_size, self.order)
        """What is known of each n-gram, as buffers; empty until ``fit``."""

    def settings(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"vocab_size": self.vocab_size, "order": self.order}

    def fit(self, tokens: Tokens | NGramCounts) -> Self:
        """Returns this model after learning from a text, or several, and from nothing else.

        Args:
            tokens: The ids of one text (an array, a tensor, a ``TextDataset`` or an iterable of integers), an iterable
                of texts, a ``RecordDataset``, or counts made of them. No n-gram spans two texts. Records that are given
                as ids need those of ``bos`` and ``eos``. A text shorter than ``order`` counts as far as it goes.

        Raises:
            TypeError: The ids are not integers.
            TokenIdError: An id is not one of the model's.
            ValueError: There is no id at all, or a text has more than one dimension; or the counts have another
                vocabulary size or order.

        Example:
            >>> model = NGramLanguageModel(3, order=3).fit([[0, 1, 2], [0, 1]])
            >>> model.table.counts.tolist()  # of 0, 1, 2, 01, 12, 012
            [2, 2, 1, 2, 1, 1]
        """
        counts = self._counted(tokens)
        if not len(counts.keys):
            raise ValueError("there is nothing to fit to: tokens holds no ids")
        suffixes = suffix_nodes(counts.keys, counts.levels, self.vocab_size)
        self.table.store(counts.keys, counts.counts, estimate(counts, suffixes), suffixes)
        return self

    def update(self, tokens: Tokens | NGramCounts) -> Self:
        """Returns this model after learning from more texts: what ``fit`` makes of the old and the new together.

        Args:
            tokens: As for ``fit``. They are new texts: no n-gram spans what was there before and them.

        Raises:
            ValueError: The model has been pruned, and its counts are gone; or as for ``fit``.
            TypeError: As for ``fit``.
            TokenIdError: As for ``fit``.

        Example:
            >>> model = NGramLanguageModel(3, order=2).fit([0, 1, 2]).update([0, 1])
            >>> torch.equal(model.table.counts, NGramLanguageModel(3, order=2).fit([[0, 1, 2], [0, 1]]).table.counts)
            True
        """
        return self.fit(self.table.ngram_counts().merge(self._counted(tokens)))

    def prune(self, min_count: int) -> Self:
        """Returns this model without the n-grams of two ids or more that occurred too rarely.

        Every distribution still sums to 1: a context gives what its lost n-grams had, and a little of that to all
        that it does not store. The counts go, and with them ``update``.

        Args:
            min_count: How often an n-gram must have occurred to stay; 1 keeps them all.

        Raises:
            TypeError: ``min_count`` is not an integer.
            ValueError: It is below 1; or the model has not been fitted, or been pruned before.

        Example:
            >>> model = NGramLanguageModel(3, order=2).fit([0, 1, 2, 0, 1, 0])
            >>> len(model.table), len(model.prune(2).table)
            (7, 4)
        """
        positive_integer("min_count", min_count)
        counts = self._fitted_table().ngram_counts()
        suffixes = suffix_nodes(counts.keys, counts.levels, self.vocab_size)
        keys, table = pruned(counts, suffixes, self.table.backoff_table(), min_count)
        levels = node_levels(keys, self.vocab_size, self.order)
        self.table.store(keys, counts.counts[:0], table, suffix_nodes(keys, levels, self.vocab_size))
        return self

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns the natural-log probabilities of all ids at each position, normalised.

        Args:
            inputs: Ids, int64 ``(B, T)``; each row starts a text.

        Returns:
            float64, ``(B, T, V)``.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not one of the model's.
        """
        return self.table.rows(self._contexts(inputs).flatten()).view(*inputs.shape, self.vocab_size)

    def context_lengths(self, inputs: Tensor) -> Tensor:
        """Returns how many ids the context that each position is predicted from has.

        That is the longest that the training texts hold, of ``order - 1`` ids at most.

        Args:
            inputs: Ids, int64 ``(B, T)``; each row starts a text.

        Returns:
            int64, ``(B, T)``.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not one of the model's.

        Example:
            >>> NGramLanguageModel(4, order=3).fit([0, 1, 2, 0, 1]).context_lengths(torch.tensor([[0, 1, 2, 2, 3]]))
            tensor([[1, 2, 2, 1, 0]])
        """
        return self.table.lengths(self._contexts(inputs))

    def step(self, ids: Tensor, state: list[int] | None = None) -> tuple[Tensor, list[int]]:
        """Returns the log-probabilities of what follows after one more id, and the contexts reached.

        The way goes through the tables on the CPU, one sequence after the other, and distributions met before are
        taken from a cache of 64 MiB; on another device the tables are copied to the CPU once.

        Args:
            ids: The newest id of each sequence, int64 ``(B,)``.
            state: What the previous call returned, a context for each sequence; None at the start.

        Returns:
            float64 ``(B, V)`` on the device of the ids, and the new state.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not one of the model's.
        """
        distributions = self._fitted_table().distributions()
        newest = ids.tolist()
        before = [0] * len(newest) if state is None else state
        if newest and not 0 <= min(newest) <= max(newest) < self.vocab_size:
            self.check_ids(ids)
        contexts = [distributions.following(*pair) for pair in zip(before, newest, strict=True)]
        rows = torch.from_numpy(distributions.rows(contexts))
        return rows if ids.is_cpu else rows.to(ids.device), contexts

    def start(self, inputs: Tensor) -> tuple[Tensor, list[int]]:
        """Returns the log-probabilities of what follows after these ids, and the contexts reached.

        Args:
            inputs: The ids of a prompt, int64 ``(B, T)``, T at least 1; the last ``order - 1`` are looked at.

        Returns:
            float64 ``(B, V)`` on the device of the ids, and the state to go on from with ``step``.

        Raises:
            ValueError: The model has not been fitted, there is no id, or the inputs have not two dimensions.
            TokenIdError: An id is not one of the model's.
        """
        check_prompt(inputs)
        self._check_range(inputs)
        return super().start(inputs[:, -max(self.order - 1, 1) :])

    def log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the natural logarithm of the probability of each target, without making the full logits.

        Args:
            inputs: Ids, int64 ``(B, T)``; each row starts a text.
            targets: The ids that follow, int64 ``(B, T)``.

        Returns:
            float64, ``(B, T)``, in nats.

        Raises:
            ValueError: The model has not been fitted.
            TokenIdError: An id is not one of the model's.
        """
        self._fitted_table()
        self._check_range(inputs)
        self._check_range(targets)
        pieces = []
        for start in range(0, max(inputs.shape[1], 1), POSITIONS_AT_ONCE):
            overlap = min(start, self.order)
            piece = slice(start - overlap, start + POSITIONS_AT_ONCE)
            pieces.append(self._score(inputs[:, piece], targets[:, piece])[:, overlap:])
        return torch.cat(pieces, dim=1)

    def _contexts(self, inputs: Tensor) -> Tensor:
        """Returns the node of the longest stored context that ends at each position."""
        table = self._fitted_table()
        self._check_range(inputs)
        contexts = torch.zeros_like(inputs)
        for nodes in table.ngrams(inputs, self.order - 1):
            contexts = torch.maximum(contexts, nodes)
        return contexts

    def _score(self, inputs: Tensor, targets: Tensor) -> Tensor:
        is_stream = torch.equal(inputs[:, 1:], targets[:, :-1])
        contexts, ngrams = self._longest_of_stream(inputs, targets) if is_stream else self._longest(inputs, targets)
        return self.table.scores(contexts.flatten(), ngrams.flatten()).view_as(targets)

    def _longest(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the nodes of the longest stored contexts, and those of the longest n-grams with the targets."""
        contexts = torch.zeros_like(inputs)
        ngrams = self.table.children_of(1, contexts.flatten(), targets.flatten())
        for order, nodes in enumerate(self.table.ngrams(inputs, self.order - 1), 2):
            contexts = torch.maximum(contexts, nodes)
            ngrams = torch.maximum(ngrams, self.table.children_of(order, nodes.flatten(), targets.flatten()))
        return contexts, ngrams

    def _longest_of_stream(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the same where the targets are the next inputs: an n-gram with a target is a context of the next."""
        stream = torch.cat([inputs[:, :1], targets], dim=1)
        contexts = ngrams = torch.zeros_like(stream)
        for nodes in self.table.ngrams(stream, self.order):
            contexts, ngrams = ngrams, torch.maximum(ngrams, nodes)
        return contexts[:, :-1], ngrams[:, 1:]

    def _counted(self, tokens: Tokens | NGramCounts) -> NGramCounts:
        if not isinstance(tokens, NGramCounts):
            return NGramCounts.from_tokens(tokens, vocab_size=self.vocab_size, order=self.order)
        if (tokens.vocab_size, tokens.order) != (self.vocab_size, self.order):
            raise ValueError(
                f"counts of vocab_size {tokens.vocab_size} and order {tokens.order} are not for a model of "
                f"vocab_size {self.vocab_size} and order {self.order}"
            )
        return tokens

    def _fitted_table(self) -> NGramTable:
        table = self.table
        if not len(table):
            raise ValueError("this NGramLanguageModel knows nothing yet: call fit first")
        return table

    def _check_range(self, ids: Tensor) -> None:
        if ids.numel():
            lowest, highest = ids.aminmax()
            if not 0 <= int(lowest) <= int(highest) < self.vocab_size:
                self.check_ids(ids)
