from typing import Any

import pytest
import torch

from charlm.sampling import check_temperature, draw

LOGITS = torch.tensor([[0.0, 1.0, 2.0, -1.0], [3.0, 3.0, -50.0, 0.0]])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_draws_follow_the_softmax_of_the_tempered_logits(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    draws = draw(LOGITS[:1].expand(200_000, 4), temperature, generator)
    frequencies = torch.bincount(draws, minlength=4) / len(draws)
    torch.testing.assert_close(frequencies, (LOGITS[0] / temperature).softmax(0), atol=0.005, rtol=0)


def test_temperature_zero_and_tiny_temperatures_take_the_likeliest() -> None:
    generator = torch.Generator().manual_seed(0)
    assert draw(LOGITS, 0.0, generator).tolist() == [2, 0]
    assert draw(LOGITS[:1], 1e-30, generator).tolist() == [2]


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), -float("inf")])
def test_a_temperature_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="temperature must"):
        check_temperature(bad)


@pytest.mark.parametrize("bad", ["1", None, True])
def test_a_temperature_is_a_number(bad: Any) -> None:
    with pytest.raises(TypeError, match="temperature must be a number"):
        check_temperature(bad)


def test_an_id_of_probability_zero_is_never_drawn() -> None:
    logits = torch.full((100_000, 5), -torch.inf)
    logits[:, [1, 3]] = 0
    for _ in range(20):
        drawn = draw(logits, 1.0, torch.Generator().manual_seed(1))
        assert set(drawn.tolist()) == {1, 3}
