import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from charlm import BigramLanguageModel
from charlm.optimization import WeightAverage, hidden_matrices, learning_rate_factor, make_optimizers
from two_layers import TwoLayers

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.1,
    "muon_learning_rate": 0.02,
    "betas": (0.9, 0.99),
    "weight_decay": 0.5,
    "table_decay": 0.25,
}


def test_only_the_matrices_inside_a_model_are_for_muon() -> None:
    assert hidden_matrices(TwoLayers()).keys() == {"hidden.weight"}
    assert hidden_matrices(BigramLanguageModel(3)) == {}


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_every_parameter_is_moved_by_one_optimizer(name: Any) -> None:
    model = TwoLayers()
    optimizers = make_optimizers(model, name, **SETTINGS)
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    moved = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(moved) == sorted(id(parameter) for parameter in model.parameters())
    assert [type(optimizer).__name__ for optimizer in optimizers] == ["AdamW"] + ["Muon"] * (name == "muon")
    assert [group["initial_lr"] for group in groups] == [0.1, 0.1] + [0.02] * (name == "muon")


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_weights_of_linear_layers_decay_and_nothing_else(name: Any) -> None:
    model = TwoLayers()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for optimizer in make_optimizers(model, name, **SETTINGS):
        optimizer.step()
    decayed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert decayed == {"hidden.weight", "head.weight"}
    torch.testing.assert_close(model.head.weight.detach(), before["head.weight"] * (1 - 0.1 * 0.5))


def test_hashed_tables_decay_at_a_rate_of_their_own() -> None:
    model = TwoLayers()
    model.hashed = torch.nn.Embedding(model.vocab_size + 1, 4)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for optimizer in make_optimizers(model, "adamw", **SETTINGS):
        optimizer.step()
    torch.testing.assert_close(model.hashed.weight.detach(), before["hashed.weight"] * (1 - 0.1 * 0.25))
    torch.testing.assert_close(model.head.weight.detach(), before["head.weight"] * (1 - 0.1 * 0.5))
    assert torch.equal(model.embedding.weight, before["embedding.weight"])


def test_muon_is_refused_where_it_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a bigram model has none: use 'adamw'"):
        make_optimizers(BigramLanguageModel(3), "muon", **SETTINGS)
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(ValueError, match=r"'muon' needs torch 2\.9 or newer, this is "):
        make_optimizers(TwoLayers(), "muon", **SETTINGS)


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
