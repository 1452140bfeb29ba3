"""``make bench-train TEXT=tinyshakespeare.txt``: how fast models learn, and how well, and what the README says of it.

Seconds are those of the training steps. Losses are exact: every character of the last tenth of the text is scored once.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch

from charlm import (
    GPT,
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    GPTConfig,
    LanguageModel,
    LogEntry,
    NGramLanguageModel,
    TextDataset,
    Trainer,
    TrainerConfig,
    evaluate,
    generate,
)
from charlm.recipes.mixture import fitted_mixture, split_for_tuning
from charlm.recipes.presets import BATCH_SIZE, RECIPES
from chartok import Vocabulary, read_text
from classic import ClassicTransformer
from environment import environment
from generating import plain_loop
from page import LEARNING, PAGE, page
from quotes import README, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")

TARGET = 1.886
"""The loss, in nats a character, that the classic recipe comes to in its 2,000 steps."""
CLASSIC = TrainerConfig(
    max_steps=2000,
    learning_rate=1e-3,
    schedule="cosine",
    warmup_steps=100,
    beta2=0.99,
    weight_decay=0.1,
    max_gradient_norm=1.0,
    evaluation_interval=100,
)
CLASSIC_BATCH_SIZE = 12
SPRINT_STEPS = 45
"""A run that is only to reach the target."""
COUNTS = 5
"""How often what counts is timed; the median is taken."""


class Show(Protocol):
    """Keeps and prints what was measured."""

    def __call__(self, name: str, **figures: float) -> None:
        """Takes what it is of, and the figures by what they are."""


def main(path: Path) -> None:
    """Measures, prints and writes."""
    text = read_text(path)
    vocabulary = Vocabulary.from_text(text, special_tokens=["unk"])
    train, validation = TextDataset(vocabulary.encode(text), block_size=64).split(0.9)
    results: dict[str, Any] = {"machine": environment()}
    print(*results["machine"].values(), sep=", ", end="\n\n")

    def show(name: str, **figures: float) -> None:
        results[name] = figures
        print(f"{name}: " + ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items()), flush=True)

    show("CharLM.fit", seconds=_median_seconds(lambda: CharLM.fit(path))[0])
    _counted(text, show)
    shape = GPTConfig.nano(vocabulary.size)
    sprint = replace(RECIPES["gpt"], max_steps=SPRINT_STEPS, evaluation_interval=5)
    ours = _reached(GPT(shape), BatchSampler(train, BATCH_SIZE, seed=1337), validation, sprint)
    show("GPT, to the target", **_of(ours))
    classic = ClassicTransformer(vocabulary.size)
    theirs = _reached(classic, BatchSampler(train, CLASSIC_BATCH_SIZE, seed=1337), validation, CLASSIC)
    show("classic Transformer, to the target", **_of(theirs))
    show("ratio", seconds=theirs.elapsed_seconds / ours.elapsed_seconds)

    gpt = GPT(shape)
    config = replace(RECIPES["gpt"], max_steps=None, max_seconds=60.0)
    trainer = Trainer(gpt, BatchSampler(train, BATCH_SIZE, seed=1337), config=config).fit()
    taken = trainer.log[-1].elapsed_seconds
    show("GPT, 60 s", steps=trainer.step, seconds=taken, loss=evaluate(gpt, validation).nats_per_character)
    for seconds in (60.0, 180.0):
        started = time.perf_counter()
        learned, _ = split_for_tuning(train, seed=1337)
        config = replace(RECIPES["mixture"], max_steps=None, max_seconds=seconds - 5)
        gpt = GPT(shape)
        trainer = Trainer(gpt, BatchSampler(learned, BATCH_SIZE, seed=1337), config=config).fit()
        mixture = fitted_mixture(gpt, 7, train, seed=1337)
        taken = time.perf_counter() - started
        show(
            f"mixture, {seconds:.0f} s",
            steps=trainer.step,
            seconds=taken,
            loss=evaluate(mixture, validation).nats_per_character,
        )
    _generation(show)
    LEARNING.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(quoted(README.read_text(encoding="utf-8")), encoding="utf-8")


def _counted(text: str, show: Show) -> None:
    """Measures the models that count, with the vocabulary that ``charlm train`` gives them."""
    vocabulary = Vocabulary.from_text(text, special_tokens=["bos", "unk"])
    train, validation = TextDataset(vocabulary.encode(text), block_size=64).split(0.9)
    seconds, bigram = _median_seconds(lambda: BigramLanguageModel(vocabulary.size).fit(train))
    show("bigram, counted", seconds=seconds, loss=evaluate(bigram, validation).nats_per_character)
    seconds, ngram = _median_seconds(lambda: NGramLanguageModel(vocabulary.size, order=7).fit(train))
    counts = {"n-grams": len(ngram.table), "seconds": seconds}
    show("n-gram, order 7", **counts, loss=evaluate(ngram, validation).nats_per_character)


def _median_seconds(function: Callable[[], Made]) -> tuple[float, Made]:
    """Returns what a call takes, and what it returns."""
    samples = []
    for _ in range(COUNTS):
        started = time.perf_counter()
        made = function()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples), made


def _reached(model: LanguageModel, batches: BatchSampler, validation: TextDataset, config: TrainerConfig) -> LogEntry:
    """Returns the log entry of the first evaluation at the target or below, or the last one."""

    class Reached(Exception):  # noqa: N818 - good news
        pass

    def look(entry: LogEntry) -> None:
        if entry.validation_loss is not None and entry.validation_loss <= TARGET:
            raise Reached

    trainer = Trainer(model, batches, validation=validation, config=config, on_log=look)
    with suppress(Reached):
        trainer.fit()
    return trainer.log[-1]


def _of(entry: LogEntry) -> dict[str, float]:
    return {"steps": entry.step, "seconds": entry.elapsed_seconds, "loss": entry.validation_loss or float("nan")}


def _generation(show: Show) -> None:
    """Times 500 characters after one, with the cache and with the whole context for each."""
    model = GPT(GPTConfig.base(65))
    started = time.perf_counter()
    generate(model, [0], max_new_tokens=500)
    cached = time.perf_counter() - started
    started = time.perf_counter()
    plain_loop(model, torch.tensor([[0]]), 500, block_size=256)
    plain = time.perf_counter() - started
    show("500 characters, GPT base", seconds=cached, uncached=plain, ratio=plain / cached)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
