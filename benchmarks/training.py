"""The overhead of the Trainer over a bare loop with the same model, batches and optimizer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    ClassicGPT,
    ClassicGPTConfig,
    LanguageModel,
    TextDataset,
    Trainer,
    TrainerConfig,
)
from comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable

VOCAB_SIZE = 65
IDS = np.random.default_rng(0).integers(0, VOCAB_SIZE, 1_000_000).astype(np.uint8)


def comparisons() -> list[Comparison]:
    """Returns the comparisons: a bigram and a small Transformer, in batches of 32 windows of 64 characters."""
    return [
        _against_bare_loop("bigram", partial(BigramLanguageModel, VOCAB_SIZE), steps=500, target=1 / 1.25),
        _against_bare_loop(
            "Transformer, 0.8 million weights",
            partial(ClassicGPT, ClassicGPTConfig.nano(VOCAB_SIZE)),
            steps=10,
            target=1 / 1.05,
        ),
    ]


def _against_bare_loop(name: str, make: Callable[[], LanguageModel], *, steps: int, target: float) -> Comparison:
    dataset = TextDataset(IDS, block_size=64)

    def ours() -> None:
        config = TrainerConfig(max_steps=steps, learning_rate=1e-3, schedule="constant")
        Trainer(make(), BatchSampler(dataset, batch_size=32), config=config).fit()

    def bare_loop() -> None:
        model, batches = make(), BatchSampler(dataset, batch_size=32)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0, fused=True)
        for step in range(steps):
            inputs, targets = next(batches)
            _, loss = model(inputs, targets)
            assert loss is not None  # noqa: S101 - there are targets
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if (step + 1) % 100 == 0:
                loss.item()

    return Comparison(
        name=f"{steps} steps of the Trainer: {name}", ours=ours, rival_name="bare loop", rival=bare_loop, target=target
    )
