import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from charlm.training.weight_average import WeightAverage


@given(decay=st.floats(0.01, 0.999), weights=st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_the_average_is_the_one_that_the_recursion_gives(decay: float, weights: list[float]) -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, weights[0])
    average = WeightAverage(model, decay)
    expected = weights[0]
    for step, weight in enumerate(weights[1:]):
        nn.init.constant_(model.weight, weight)
        average.update(step)
        keep = min(decay, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * weight
    assert average.state_dict()["weight"].item() == pytest.approx(expected, abs=1e-4)
    with average.in_force():
        assert model.weight.item() == pytest.approx(expected, abs=1e-4)
    assert model.weight.item() == pytest.approx(weights[-1], abs=1e-6)


def test_the_own_weights_come_back_whatever_happens_in_the_block() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, 0.5)
    nn.init.constant_(model.weight, 7.0)
    with pytest.raises(KeyError), average.in_force():
        raise KeyError
    assert model.weight.item() == 7.0


def test_a_block_within_a_block_has_the_weights_that_it_asks_for() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    average = WeightAverage(model, 0.5)
    nn.init.constant_(model.weight, 7.0)
    with average.in_force():
        with average.in_force():
            assert model.weight.item() == 1.0
        assert model.weight.item() == 1.0
        with average.suspended(), average.suspended():
            assert model.weight.item() == 7.0
            assert average.state_dict()["weight"].item() == 1.0
        assert model.weight.item() == 1.0
    assert model.weight.item() == 7.0


def test_an_average_goes_on_from_another() -> None:
    model = nn.Linear(2, 1)
    average, other = WeightAverage(model, 0.5), WeightAverage(model, 0.5)
    nn.init.ones_(model.weight)
    average.update(3)
    other.load_state_dict(average.state_dict())
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in average.state_dict().items())


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "the average of 'weight' is missing"),
        ({"weight": torch.zeros(3)}, r"'weight' must be torch.float32 of shape .*, got torch.float32 of shape \(3,\)"),
        (
            {"weight": torch.zeros(1, 2, dtype=torch.float64)},
            "'weight' must be torch.float32 of shape .*, got torch.float64",
        ),
    ],
)
def test_what_is_no_average_of_this_model_is_refused(state: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WeightAverage(nn.Linear(2, 1, bias=False), 0.5).load_state_dict(state)
