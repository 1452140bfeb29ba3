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
MOST_STEPS = 400
"""The default for a megabyte, and about two minutes; longer runs are left out."""
WEAK_DECAY = 1.0
"""The decay of hashed tables that suits a megabyte; tried with few steps only, since more overfit."""


class Point(NamedTuple):
    """Settings of a run."""

    steps: int
    dropout: float
    table_decay: float


def grid(characters: int) -> Iterator[Point]:
    """Yields the default settings for a size, and then those around them."""
    steps, decay, _ = settings_for(characters)
    default = Point(steps, 0.0, decay)
    points = [Point(round(factor * steps), dropout, decay) for dropout, factor in product(DROPOUTS, STEPS)]
    points += [Point(round(factor * steps), 0.0, WEAK_DECAY) for factor in STEPS[:2]]
    yield default
    yield from (point for point in points if point != default and point.steps <= MOST_STEPS)


def loss(text: str, point: Point | None, seed: int) -> float:
    """Returns the loss of a Transformer trained on a text; None takes the default settings."""
    learned, held_out = Corpus.of_text(text, ROLES_OF_TEXT).split(0.9)
    config = replace(CONFIGS["gpt"], seed=seed)
    recipe = Recipe(family="gpt", size="nano", device="cpu", config=config)
    if point is not None:
        own = replace(config, max_steps=point.steps, table_decay=point.table_decay)
        recipe = replace(recipe, dropout=point.dropout, config=own)
    nats = train(learned, recipe, validation=held_out).validation_nats
    assert nats is not None  # noqa: S101 - there is validation data
    return nats


def main(path: Path) -> None:
    """Prints a row for each run, and for each size how far the default is from the best."""
    torch.set_num_threads(1)  # on shared cores, threads that wait for each other stall
    whole = read_text(path)
    print("| characters | seed | steps | dropout | table decay | loss |\n| --- | --- | --- | --- | --- | --- |")
    for size, seed in product(SIZES, SEEDS):
        text = whole[:size]
        default = loss(text, None, seed)
        found: dict[Point, float] = {}
        for point in grid(size * 9 // 10):
            found[point] = loss(text, point, seed) if found else default
            print(f"| {size:,} | {seed} | {' | '.join(map(str, point))} | {found[point]:.4f} |", flush=True)
        print(f"\n{size:,} characters: the default is {default - min(found.values()):.4f} nats above the best\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
