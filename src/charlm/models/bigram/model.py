"""The bigram model: each character depends only on the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from charlm.models.adapter import as_array, widened
from charlm.models.base import LanguageModel
from charlm.models.bigram.table import BigramTable
from charlm.runtime.seeding import seeded_generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import SupportsIndex

    from charlm.models.counting.texts import Tokens
    from charlm.models.predictor import CountModel
    from chartok import Vocabulary

WITHOUT_SIGN = (1 << 63) - 1
"""Turns a negative id, which as an index would count from the end, into one far out of range, in one fast pass."""


class BigramLanguageModel(LanguageModel):
    """A table of logits with one row per id: ``P(next | current) = softmax(table[current])[next]``.

    Args:
        vocab_size: The number of ids, V.
        seed: Initializes the table from a standard normal, as the notebook does: the same values as
            ``torch.nn.Embedding`` after ``torch.manual_seed(seed)``. None initializes it to zeros, so that every
            character is equally likely.
        context_only: The ids that occur only as context and are never predicted.

    Raises:
        TypeError: ``vocab_size`` or ``seed`` is not an integer.
        ValueError: ``vocab_size`` is below 1.

    Example:
        >>> model = BigramLanguageModel(65)
        >>> logits, loss = model(torch.tensor([[18, 47, 56]]), torch.tensor([[47, 56, 57]]))
        >>> logits.shape
        torch.Size([1, 3, 65])
        >>> round(loss.item(), 4)  # log(65)
        4.1744
    """

    family = "bigram"
    history: int | None = 1

    def __init__(self, vocab_size: int, *, seed: int | None = None, context_only: Iterable[SupportsIndex] = ()) -> None:
        super().__init__(vocab_size, context_only=context_only)
        self.table: nn.Parameter = nn.Parameter(torch.zeros(self.vocab_size, self.vocab_size))
        """Logits, ``(V, V)``: row for the current id, column for the next."""
        if seed is not None:
            nn.init.normal_(self.table, generator=seeded_generator(seed, self.device))

    @classmethod
    def of(cls, counted: CountModel) -> Self:
        """Returns a model with the table of a ``BigramTable``."""
        if not isinstance(counted, BigramTable):
            return super().of(counted)
        model = cls(counted.vocab_size, context_only=counted.context_only)
        with torch.no_grad():
            model.table.copy_(torch.from_numpy(counted.table.copy()))
        return model

    def settings(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"vocab_size": self.vocab_size, "context_only": list(self.context_only)}

    def fit(self, tokens: Tokens, *, smoothing: float = 1.0) -> Self:
        """Returns this model fitted by counting: the optimum that gradient descent approaches.

        The count of every pair is increased by ``smoothing`` (add-alpha), and each row is
        ``ln((count + alpha) / (sum of the row's counts + alpha V))``: without smoothing, the maximum-likelihood
        estimate. The row of an id that is never followed by another uses the frequencies of all ids instead.

        Args:
            tokens: The ids of one text (an array, a tensor, a ``TextDataset`` or an iterable of integers), or an
                iterable of texts, or a ``RecordDataset``; no pair spans two texts.
            smoothing: Alpha, 0 or more. With 0, a pair that never occurs gets a logit of minus infinity.

        Raises:
            TypeError: The ids are not integers, or ``smoothing`` is not a number.
            TokenIdError: An id is not in the vocabulary.
            ValueError: ``smoothing`` is negative, infinite or NaN; there are no ids, or a text is not
                one-dimensional.

        Example:
            >>> BigramLanguageModel(3).fit([0, 1, 0, 2, 0, 1], smoothing=0).table.exp()
            tensor([[0.0000, 0.6667, 0.3333],
                    [1.0000, 0.0000, 0.0000],
                    [1.0000, 0.0000, 0.0000]], grad_fn=<ExpBackward0>)
        """
        counted = BigramTable.fit(
            tokens, vocab_size=self.vocab_size, smoothing=smoothing, context_only=self.context_only
        )
        with torch.no_grad():
            self.table.copy_(torch.from_numpy(counted.table))
        return self

    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a model for another vocabulary; what ``BigramTable.resize`` says of new ids holds.

        Raises:
            TypeError: As for ``LanguageModel``.
            ValueError: Likewise.
        """
        table = BigramTable(
            vocab_size=self.vocab_size, context_only=self.context_only, table=as_array(self.table.detach())
        ).resize(vocabulary_before, vocabulary_after)
        model = self.of(table).train(self.training)
        model.table = nn.Parameter(torch.from_numpy(table.table).to(self.table), requires_grad=self.table.requires_grad)
        return model

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns the row of each id, in float32 or wider: ``(B, T)`` to ``(B, T, V)``."""
        return self.without_context_only(widened(nn.functional.embedding(inputs, self.table)))

    def step(self, ids: Tensor, state: None = None) -> tuple[Tensor, None]:
        """Returns the row of each id: ``(B,)`` to ``(B, V)``. There is no state.

        Raises:
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        try:  # a context manager would take a fifth of the time of a step
            return self.logits(ids), state
        except IndexError:
            self.check_ids(ids)
            raise

    @property
    def numbers_per_id(self) -> int:
        """About how many numbers ``log_probabilities`` holds at once for each id: none of its logits."""
        return 64

    def log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns ``(B, T)`` natural-log probabilities; the table is normalized only once.

        Raises:
            TokenIdError: An id is not in the vocabulary (as in ``forward``).
        """
        with self.naming_bad_ids(inputs, targets):
            return self.without_context_only(widened(self.table)).log_softmax(dim=-1)[
                inputs & WITHOUT_SIGN, targets & WITHOUT_SIGN
            ]

    def check_state(self, state: Mapping[str, Tensor]) -> None:
        """Checks that the table is one of this shape."""
        if "table" in state:
            try:
                BigramTable.from_arrays(self.settings(), {"table": as_array(state["table"])})
            except ValueError as error:
                raise ValueError(f"table is not valid for {self.settings()}: {error}") from None
