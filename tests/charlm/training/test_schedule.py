import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import TrainerConfig
from charlm.training.schedule import RunSchedule, learning_rate_factor

if TYPE_CHECKING:
    from charlm.training.config import Schedule


def schedule(examples: int = 312, batch_size: int = 4, **settings: Any) -> RunSchedule:
    return RunSchedule(TrainerConfig(**settings), examples=examples, batch_size=batch_size)


@given(progress=st.floats(-0.5, 2), cooldown=st.floats(0.01, 0.99))
def test_each_schedule_falls_from_one_along_its_curve(progress: float, cooldown: float) -> None:
    inside = min(1.0, max(0.0, progress))
    factors: dict[Schedule, float] = {
        "linear": 1 - inside if progress >= 0 else 1 - progress,
        "cosine": 0.5 * (1 + math.cos(math.pi * inside)),
        "constant": 1.0,
        "trapezoid": 1.0 if inside <= 1 - cooldown else (1 - inside) / cooldown,
    }
    for name, factor in factors.items():
        if progress >= 0:
            assert learning_rate_factor(name, progress, cooldown) == pytest.approx(factor, abs=1e-9)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({}, 3000),
        ({"max_steps": 7}, 7),
        ({"max_epochs": 2}, 156),
        ({"max_epochs": 1, "max_steps": 1000}, 78),
        ({"max_epochs": 10**400}, 78 * 10**400),
        ({"max_seconds": 1.0}, None),
        ({"max_seconds": 1.0, "max_steps": 5}, 5),
    ],
)
def test_the_shortest_limit_is_the_length(settings: Any, steps: int | None) -> None:
    assert schedule(**settings).total_steps == steps


def test_the_last_batch_of_an_epoch_counts_though_it_reaches_into_the_next() -> None:
    assert schedule(examples=9, batch_size=4, max_epochs=1).total_steps == 3


def test_a_warm_up_must_be_shorter_than_the_run() -> None:
    with pytest.raises(ValueError, match="warmup_steps 78 must be below the 78 steps of the run"):
        schedule(max_epochs=1, warmup_steps=78)
    assert schedule(max_seconds=1.0, warmup_steps=10**6).total_steps is None


def test_the_rate_rises_in_the_warm_up_and_falls_after_it() -> None:
    run = schedule(max_steps=8, warmup_steps=4)
    factors = [run.factor(step, seconds=0.0) for step in range(8)]
    assert factors == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25])


def test_the_rate_follows_whatever_limit_is_nearer() -> None:
    run = schedule(max_steps=10, max_seconds=100.0)
    assert run.factor(5, seconds=0.0) == pytest.approx(0.5)
    assert run.factor(5, seconds=80.0) == pytest.approx(0.2)
    assert run.factor(5, seconds=200.0) == 0


@pytest.mark.parametrize(
    ("place", "over"),
    [
        ((9, 0.0, 0), False),
        ((10, 0.0, 0), True),
        ((0, 5.0, 0), True),
        ((0, 4.9, 2), False),
        ((0, 0.0, 3), True),
    ],
)
def test_each_limit_ends_the_run(place: tuple[int, float, int], over: bool) -> None:
    assert schedule(max_steps=10, max_seconds=5.0, patience=3).is_over(*place) is over


def test_without_time_and_patience_these_end_nothing() -> None:
    assert not schedule(max_steps=10).is_over(9, math.inf, 10**9)
