"""A small model with a little of everything that training must handle."""

from typing import Any

import torch
from torch import Tensor, nn

from charlm import LanguageModel


class TwoLayers(LanguageModel):
    """An embedding, a normalized hidden layer with a bias and dropout, and a layer that gives the logits."""

    family = "two-layers"

    def __init__(self, vocab_size: int = 7, width: int = 4, dropout: float = 0.0, seed: int = 0) -> None:
        super().__init__(vocab_size)
        self.width = width
        self.embedding = nn.Embedding(vocab_size, width)
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, vocab_size, bias=False)
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)

    def logits(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.hidden(self.norm(self.embedding(inputs))).relu()))
        return logits

    def settings(self) -> dict[str, Any]:
        return {"vocab_size": self.vocab_size, "width": self.width, "dropout": self.dropout.p}
