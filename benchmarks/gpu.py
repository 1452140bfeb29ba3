"""Learning on a GPU: ``PYTHONPATH=src python benchmarks/gpu.py tinyshakespeare.txt``.

Compares the ``base`` Transformer, which starts from counts, with a classic one of the same size in the same run:
seconds to a loss of 1.4697 nats per character, the best loss, characters per second, and the fraction of the
processor's bfloat16 peak. It needs only torch, NumPy and safetensors. Seconds are those of training; counting comes
before it, and its time is printed too.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch

from charlm import (
    GPT,
    BatchSampler,
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    LanguageModel,
    LogEntry,
    TextDataset,
    Trainer,
    TrainerConfig,
)
from charlm.models.ngram.table import NGramTable
from charlm.recipes.by_size import WARMUP_STEPS
from charlm.recipes.presets import CONFIGS
from charlm.recipes.prior import ORDER
from chartok import Vocabulary, read_text

TARGET = 1.4697
"""The loss that the README of nanoGPT reports for its recipe, estimated on random windows."""
BATCH_SIZE = 64
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Multiplications and additions per second in bfloat16, without sparsity, according to the manufacturer."""


def main() -> None:
    """Runs the measurements and prints the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("text", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--dropout", type=float, default=0.2)
    arguments = parser.parse_args()
    vocabulary = Vocabulary.from_text(text := read_text(arguments.text), special_tokens=["unk"])
    shape = replace(GPTConfig.base(vocabulary.size), dropout=arguments.dropout)
    train, validation = TextDataset(vocabulary.encode(text), shape.block_size).split(0.9)

    def learn(name: str, model: LanguageModel, config: TrainerConfig) -> None:
        batches = BatchSampler(train, BATCH_SIZE, seed=1337, device=arguments.device)
        model = model.to(batches.device)
        shared = {"max_steps": None, "max_seconds": arguments.seconds, "evaluation_interval": 50, "log_interval": 50}
        config = replace(config, **shared, compile=arguments.compile)
        report(name, model, Trainer(model, batches, validation=validation, config=config).fit().log)

    started = time.perf_counter()
    prior = NGramTable.fit(train, vocab_size=vocabulary.size, order=ORDER, smoothing="tuned").to_ship()
    print(f"counted in {time.perf_counter() - started:.1f} s")
    from_counts = GPT(replace(shape, hash_rows=0), prior=prior)
    learn("GPT", from_counts, replace(CONFIGS["gpt"], warmup_steps=WARMUP_STEPS))
    classic = ClassicGPT(replace(ClassicGPTConfig.base(vocabulary.size), dropout=arguments.dropout))
    settings = TrainerConfig(
        learning_rate=1e-3, schedule="cosine", warmup_steps=100, beta2=0.99, weight_decay=0.1, max_gradient_norm=1.0
    )
    learn("classic Transformer", classic, settings)


def report(name: str, model: LanguageModel, records: list[LogEntry]) -> None:
    """Prints the result of a run."""
    losses = [(entry.elapsed_seconds, entry.validation_loss) for entry in records if entry.validation_loss]
    reached = next((seconds for seconds, loss in losses if loss <= TARGET), None)
    speed = sorted(entry.characters_per_second for entry in records)[len(records) // 2]
    print(
        f"{name}: {records[-1].step} steps, best {min(loss for _, loss in losses):.4f} nats, {speed:,.0f} characters/s"
    )
    print(f"  to {TARGET}: " + ("not reached" if reached is None else f"{reached:.1f} s"))
    processor = torch.cuda.get_device_name() if model.device.type == "cuda" else ""
    peak = next((value for key, value in PEAKS.items() if key in processor), None)
    if peak is not None:
        print(f"  {6 * multiplied(model) * speed / peak:.1%} of the peak in bfloat16")


def multiplied(model: LanguageModel) -> int:
    """Returns the number of weights that each character is multiplied with; tables are looked up and do not count."""
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    return sum(layer.weight.numel() for layer in layers)


if __name__ == "__main__":
    main()
