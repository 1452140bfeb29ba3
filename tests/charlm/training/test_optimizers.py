import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from charlm import GPT, BigramLanguageModel, GPTConfig, LanguageModel, TrainerConfig
from charlm.models.gpt.model import HashedEmbedding
from charlm.training.optimizers import Optimizers, WeightAverage, hidden_matrices, learning_rate_factor
from two_layers import TwoLayers

UNSCALED = torch.amp.GradScaler("cpu", enabled=False)


def config(**settings: Any) -> TrainerConfig:
    return TrainerConfig(learning_rate=0.1, weight_decay=0.5, table_decay=0.25, **settings)


def moved(model: LanguageModel, optimizers: Optimizers, *, gradient: float) -> tuple[set[str], dict[str, torch.Tensor]]:
    """Returns the names of the parameters that a step moves where every gradient is the same, and what they were."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, gradient)
    optimizers.step(UNSCALED, factor=1.0, max_gradient_norm=None)
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}, before


def test_only_the_matrices_inside_a_model_are_for_muon() -> None:
    assert hidden_matrices(TwoLayers()).keys() == {"hidden.weight"}
    assert hidden_matrices(BigramLanguageModel(3)) == {}


@pytest.mark.parametrize("vocab_size", [7, 8, 16, 32])
def test_no_size_of_the_vocabulary_takes_a_matrix_away_from_muon(vocab_size: int) -> None:
    shape = GPTConfig(vocab_size=vocab_size, block_size=4, n_layers=2, n_heads=1, width=8)
    matrices = hidden_matrices(GPT(shape))
    assert len(matrices) == 2 * 6
    assert "head.weight" not in matrices


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_every_parameter_is_moved_and_muon_moves_the_matrices_alone(name: str) -> None:
    model = TwoLayers()
    optimizers = Optimizers(model, config(optimizer=name))
    assert moved(model, optimizers, gradient=1.0)[0] == set(model.state_dict())
    by_muon = {key.rpartition(".")[0] for key, _ in optimizers.tensors() if key.endswith(".momentum_buffer")}
    assert by_muon == ({"hidden.weight"} if name == "muon" else set())


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_weights_of_linear_layers_decay_and_nothing_else(name: str) -> None:
    model = TwoLayers()
    decayed, before = moved(model, Optimizers(model, config(optimizer=name)), gradient=0.0)
    assert decayed == {"hidden.weight", "head.weight"}
    torch.testing.assert_close(model.head.weight.detach(), before["head.weight"] * (1 - 0.1 * 0.5))


def test_hashed_tables_decay_at_a_rate_of_their_own() -> None:
    model = TwoLayers()
    model.hashed = HashedEmbedding(3, 4)
    torch.nn.init.ones_(model.hashed.weight)
    model.positions = torch.nn.Embedding(model.vocab_size + 1, 4)
    decayed, before = moved(model, Optimizers(model, config()), gradient=0.0)
    assert decayed == {"hidden.weight", "head.weight", "hashed.weight"}
    torch.testing.assert_close(model.hashed.weight.detach(), before["hashed.weight"] * (1 - 0.1 * 0.25))


def test_what_holds_still_moves_again_when_it_may() -> None:
    model = TwoLayers()
    optimizers = Optimizers(model, config())
    for is_bad, expected in ((0.0, True), (1.0, False), (0.0, False)):
        optimizers.hold_still(torch.tensor(is_bad))
        assert bool(moved(model, optimizers, gradient=1.0)[0]) is expected
    optimizers.move_again()
    assert moved(model, optimizers, gradient=1.0)[0]


def test_muon_is_refused_where_there_is_no_matrix() -> None:
    with pytest.raises(ValueError, match="a bigram model has none: use 'adamw'"):
        Optimizers(BigramLanguageModel(3), config(optimizer="muon"))


@given(progress=st.floats(-0.5, 2), cooldown=st.floats(0.01, 0.99))
def test_each_schedule_falls_from_one_along_its_curve(progress: float, cooldown: float) -> None:
    inside = min(1.0, max(0.0, progress))
    factors = {
        "linear": 1 - inside if progress >= 0 else 1 - progress,
        "cosine": 0.5 * (1 + math.cos(math.pi * inside)),
        "constant": 1.0,
        "trapezoid": 1.0 if inside <= 1 - cooldown else (1 - inside) / cooldown,
    }
    for name, factor in factors.items():
        if progress >= 0:
            assert learning_rate_factor(name, progress, cooldown) == pytest.approx(factor, abs=1e-9)  # type: ignore[arg-type]  # the keys are the names


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
    assert average.tensors["weight"].item() == pytest.approx(expected, abs=1e-4)
    average.swap()
    assert model.weight.item() == pytest.approx(expected, abs=1e-4)
    average.swap()
    assert model.weight.item() == pytest.approx(weights[-1], abs=1e-6)
