import dataclasses
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import TrainerConfig, evaluate
from charlm.recipes import events
from charlm.recipes.by_size import (
    CHARACTERS,
    EVALUATION_CHARACTERS,
    LARGEST_BATCH,
    LONGEST_INTERVAL,
    PATIENCE,
    SMALLEST_BATCH,
    STEPS,
    TABLE_DECAYS,
    WARMUP_STEPS,
    batch_size_for,
    completed,
    settings_for,
)
from charlm.recipes.corpus import Corpus
from charlm.recipes.presets import CONFIGS, Recipe
from charlm.recipes.train import train

OWN: dict[str, Any] = {
    "max_steps": 7,
    "table_decay": 0.0,
    "evaluation_interval": 3,
    "patience": 2,
    "evaluation_characters": 8,
}
"""What else would be chosen by the size of the text."""
LIMITS: dict[str, Any] = {"max_steps": 7, "max_epochs": 2, "max_seconds": 5.0}
TINY: dict[str, Any] = {"n_layers": 1, "n_heads": 1, "width": 4, "block_size": 8, "device": "cpu"}

sizes = st.integers(1, 10**9)


@pytest.mark.parametrize(("characters", "steps", "decay"), [*zip(CHARACTERS, STEPS, TABLE_DECAYS, strict=True)])
def test_the_sizes_that_were_measured_get_what_was_best(characters: int, steps: int, decay: float) -> None:
    assert settings_for(characters)[:2] == (steps, decay)


@given(sizes, sizes)
def test_a_larger_text_is_trained_on_for_no_fewer_steps_and_with_no_more_decay(one: int, other: int) -> None:
    smaller, larger = (settings_for(size) for size in sorted((one, other)))
    assert smaller.max_steps <= larger.max_steps
    assert smaller.table_decay >= larger.table_decay
    assert 1 <= smaller.evaluation_interval <= larger.evaluation_interval <= LONGEST_INTERVAL


@given(sizes)
def test_each_size_is_evaluated_often_enough_for_the_best_weights_to_be_found(characters: int) -> None:
    settings = settings_for(characters)
    assert settings.evaluation_interval * 2 <= settings.max_steps


def test_between_two_sizes_the_settings_lie_between_theirs() -> None:
    for smaller, larger in pairwise(CHARACTERS):
        between = settings_for(round(math.sqrt(smaller * larger)))
        below, above = settings_for(smaller), settings_for(larger)
        assert between.max_steps == pytest.approx(math.sqrt(below.max_steps * above.max_steps), abs=0.5)
        assert between.table_decay == pytest.approx(math.sqrt(below.table_decay * above.table_decay), abs=0.005)


@given(sizes, st.sets(st.sampled_from(sorted(OWN))))
def test_what_is_given_stays_and_the_rest_suits_the_size(characters: int, names: set[str]) -> None:
    given_ = {name: OWN[name] for name in names}
    config = completed(dataclasses.replace(CONFIGS["gpt"], **given_), characters, has_validation=True)
    of_evaluations = {"patience": PATIENCE, "evaluation_characters": EVALUATION_CHARACTERS}
    suited = settings_for(characters)._asdict() | of_evaluations
    assert {name: getattr(config, name) for name in OWN} == suited | given_
    others = {name: getattr(CONFIGS["gpt"], name) for name in vars(config).keys() - OWN.keys()}
    assert {name: getattr(config, name) for name in others} == others


@given(sizes, st.sets(st.sampled_from(sorted(LIMITS)), min_size=1))
def test_a_limit_that_is_given_is_the_only_one(characters: int, names: set[str]) -> None:
    limits: dict[str, Any] = {name: LIMITS[name] if name in names else None for name in LIMITS}
    config = completed(TrainerConfig(**limits), characters, has_validation=False)
    assert {name: getattr(config, name) for name in LIMITS} == limits


@given(sizes)
def test_without_validation_data_nothing_is_asked_of_evaluations(characters: int) -> None:
    config = completed(CONFIGS["gpt"], characters, has_validation=False)
    assert config.patience is config.evaluation_characters is None


@given(sizes, st.floats(1e-4, 10))
def test_tables_never_decay_by_more_than_all_of_them(characters: int, learning_rate: float) -> None:
    config = completed(TrainerConfig(learning_rate=learning_rate), characters, has_validation=False)
    assert config.table_decay is not None
    assert config.table_decay * learning_rate <= 1 + 1e-12


@pytest.mark.parametrize("family", ["gpt", "mixture"])
def test_a_run_on_a_small_text_ends_before_it_overfits_and_its_best_weights_are_kept(family: Any) -> None:
    letters = np.random.default_rng(0).integers(97, 123, 20_000, dtype=np.uint8)  # there is nothing to learn
    learned, held_out = Corpus.of_text(letters.tobytes().decode(), ["unk"]).split(0.9)
    told: list[events.Event] = []
    config = dataclasses.replace(CONFIGS["gpt"], max_steps=10_000, table_decay=0.0)
    trained = train(learned, Recipe(family=family, config=config, **TINY), validation=held_out, hook=told.append)
    (ended,) = (event for event in told if isinstance(event, events.TrainingEnded))
    interval = ended.config.evaluation_interval
    assert interval is not None
    assert ended.is_out_of_patience
    assert ended.entry is not None
    assert ended.best is not None
    assert ended.entry.step == ended.best.step + PATIENCE * interval < 10_000
    if family == "gpt":
        assert trained.validation_nats == ended.best.validation_loss
        found = evaluate(trained.model, held_out, vocabulary=learned.vocabulary).nats_per_character
        assert found == pytest.approx(trained.validation_nats, rel=1e-6)


@pytest.mark.parametrize("has_prior", [False, True])
def test_the_default_run_is_as_long_as_suits_the_text(has_prior: bool) -> None:
    corpus = Corpus.of_text("to be or not to be " * 100, ["unk"])
    told: list[events.Event] = []
    train(corpus, Recipe(family="gpt", prior=has_prior, **TINY | {"block_size": 64}), hook=told.append)
    (began,) = (event for event in told if isinstance(event, events.TrainingBegan))
    assert began.total_steps == settings_for(1900, has_prior=has_prior).max_steps


@given(sizes, st.integers(1, 40))
def test_a_start_from_counts_warms_up_until_a_run_ends_or_for_ten_steps(characters: int, steps: int) -> None:
    config = dataclasses.replace(CONFIGS["gpt"], max_steps=steps)
    found = completed(config, characters, has_validation=False, has_prior=True).warmup_steps
    assert found == min(WARMUP_STEPS, steps - 1)
    assert completed(config, characters, has_validation=False).warmup_steps is None


@given(st.floats(0.1, 1e6))
def test_a_batch_has_about_as_many_characters_whatever_the_examples(targets: float) -> None:
    batch = batch_size_for(targets)
    assert batch & (batch - 1) == 0
    assert batch in (SMALLEST_BATCH, LARGEST_BATCH) or 2048 / 1.5 < batch * targets < 2048 * 1.5


@given(sizes, st.integers(0, 10**6))
def test_a_short_record_counts_as_much_as_64_characters(characters: int, examples: int) -> None:
    config = completed(CONFIGS["gpt"], characters, examples=examples, has_validation=False)
    of_text = settings_for(max(characters, 64 * examples))
    assert (config.max_steps, config.evaluation_interval) == (of_text.max_steps, of_text.evaluation_interval)


def test_many_names_are_trained_on_as_long_as_a_megabyte_of_text() -> None:
    names = [f"{one}{other}" for one in map(chr, range(97, 123)) for other in range(1000)]
    told: list[events.Event] = []

    def stop(event: events.Event) -> None:
        told.append(event)
        if isinstance(event, events.TrainingBegan):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Corpus.of_records(names), Recipe(family="gpt", **TINY), hook=stop)
    assert told[-1].total_steps == settings_for(10**6, has_prior=True).max_steps  # type: ignore[union-attr]  # the one before


def test_the_final_loss_is_of_all_validation_data_also_if_less_was_seen_on_the_way() -> None:
    learned, held_out = Corpus.of_text("to be or not to be, that is the question. " * 50, ["unk"]).split(0.9)
    told: list[events.Event] = []
    config = TrainerConfig(max_steps=2, evaluation_characters=20)
    trained = train(learned, Recipe(family="gpt", config=config, **TINY), validation=held_out, hook=told.append)
    (evaluated,) = (event for event in told if isinstance(event, events.Evaluated))
    assert evaluated.evaluation == evaluate(trained.model, held_out, vocabulary=learned.vocabulary)
    assert evaluated.evaluation.characters == len(held_out) - 1
    assert trained.validation_nats == evaluated.evaluation.nats_per_character
