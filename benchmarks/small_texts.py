"""``python benchmarks/small_texts.py tinyshakespeare.txt``: the default Transformer on small texts against a grid.

For each size it trains on the first nine tenths of the beginning of the text, with the default settings, and with each
point of a grid around them. Losses are those of the weights that are kept, in nats per character on the last tenth; all
of them, the default too, were chosen on that tenth by early stopping, so they are a little lower than on other text.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from charlm.recipes.by_size import settings_for
from charlm.recipes.corpus import Corpus
from charlm.recipes.presets import CONFIGS, Recipe
from charlm.recipes.sources import ROLES_OF_TEXT
from charlm.recipes.train import train
from chartok import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (20_000, 100_000, 300_000)
SEEDS = (1337,)
STEPS = (0.5, 1.0, 2.0)
"""As multiples of the default."""
DROPOUTS = (0.0, 0.2)


class Point(NamedTuple):
    """Settings of a run."""

    steps: int
    dropout: float


def grid(characters: int) -> Iterator[Point]:
    """Yields the default settings for a size, and then those around them."""
    default = Point(settings_for(characters, has_prior=True).max_steps, 0.0)
    points = [Point(round(factor * default.steps), dropout) for dropout, factor in product(DROPOUTS, STEPS)]
    yield default
    yield from (point for point in points if point != default)


def loss(text: str, point: Point, seed: int) -> float:
    """Returns the loss of a Transformer trained on a text."""
    learned, held_out = Corpus.of_text(text, ROLES_OF_TEXT).split(0.9)
    config = replace(CONFIGS["gpt"], seed=seed, max_steps=point.steps)
    recipe = Recipe(family="gpt", size="nano", device="cpu", dropout=point.dropout, config=config)
    nats = train(learned, recipe, validation=held_out).validation_nats
    assert nats is not None  # noqa: S101 - there is validation data
    return nats


def main(path: Path) -> None:
    """Prints a row for each run, and for each size how far the default is from the best."""
    torch.set_num_threads(1)  # on shared cores, threads that wait for each other stall
    whole = read_text(path)
    print("| characters | seed | steps | dropout | loss |\n| --- | --- | --- | --- | --- |")
    for size, seed in product(SIZES, SEEDS):
        found: dict[Point, float] = {}
        for point in grid(size * 9 // 10):
            found[point] = loss(whole[:size], point, seed)
            print(f"| {size:,} | {seed} | {' | '.join(map(str, point))} | {found[point]:.4f} |", flush=True)
        default = next(iter(found.values()))
        print(f"\n{size:,} characters: the default is {default - min(found.values()):.4f} nats above the best\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
