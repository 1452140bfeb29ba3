"""The bigram model: each character depends on the one before it and on nothing else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from charlm.models.base import LanguageModel


class BigramLanguageModel(LanguageModel):
    """A table of logits with one row for each id: ``P(next | current) = softmax(table[current])[next]``.

    Args:
        vocab_size: The number of ids, V.
        seed: Draws the table from a standard normal, as the notebook does: the same values as
            ``torch.nn.Embedding`` after ``torch.manual_seed(seed)``. None starts from zeros, where every
            character is equally likely.

    Raises:
        ValueError: ``vocab_size`` is below 1.

    Example:
        >>> model = BigramLanguageModel(65)
        >>> logits, loss = model(torch.tensor([[18, 47, 56]]), torch.tensor([[47, 56, 57]]))
        >>> logits.shape
        torch.Size([1, 3, 65])
        >>> round(loss.item(), 4)  # log(65)
        4.1744
    """

    kind = "bigram"

    def __init__(self, vocab_size: int, *, seed: int | None = None) -> None:
        super().__init__(vocab_size)
        self.table = nn.Parameter(torch.zeros(self.vocab_size, self.vocab_size))
        """Logits, ``(V, V)``: row for the current id, column for the next."""
        if seed is not None:
            nn.init.normal_(self.table, generator=torch.Generator(self.device).manual_seed(seed))

    def settings(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"vocab_size": self.vocab_size}

    def logits(self, inputs: Tensor) -> Tensor:
        """Returns the row of each id: ``(B, T)`` to ``(B, T, V)``."""
        return nn.functional.embedding(inputs, self.table)

    def step(self, ids: Tensor, state: None = None) -> tuple[Tensor, None]:
        """Returns the row of each id: ``(B,)`` to ``(B, V)``. There is nothing else to remember."""
        return self.logits(ids), state

    def log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Returns ``(B, T)`` natural logarithms, read from the table normalised once."""
        return self.table.log_softmax(dim=-1)[inputs, targets]
