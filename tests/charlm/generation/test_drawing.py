import math
from itertools import islice

import pytest
import torch

from charlm.generation.drawing import draw, uniform_points
from charlm.runtime.seeds import derived_seed


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_draws_follow_the_softmax(temperature: float) -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]]) / temperature
    points = torch.rand(200_000, 1, generator=torch.Generator().manual_seed(0))
    frequencies = torch.bincount(draw(logits.expand(len(points), 4), 1 - points), minlength=4) / len(points)
    torch.testing.assert_close(frequencies, logits[0].softmax(0), atol=0.005, rtol=0)


def test_an_id_of_probability_zero_is_never_drawn() -> None:
    logits = torch.full((100_000, 5), -torch.inf)
    logits[:, [1, 3]] = 0
    points = 1 - torch.rand(len(logits), 1, generator=torch.Generator().manual_seed(1))
    points[:2] = torch.tensor([[1e-45], [1.0]])
    assert set(draw(logits, points).tolist()) == {1, 3}


@pytest.mark.parametrize("bad", [-math.inf, math.nan])
def test_where_no_id_can_be_drawn_the_size_of_the_vocabulary_says_so(bad: float) -> None:
    assert draw(torch.tensor([[bad, bad], [0.0, 0.0]]), torch.ones(2, 1)).tolist() == [2, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_are_those_that_each_seed_gives_one_by_one(dtype: torch.dtype) -> None:
    seeds = (3, -4)
    points = torch.cat(list(islice(uniform_points(seeds, dtype, torch.device("cpu")), 150)), dim=1)
    for row, seed in zip(points, seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        one_by_one = [1 - torch.rand(1, 1, dtype=dtype, generator=generator) for _ in range(150)]
        assert torch.equal(row, torch.cat(one_by_one).flatten())
    assert ((points > 0) & (points <= 1)).all()


def test_the_seeds_of_samples_differ_and_fit_any_generator() -> None:
    seeds = [derived_seed(seed, index) for seed in (-1, 0, 1, 2**64 - 2) for index in range(50)]
    assert len(set(seeds)) == 200
    assert 0 <= min(seeds) <= max(seeds) < 2**63
    assert derived_seed(2**70 - 1, 7) == derived_seed(-1, 7)
