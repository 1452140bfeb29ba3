from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from charlm import TrainerConfig
from charlm.data.dataset import IGNORE_INDEX
from charlm.training.batches import Batch
from charlm.training.gradients import Gradients
from strategies import costly
from two_layers import TwoLayers


def make(model: TwoLayers, *, has_ignored_targets: bool = False, **settings: Any) -> Gradients:
    return Gradients(model, TrainerConfig(**settings), has_ignored_targets=has_ignored_targets)


def gradient(model: TwoLayers) -> Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


@costly()
@given(rows=st.integers(1, 9), parts=st.integers(1, 9) | st.just(1 << 64), masked=st.booleans(), data=st.data())
def test_parts_give_the_gradient_of_the_whole_batch(rows: int, parts: int, masked: bool, data: st.DataObject) -> None:
    inputs, targets = torch.randint(7, (2, rows, 5), generator=torch.Generator().manual_seed(rows))
    if masked:
        for row in range(rows):
            targets[row, data.draw(st.integers(1, 5)) :] = IGNORE_INDEX
    model = TwoLayers()
    _, loss = model(inputs, targets)
    assert loss is not None
    loss.backward()
    expected = gradient(model)
    model.zero_grad()
    found = make(model, accumulation_steps=parts, has_ignored_targets=masked)(Batch(inputs, targets))
    torch.testing.assert_close(found, loss.detach())
    torch.testing.assert_close(gradient(model), expected)


class Hungry(TwoLayers):
    """Has memory for so many rows at a time."""

    room = 2

    def logits(self, inputs: Tensor) -> Tensor:
        if len(inputs) > self.room:
            raise self.error
        return super().logits(inputs)

    error: Exception = torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate")]
)
def test_out_of_memory_halves_the_parts_where_asked_to(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(Hungry, "error", error)
    inputs, targets = torch.randint(7, (2, 10, 5))
    model = Hungry()
    gradients = make(model, halve_on_out_of_memory=True)
    loss = gradients(Batch(inputs, targets))
    assert gradients.parts == 8
    found = gradient(model)
    model.room = 10
    model.zero_grad()
    torch.testing.assert_close(make(model)(Batch(inputs, targets)), loss)
    torch.testing.assert_close(gradient(model), found)


def test_out_of_memory_names_the_batch_and_what_to_do() -> None:
    inputs, targets = torch.randint(7, (2, 10, 5))
    with pytest.raises(MemoryError, match="out of memory on cpu with batches of 10 x 5 ids: use a smaller batch_size"):
        make(Hungry())(Batch(inputs, targets))
    model = Hungry()
    model.room = 0
    with pytest.raises(MemoryError, match="of 10 x 5 ids in 16 parts"):
        make(model, halve_on_out_of_memory=True)(Batch(inputs, targets))


def test_another_error_is_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hungry, "error", RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        make(Hungry(), halve_on_out_of_memory=True)(Batch(*torch.randint(7, (2, 10, 5))))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_comes_near_the_gradient(precision: str) -> None:
    inputs, targets = torch.randint(7, (2, 8, 5))
    model = TwoLayers()
    make(model)(Batch(inputs, targets))
    expected = gradient(model)
    model.zero_grad()
    gradients = make(model, precision=precision)
    gradients.scaler = torch.amp.GradScaler("cpu", init_scale=64, enabled=precision == "float16")
    loss = gradients(Batch(inputs, targets))
    assert loss.dtype == torch.float32
    found = gradient(model) / gradients.scaler.get_scale()
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.01)
