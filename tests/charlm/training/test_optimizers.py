import dataclasses
from typing import Any

import pytest
import torch

from charlm import BigramLanguageModel, LanguageModel, ParameterGroups, TrainerConfig
from charlm.training.optimizers import Optimizers
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


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_every_parameter_is_moved_and_muon_moves_the_matrices_alone(name: str) -> None:
    model = TwoLayers()
    optimizers = Optimizers(model, config(optimizer=name))
    assert moved(model, optimizers, gradient=1.0)[0] == set(model.state_dict())
    by_muon = {key.rpartition(".")[0] for key in optimizers.state_dict() if key.endswith(".momentum_buffer")}
    assert by_muon == ({"hidden.weight"} if name == "muon" else set())


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_weights_of_linear_layers_decay_and_nothing_else(name: str) -> None:
    model = TwoLayers()
    decayed, before = moved(model, Optimizers(model, config(optimizer=name)), gradient=0.0)
    assert decayed == {"hidden.weight", "head.weight"}
    torch.testing.assert_close(model.head.weight.detach(), before["head.weight"] * (1 - 0.1 * 0.5))


class WithHashedTable(TwoLayers):
    """Says its groups itself."""

    def __init__(self) -> None:
        super().__init__()
        self.hashed = torch.nn.Embedding(3, 4)
        torch.nn.init.ones_(self.hashed.weight)

    def parameter_groups(self) -> ParameterGroups:
        return dataclasses.replace(super().parameter_groups(), hashed_tables=frozenset({"hashed.weight"}))


def test_hashed_tables_decay_at_a_rate_of_their_own() -> None:
    model = WithHashedTable()
    model.positions = torch.nn.Embedding(model.vocab_size + 1, 4)
    decayed, before = moved(model, Optimizers(model, config()), gradient=0.0)
    assert decayed == {"hidden.weight", "head.weight", "hashed.weight"}
    torch.testing.assert_close(model.hashed.weight.detach(), before["hashed.weight"] * (1 - 0.1 * 0.25))


class WithSlowBias(TwoLayers):
    """Likewise."""

    def parameter_groups(self) -> ParameterGroups:
        return dataclasses.replace(super().parameter_groups(), slow=frozenset({"hidden.bias"}))


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_slow_parameters_take_a_tenth_of_the_step_and_do_not_decay(name: str) -> None:
    steps = {}
    for model in (TwoLayers(), WithSlowBias()):
        optimizers = Optimizers(model, config(optimizer=name))
        for _ in range(3):
            _, before = moved(model, optimizers, gradient=1.0)
        after = model.state_dict()
        steps[type(model)] = {key: after[key] - before[key] for key in ("hidden.bias", "norm.bias")}
        assert optimizers.learning_rate == pytest.approx(0.1)
    torch.testing.assert_close(steps[WithSlowBias]["hidden.bias"], 0.1 * steps[TwoLayers]["hidden.bias"])
    torch.testing.assert_close(steps[WithSlowBias]["norm.bias"], steps[TwoLayers]["norm.bias"])
    model = WithSlowBias()
    assert "hidden.bias" not in moved(model, Optimizers(model, config(optimizer=name)), gradient=0.0)[0]


def test_the_schedule_moves_the_rates_of_slow_and_other_parameters_together() -> None:
    model = WithSlowBias()
    optimizers = Optimizers(model, config())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    for factor in (0.5, 0.25):
        optimizers.step(UNSCALED, factor=factor, max_gradient_norm=None)
        assert optimizers.learning_rate == pytest.approx(0.1 * factor)  # what the log says
        rates = {group["lr"] for group in optimizers._adamw.param_groups}
        assert sorted(rates) == pytest.approx([0.01 * factor, 0.1 * factor])


def test_what_holds_still_moves_again_when_it_may() -> None:
    model = TwoLayers()
    optimizers = Optimizers(model, config())
    for is_bad, expected in ((0.0, True), (1.0, False), (0.0, False)):
        optimizers.hold_still(torch.tensor(is_bad))
        assert bool(moved(model, optimizers, gradient=1.0)[0]) is expected
    optimizers.move_again()
    assert moved(model, optimizers, gradient=1.0)[0]


def test_muon_is_refused_where_there_is_no_matrix() -> None:
    with pytest.raises(ValueError, match="a model of the family bigram has none: use 'adamw'"):
        Optimizers(BigramLanguageModel(3), config(optimizer="muon"))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (ParameterGroups(decayed=frozenset({"nothing"})), "'nothing', which it does not have"),
        (
            ParameterGroups(hidden_matrices=frozenset({"hidden.bias"})),
            "the hidden matrix 'hidden.bias' .* 1 dimensions",
        ),
    ],
)
def test_groups_that_a_model_cannot_have_are_refused(
    monkeypatch: pytest.MonkeyPatch, groups: ParameterGroups, message: str
) -> None:
    monkeypatch.setattr(TwoLayers, "parameter_groups", lambda _: groups)
    with pytest.raises(ValueError, match=message):
        Optimizers(TwoLayers(), config())


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_optimizers_go_on_from_what_others_remember(name: str) -> None:
    first, second = TwoLayers(), TwoLayers()
    before, after = Optimizers(first, config(optimizer=name)), Optimizers(second, config(optimizer=name))
    moved(first, before, gradient=1.0)
    second.load_state_dict(first.state_dict())
    after.load_state_dict({key: tensor.clone() for key, tensor in before.state_dict().items()})
    for model, optimizers in ((first, before), (second, after)):
        moved(model, optimizers, gradient=-0.5)
    assert all(torch.equal(tensor, second.state_dict()[key]) for key, tensor in first.state_dict().items())
