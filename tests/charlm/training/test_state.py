import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from charlm import CheckpointMismatchError, CheckpointVersionError
from charlm.training.state import OfEachProcess, check, composed, load, part, without


class Part:
    """Holds a tensor and a value."""

    def __init__(self, tensor: Tensor, value: int) -> None:
        self.held: dict[str, Any] = {"tensor": tensor, "value": value}

    def state_dict(self) -> dict[str, Any]:
        return self.held

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.held = {name: state[name] for name in self.held}


def test_each_part_gets_back_what_it_had() -> None:
    old = [("a", Part(torch.ones(2), 1)), ("ab", Part(torch.zeros(1), 2)), ("", Part(torch.full((1,), 3.0), 3))]
    new = [(name, Part(torch.empty(0), 0)) for name, _ in old]
    state = composed(old)
    assert (state["value"], state["a"], state["ab"]) == (3, {"value": 1}, {"value": 2})
    assert state["tensors"].keys() == {"a.tensor", "ab.tensor", "tensor"}
    load(new, state)
    for (_, before), (_, after) in zip(old, new, strict=True):
        assert after.held["value"] == before.held["value"]
        assert torch.equal(after.held["tensor"], before.held["tensor"])


def test_what_was_composed_does_not_change_with_the_parts() -> None:
    tensor = torch.ones(2)
    state = composed([("a", Part(tensor, 1))])
    tensor.zero_()
    assert part(state, "a")["tensor"].tolist() == [1, 1]


def test_a_part_can_be_left_out() -> None:
    state = composed([("a", Part(torch.ones(2), 1)), ("b", Part(torch.ones(2), 2))])
    assert without(state, "a")["tensors"].keys() == {"b.tensor"}


def test_weights_of_another_shape_are_a_wrong_value() -> None:
    state = composed([("model", nn.Linear(2, 3))])
    with pytest.raises(ValueError, match="size mismatch"):
        load([("model", nn.Linear(3, 3))], state)


def test_one_process_keeps_its_states_under_its_rank() -> None:
    states = OfEachProcess(nn.Linear(1, 1, bias=False))
    state = states.state_dict()
    assert state.keys() == {"0.weight"}
    states.load_state_dict(state | {"1.weight": torch.zeros(5)})  # of a process that there is no more


SOUND: dict[str, Any] = {
    "version": 1, "config": {"max_steps": 3, "learning_rate": 0.1, "precision": "auto"}, "data": {"model": "bigram"},
    "step": 1, "log_entries": 0, "recent_characters": 9, "best_step": 0, "evaluations_since_improvement": 0, "parts": 1,
    "seconds": 1.0, "recent_seconds": 0.5, "best_loss": None, "reference_loss": None, "batches": {"batches": 1},
    "tensors": {"losses": torch.zeros(1)}, "scaler": {"scale": 65536.0, "_growth_tracker": 3},
}  # fmt: skip
NOW = SOUND["config"] | SOUND["data"]


def test_a_sound_state_with_other_limits_passes() -> None:
    check(SOUND, NOW | {"max_steps": 99})


def test_a_newer_version_is_named() -> None:
    with pytest.raises(
        CheckpointVersionError, match="version 2 is newer than version 1, the newest supported: upgrade chartok"
    ):
        check(SOUND | {"version": 2}, NOW)


def test_other_settings_are_listed_and_those_of_the_machine_are_warned_of() -> None:
    other = NOW | {"learning_rate": 0.2, "model": "gpt"}
    with pytest.raises(CheckpointMismatchError, match=r"learning_rate: 0\.1 -> 0\.2; model: 'bigram' -> 'gpt'"):
        check(SOUND, other)
    with pytest.raises(CheckpointMismatchError, match=r"\(saved -> current\): the vocabulary has changed; to go on"):
        check(SOUND | {"data": {"vocabulary": "5f37"}}, SOUND["config"] | {"vocabulary": "59df"})
    with pytest.raises(CheckpointMismatchError, match="the validation data: none -> some"):
        check(SOUND | {"data": {"validation": None}}, SOUND["config"] | {"validation": "59df"})
    with pytest.warns(UserWarning, match=r"not bit for bit: precision: 'auto' -> 'float32'"):
        check(SOUND, NOW | {"precision": "float32"})


@pytest.mark.parametrize(
    "change",
    [
        {"step": -1}, {"step": 1 << 48}, {"step": True}, {"log_entries": 0.5}, {"batches": {"batches": "1"}},
        {"seconds": -1.0}, {"seconds": math.nan}, {"recent_seconds": None}, {"best_loss": math.inf},
        {"tensors": {"losses": torch.zeros(1, 1)}}, {"tensors": {"losses": torch.zeros(1, dtype=torch.int64)}},
        *({"scaler": {"scale": scale, "_growth_tracker": 3}} for scale in (0.0, -1.0, 1e300, "x", True, None)),
        *({"scaler": {"scale": 1.0, "_growth_tracker": steps}} for steps in (-5, 2**70, 1.0, True, None)),
        {"scaler": {"scale": 1.0}}, {"scaler": "x"}, {"scaler": [1]},
    ],
)  # fmt: skip
def test_values_that_nothing_could_count_on_with_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        check(SOUND | change, NOW)
