"""The settings of a Transformer that depend on the size of the text, chosen by experiment.

Small texts are overfit within a few passes: the smaller the text, the fewer the steps. Without a prior it is the hashed
tables of n-grams that overfit first, so that the smaller the text, the stronger the decay that keeps them small.
``docs/experiments.md`` has the measurements, ``benchmarks/small_texts.py`` repeats them.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from charlm.training.config import TrainerConfig

CHARACTERS = (18_000, 90_000, 270_000, 1_000_000)
"""Sizes of texts to train on."""
STEPS = (30, 200, 400, 400)
"""The best number of steps for each."""
TABLE_DECAYS = (100.0, 100.0, 10.0, 1.0)
"""The best decay of hashed tables for each; at a learning rate of 0.01, 100 erases a table in one step."""
STEPS_FROM_COUNTS = (80, 260, 350, 350)
"""The same if the Transformer starts from counts; longer texts gain little from more, and have a minute."""
WARMUP_STEPS = 10
"""Of such a Transformer, so that its first steps, with weights that know nothing, do not lead away from the counts."""
CHARACTERS_PER_BATCH = 32 * 64
"""Those of the batches with which they were measured."""
CHARACTERS_PER_EXAMPLE = 64
"""As what an example counts at least: many short records are not as soon overfit as one text of their length."""
SMALLEST_BATCH, LARGEST_BATCH = 16, 256
CHARACTERS_PER_STEP = 5_000
"""Steps between evaluations grow with the text, so that evaluating a ninth of it takes a tenth of the time."""
LONGEST_INTERVAL = 200
EVALUATION_CHARACTERS = 500_000
"""As many as an evaluation during the run reads at most, which takes seconds; all are read at the end."""
PATIENCE = 5


class BySize(NamedTuple):
    """Settings of a training run: fields of a ``TrainerConfig``."""

    max_steps: int
    table_decay: float
    evaluation_interval: int


def settings_for(characters: int, *, has_prior: bool = False) -> BySize:
    """Returns the settings for a text: between the sizes that were measured, interpolated on a logarithmic scale.

    Args:
        characters: How many characters there are to train on.
        has_prior: Whether the Transformer starts from counts.

    Example:
        >>> settings_for(18_000)
        BySize(max_steps=30, table_decay=100.0, evaluation_interval=4)
        >>> settings_for(1_003_854)
        BySize(max_steps=400, table_decay=1.0, evaluation_interval=200)
    """

    def between(values: tuple[float, ...]) -> float:
        return math.exp(np.interp(math.log(max(characters, 1)), np.log(CHARACTERS), np.log(values)))

    return BySize(
        max_steps=round(between(STEPS_FROM_COUNTS if has_prior else STEPS)),
        table_decay=round(between(TABLE_DECAYS), 2),
        evaluation_interval=min(round(characters / CHARACTERS_PER_STEP) or 1, LONGEST_INTERVAL),
    )


def batch_size_for(targets_per_example: float) -> int:
    """Returns how many examples a batch has: a power of two with which it has about 2,048 targets, from 16 to 256.

    Args:
        targets_per_example: How many there are on average.

    Example:
        >>> batch_size_for(64), batch_size_for(7.1), batch_size_for(1024)
        (32, 256, 16)
    """
    power = round(math.log2(CHARACTERS_PER_BATCH / max(targets_per_example, 1)))
    return min(max(1 << max(power, 0), SMALLEST_BATCH), LARGEST_BATCH)


def completed(
    config: TrainerConfig,
    characters: int,
    *,
    examples: int = 0,
    batch_size: int = 1,
    has_validation: bool,
    has_prior: bool = False,
) -> TrainerConfig:
    """Returns training settings in which those that were not given suit the size of the text.

    Args:
        config: The settings. Of ``max_steps``, ``max_epochs`` and ``max_seconds``, one that is given is the only limit.
        characters: How many characters there are to train on.
        examples: How many examples a pass over them has.
        batch_size: How many of them a batch has.
        has_validation: Whether there are data for evaluations, which can end the run.
        has_prior: Whether the Transformer starts from counts.

    Example:
        >>> from charlm import TrainerConfig
        >>> config = completed(TrainerConfig(max_steps=500), 18_000, has_validation=True)
        >>> config.max_steps, config.table_decay, config.evaluation_interval, config.patience
        (500, 100.0, 4, 5)
    """
    suited = settings_for(max(characters, examples * CHARACTERS_PER_EXAMPLE), has_prior=has_prior)
    given = {name: value for name, value in dataclasses.asdict(config).items() if value is not None}
    # A table that decays by more than all of it at each step would grow with the opposite sign.
    own = {
        "table_decay": min(suited.table_decay, 1 / config.learning_rate),
        "evaluation_interval": suited.evaluation_interval,
    }
    if has_validation:
        own |= {"patience": PATIENCE, "evaluation_characters": EVALUATION_CHARACTERS}
    if not given.keys() & {"max_steps", "max_epochs", "max_seconds"}:
        own["max_steps"] = suited.max_steps
    if has_prior:
        of_epochs = [config.max_epochs * examples / batch_size] if config.max_epochs else []
        steps = min([own.get("max_steps", math.inf), config.max_steps or math.inf, *of_epochs])
        own["warmup_steps"] = int(min(WARMUP_STEPS, steps - 1))
    return dataclasses.replace(config, **(own | given))
