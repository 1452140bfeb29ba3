"""``make bench-train``: how fast and how well models learn; updates the docs.

Seconds are those of everything from the text to the evaluated model. Losses are exact: every character of the last
tenth of the text is scored once.
"""

from __future__ import annotations

import json
import statistics
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch

from charlm import (
    GPT,
    BatchSampler,
    CharLM,
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    LogEntry,
    Trainer,
    TrainerConfig,
    evaluate,
    generate,
)
from charlm.models.ngram.table import NGramTable
from charlm.recipes.corpus import Corpus
from charlm.recipes.dataset import dataset_of
from charlm.recipes.events import EntryMade, TrainingEnded
from charlm.recipes.presets import CONFIGS, Recipe
from charlm.recipes.sources import ROLES_OF_TEXT
from charlm.recipes.train import train
from chartok import read_text
from corpora import names, texts_to_compare_on
from environment import environment
from generating import plain_loop
from page import LEARNING, PAGE, TARGET, page
from quotes import QUOTING, quoted
from texts import tiny_shakespeare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from charlm.recipes.events import Event, Hook
    from charlm.recipes.presets import Family

Made = TypeVar("Made")

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
CLASSIC_BLOCK_SIZE = 64
SPRINT_STEPS = 45
"""The length of a run that only needs to reach the target."""
LONGER = 700
"""The steps of a run that is twice as long, with a little dropout."""
SEEDS = (1337, 1, 2)
COUNTS = 5
"""How often the fit of a count model is timed; the median is used."""


def _recipe(family: Family, **settings: Any) -> Recipe:  # noqa: ANN401 - settings of a recipe
    return Recipe(family=family, size="nano", device="cpu", **settings)


def _longer(family: Family) -> Recipe:
    return _recipe(family, dropout=0.1, config=replace(CONFIGS[family], max_steps=LONGER))


TRANSFORMERS = {
    "GPT": _recipe("gpt"),
    "mixture": _recipe("mixture"),
}
"""With the default settings of the command line."""
LONGER_RUNS = {
    f"GPT, {LONGER} steps, dropout 0.1": _longer("gpt"),
    f"mixture, {LONGER} steps, dropout 0.1": _longer("mixture"),
}
"""With what is said, and the default settings otherwise."""


class Show(Protocol):
    """Stores and prints measurements."""

    def __call__(self, name: str, **figures: float) -> None:
        """Takes the name of a measurement, and its figures by name."""


def main() -> None:
    """Runs the measurements, prints the results and writes them to files."""
    path = tiny_shakespeare()
    text = read_text(path)
    results: dict[str, Any] = {"machine": environment()}
    print(*results["machine"].values(), sep=", ", end="\n\n")

    def show(name: str, **figures: float) -> None:
        results[name] = figures
        print(f"{name}: " + ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items()), flush=True)

    show("CharLM.fit", seconds=_median_seconds(lambda: CharLM.fit(path))[0])
    _counted(text, show)
    _to_the_target(text, show)
    _trained("GPT without counts", _recipe("gpt", prior=False), _parts(text), show, seeds=SEEDS[:1])
    for name, recipe in TRANSFORMERS.items():
        _trained(name, recipe, _parts(text), show, seeds=SEEDS)
    for name, recipe in LONGER_RUNS.items():
        _trained(name, recipe, _parts(text), show, seeds=SEEDS[:1])
    _generation(show)
    results["texts"] = {name: _on(parts) for name, parts in _other_texts().items()}
    LEARNING.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    QUOTING.write_text(quoted(QUOTING.read_text(encoding="utf-8")), encoding="utf-8")


def _other_texts() -> dict[str, tuple[Corpus, Corpus]]:
    """Returns the training and evaluation splits of other texts, by name."""
    texts = texts_to_compare_on()
    others = {name: _parts(texts[name]) for name in ("Python's documentation", "Russian sayings")}
    return {"names": Corpus.of_records(names()).split(0.9), **others}


def _on(parts: tuple[Corpus, Corpus]) -> dict[str, dict[str, float]]:
    """Returns what the n-gram model and the Transformers come to on a text with their default settings."""
    found: dict[str, dict[str, float]] = {}

    def note(name: str, **figures: float) -> None:
        found[name] = figures
        print(f"  {name}: " + ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items()), flush=True)

    started = time.perf_counter()
    ngram = train(parts[0], Recipe(family="ngram")).model
    seconds = time.perf_counter() - started
    note("n-gram", seconds=seconds, loss=evaluate(ngram, parts[1]).nats_per_character)
    for name in ("GPT", "mixture"):
        _trained(name, TRANSFORMERS[name], parts, note, seeds=SEEDS[:1])
    return found


def _parts(text: str) -> tuple[Corpus, Corpus]:
    """Returns the training and evaluation splits as in ``charlm train``."""
    return Corpus.of_text(text, ROLES_OF_TEXT).split(0.9)


def _counted(text: str, show: Show) -> None:
    """Measures the count models."""
    for name, recipe in (
        ("bigram, counted", Recipe(family="bigram")),
        ("n-gram, Kneser-Ney", Recipe(family="ngram", order=7, smoothing="kneser-ney")),
        ("n-gram", Recipe(family="ngram")),
    ):
        learned, held_out = _parts(text)
        seconds, trained = _median_seconds(partial(train, learned, recipe))
        model = trained.model
        counts = {"n-grams": len(model), "order": model.order} if isinstance(model, NGramTable) else {}
        show(name, **counts, seconds=seconds, loss=evaluate(model, held_out).nats_per_character)


def _trained(name: str, recipe: Recipe, parts: tuple[Corpus, Corpus], show: Show, *, seeds: Sequence[int]) -> None:
    """Measures the loss that a recipe reaches and the time that it takes, all included, with each of some seeds."""
    learned, held_out = parts
    steps: list[float] = []
    seconds: list[float] = []
    losses: list[float] = []
    assert recipe.config is not None  # noqa: S101 - it is trained
    for seed in seeds:
        ended: list[TrainingEnded] = []

        def note(event: Event, ended: list[TrainingEnded] = ended) -> None:
            if isinstance(event, TrainingEnded):
                ended.append(event)

        own = replace(recipe, config=replace(recipe.config, seed=seed))
        started = time.perf_counter()
        trained = train(learned, own, validation=held_out, hook=note)
        seconds.append(time.perf_counter() - started)
        assert trained.validation_nats is not None  # noqa: S101 - there is validation data
        assert ended[0].entry is not None  # noqa: S101 - there is one process
        steps.append(ended[0].entry.step)
        losses.append(trained.validation_nats)
    medians = {"steps": steps, "seconds": seconds, "loss": losses}
    spread = {"lowest": min(losses), "highest": max(losses)} if len(losses) > 1 else {}
    show(name, **{figure: statistics.median(values) for figure, values in medians.items()}, **spread)


def _to_the_target(text: str, show: Show) -> None:
    """Measures how long the Transformer's recipe takes to reach the loss of the classic one."""
    learned, held_out = _parts(text)
    sprint = _recipe("gpt", prior=False, config=replace(CONFIGS["gpt"], max_steps=SPRINT_STEPS, evaluation_interval=5))
    ours = _until_reached(lambda look: train(learned, sprint, validation=held_out, hook=_of_events(look)))
    show("GPT without counts, to the target", **_of(ours))
    classic = ClassicGPT(ClassicGPTConfig.nano(learned.vocabulary.size))
    batches = BatchSampler(dataset_of(learned, CLASSIC_BLOCK_SIZE), CLASSIC_BATCH_SIZE, seed=1337)
    validation = dataset_of(held_out, CLASSIC_BLOCK_SIZE)
    theirs = _until_reached(
        lambda look: Trainer(classic, batches, validation=validation, config=CLASSIC, on_log=look).fit()
    )
    show("classic Transformer, to the target", **_of(theirs))
    show("ratio", seconds=theirs.elapsed_seconds / ours.elapsed_seconds)


def _of_events(look: Callable[[LogEntry], None]) -> Hook:
    """Returns a hook that passes on the log entries."""

    def hook(event: Event) -> None:
        if isinstance(event, EntryMade):
            look(event.entry)

    return hook


def _median_seconds(function: Callable[[], Made]) -> tuple[float, Made]:
    """Returns the median duration of a call, and its result."""
    samples = []
    for _ in range(COUNTS):
        started = time.perf_counter()
        made = function()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples), made


def _until_reached(run: Callable[[Callable[[LogEntry], None]], object]) -> LogEntry:
    """Returns the log entry of the first evaluation at or below the target, or otherwise the last entry.

    Args:
        run: Trains, and passes each entry to its argument.
    """

    class Reached(Exception):  # noqa: N818 - good news
        pass

    entries: list[LogEntry] = []

    def look(entry: LogEntry) -> None:
        entries.append(entry)
        if entry.validation_loss is not None and entry.validation_loss <= TARGET:
            raise Reached

    with suppress(Reached):
        run(look)
    return entries[-1]


def _of(entry: LogEntry) -> dict[str, float]:
    return {"steps": entry.step, "seconds": entry.elapsed_seconds, "loss": entry.validation_loss or float("nan")}


def _generation(show: Show) -> None:
    """Times the generation of 500 characters, with the cache and with the whole context for each character."""
    model = GPT(GPTConfig.base(65))
    started = time.perf_counter()
    generate(model, [0], max_new_tokens=500)
    cached = time.perf_counter() - started
    started = time.perf_counter()
    plain_loop(model, torch.tensor([[0]]), 500, block_size=256)
    plain = time.perf_counter() - started
    show("500 characters, GPT base", seconds=cached, uncached=plain, ratio=plain / cached)


if __name__ == "__main__":
    main()
