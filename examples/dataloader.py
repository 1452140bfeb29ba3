"""Trains your own module with a torch DataLoader: a TextDataset works wherever a map-style dataset does."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, RandomSampler

from charlm import TextDataset, python_docs
from chartok import Vocabulary


class GRULanguageModel(nn.Module):
    """Returns logits ``(B, T, V)`` for ids ``(B, T)``; it does not use the library."""

    def __init__(self, vocab_size: int, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, vocab_size)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden, _ = self.gru(self.embedding(inputs))
        logits: Tensor = self.head(hidden)
        return logits


def mean_loss(model: nn.Module, dataset: TextDataset) -> float:
    """Returns the mean loss over all targets of a dataset, in nats."""
    nats = 0.0
    for inputs, targets in DataLoader(dataset, batch_size=64):
        with torch.inference_mode():
            nats += cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="sum").item()
    return nats / (len(dataset) * dataset.block_size)


def main(steps: int = 60) -> tuple[float, float]:
    """Returns the loss on held-out text before and after training, in nats per character."""
    text = python_docs()[:200_000]
    vocabulary = Vocabulary.from_text(text)
    train, held_out = TextDataset(vocabulary.encode(text), block_size=32).split(0.9)
    side_by_side = TextDataset(held_out.stream, block_size=32, stride=32)  # no character is a target twice
    sampler = RandomSampler(train, replacement=True, num_samples=32 * steps, generator=torch.Generator().manual_seed(1))

    torch.manual_seed(1)
    model = GRULanguageModel(vocabulary.size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    before = mean_loss(model, side_by_side)
    for inputs, targets in DataLoader(train, batch_size=32, sampler=sampler):
        loss = cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return before, mean_loss(model, side_by_side)


if __name__ == "__main__":
    print("loss {:.3f} -> {:.3f} nats per character".format(*main(steps=1000)))
