"""``python benchmarks/overfitting.py TEXT``: draws how Transformers overfit the first 20,000 characters of a text.

Each is trained at a constant learning rate on nine tenths of them, with a prior and without, and not stopped early. The
curves are in ``docs/images/overfitting.svg``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

from charlm.recipes.corpus import Corpus
from charlm.recipes.events import EntryMade
from charlm.recipes.presets import CONFIGS, Recipe
from charlm.recipes.sources import ROLES_OF_TEXT
from charlm.recipes.train import train
from chartok import read_text

mpl.use("svg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from charlm.recipes.events import Event
    from charlm.training.log import LogEntry

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "overfitting.svg"
CHARACTERS = 20_000
STEPS = 160
EVERY = 4


def entries_of(text: str, *, prior: bool) -> list[LogEntry]:
    """Returns the log of a run."""
    learned, held_out = Corpus.of_text(text, ROLES_OF_TEXT).split(0.9)
    config = replace(CONFIGS["gpt"], max_steps=STEPS, schedule="constant", log_interval=EVERY, patience=STEPS)
    config = replace(config, evaluation_interval=EVERY)
    entries: list[LogEntry] = []

    def note(event: Event) -> None:
        if isinstance(event, EntryMade):
            entries.append(event.entry)

    recipe = Recipe(family="gpt", size="nano", device="cpu", prior=prior, config=config)
    train(learned, recipe, validation=held_out, hook=note)
    return entries


def main(path: Path) -> None:
    """Draws the picture."""
    text = read_text(path)[:CHARACTERS]
    figure, axes = plt.subplots(figsize=(7, 3.6))
    for name, prior, color in (("with counts", True, "#2f6fb3"), ("without", False, "#c0562f")):
        entries = entries_of(text, prior=prior)
        steps = [entry.step for entry in entries]
        axes.plot(steps, [entry.train_loss for entry in entries], color=color, alpha=0.4, label=f"{name}, training")
        losses = [entry.validation_loss or float("nan") for entry in entries]
        axes.plot(steps, losses, color=color, label=f"{name}, validation")
        print(name, min(zip(losses, steps, strict=True)))
    axes.set(xlabel="step", ylabel="nats per character", ylim=(1.2, 2.6))
    axes.legend(frameon=False)
    figure.savefig(PICTURE, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
