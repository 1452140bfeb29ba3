import math
from pathlib import Path

import pytest
import torch

from charlm import NonFiniteLossError, TrainerConfig
from charlm.training.counters import Counters
from charlm.training.finite_losses import FiniteLosses
from charlm.training.optimizers import Optimizers
from two_layers import TwoLayers

CPU = torch.device("cpu")


def guard(step: int = 10) -> FiniteLosses:
    counters = Counters(CPU)
    counters.step = step
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    return FiniteLosses(counters, Optimizers(TwoLayers(), TrainerConfig(learning_rate=0.5)), scaler, CPU)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_is_checked_as_that_of_the_step_that_is_under_way(value: float) -> None:
    guard().check(torch.tensor(1.0))
    with pytest.raises(NonFiniteLossError, match=f"the loss of step 11 is {value}, with a learning rate of 0.5: lower"):
        guard().check(torch.tensor(value))


def test_the_first_of_the_recent_losses_is_named_with_its_step() -> None:
    guard().check_recent(torch.zeros(0))
    guard().check_recent(torch.tensor([1.0, 2.0]))
    with pytest.raises(NonFiniteLossError, match="the loss of step 9 is inf"):
        guard().check_recent(torch.tensor([1.0, math.inf, math.nan]))


def test_a_weight_may_be_infinite_and_not_nan() -> None:
    guard().check_weights({"a": torch.tensor([-math.inf])})
    with pytest.raises(NonFiniteLossError, match="the weight 'b' of step 10 is nan"):
        guard().check_weights({"a": torch.zeros(1), "b": torch.tensor([0.0, math.nan])})


def test_the_error_says_what_there_is_to_go_back_to() -> None:
    finite = guard()
    assert str(finite.error("loss", 3, math.nan)).endswith("; there is no checkpoint")
    finite.last_checkpoint = Path("step-7")
    assert str(finite.error("loss", 3, math.nan)).endswith("; the last checkpoint is 'step-7'")
