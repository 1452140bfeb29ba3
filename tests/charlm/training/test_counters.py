import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.dataset import IGNORE_INDEX
from charlm.training.counters import Counters

CPU = torch.device("cpu")
TARGETS = torch.tensor([[1, 2, IGNORE_INDEX]])


def counted(steps: int) -> Counters:
    counters = Counters(CPU)
    for step in range(steps):
        counters.count_step(torch.tensor(float(step)), TARGETS)
        counters.count_seconds(0.5)
    return counters


def test_what_gathers_between_entries_is_forgotten_with_each_and_the_rest_stays() -> None:
    counters = counted(4)
    assert counters.read_losses().tolist() == [0, 1, 2, 3]
    assert counters.seconds >= 2  # it waited for the losses, too
    assert counters.characters_per_second() == pytest.approx(8 / counters.seconds)
    entry = counters.entry(train_loss=1.5, validation_loss=None, learning_rate=0.1, gradient_norm=3.0)
    assert (entry.step, entry.train_loss, entry.validation_loss, entry.learning_rate) == (4, 1.5, None, 0.1)
    assert entry.elapsed_seconds == counters.seconds
    assert entry.characters_per_second == pytest.approx(8 / counters.seconds)
    assert (counters.step, counters.losses, counters.recent_characters, counters.recent_seconds) == (4, [], 0, 0.0)


def test_the_best_evaluation_is_the_first_of_the_lowest() -> None:
    counters = counted(1)
    found = []
    for loss in (3.0, 2.0, 2.0, 2.5, 1.0):
        counters.count_step(torch.zeros(()), TARGETS)
        counters.count_evaluation(loss)
        found.append((counters.best_loss, counters.best_step, counters.evaluations_since_improvement))
    assert found == [(3.0, 2, 0), (2.0, 3, 0), (2.0, 3, 1), (2.0, 3, 2), (1.0, 6, 0)]


@given(losses=st.lists(st.integers(0, 20), min_size=1), min_delta=st.integers(0, 5))
def test_an_improvement_is_lower_by_more_than_the_least_than_the_one_before_it(
    losses: list[int], min_delta: int
) -> None:
    counters = Counters(CPU, min_delta=min_delta)
    for loss in losses:
        counters.count_evaluation(loss)
    improvements = [0]
    for place, loss in enumerate(losses):
        if loss < losses[improvements[-1]] - min_delta:
            improvements.append(place)
    assert counters.evaluations_since_improvement == len(losses) - 1 - improvements[-1]
    assert counters.best_loss == min(losses)


@pytest.mark.parametrize("evaluated", [True, False])
def test_counters_go_on_from_others(evaluated: bool) -> None:
    counters, other = counted(3), Counters(CPU)
    if evaluated:
        counters.count_evaluation(1.5)
    state = counters.state_dict()
    assert (state["best_loss"] is None) is not evaluated
    other.load_state_dict(state)
    assert other.read_losses().tolist() == [0, 1, 2]
    assert (other.step, other.agreed_seconds, other.recent_characters) == (3, 1.5, 6)
    assert (other.best_loss, other.best_step) == ((1.5, 3) if evaluated else (math.inf, 0))
    assert other.reference_loss == other.best_loss
