import copy
import pickle

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from charlm.models.dropout import RUN_GENERATOR, Dropout


def drawn(layer: nn.Module, values: Tensor, generator: torch.Generator | None) -> Tensor:
    token = RUN_GENERATOR.set(generator)
    try:
        found: Tensor = layer(values)
    finally:
        RUN_GENERATOR.reset(token)
    return found


@given(
    p=st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    seed=st.integers(0, 9),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_in_a_run_it_is_the_dropout_of_pytorch_with_the_generator_of_the_run(
    p: float, seed: int, dtype: torch.dtype
) -> None:
    values = torch.randn(40, 3, generator=torch.Generator().manual_seed(1)).to(dtype)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        expected = nn.Dropout(p)(values)
        before = torch.get_rng_state()
        found = drawn(Dropout(p), values, torch.Generator().manual_seed(seed))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(found, expected)


def test_outside_of_a_run_it_is_that_of_pytorch() -> None:
    values = torch.ones(40)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = nn.Dropout(0.5)(values)
        torch.manual_seed(3)
        assert torch.equal(Dropout(0.5)(values), expected)


def test_in_evaluation_mode_nothing_is_drawn() -> None:
    generator, values = torch.Generator().manual_seed(0), torch.ones(4)
    before = generator.get_state()
    assert drawn(Dropout(0.5).eval(), values, generator) is values
    assert torch.equal(generator.get_state(), before)


def test_gradients_are_those_of_what_was_kept() -> None:
    values = torch.ones(40, requires_grad=True)
    kept = drawn(Dropout(0.5), values, torch.Generator().manual_seed(0))
    kept.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, kept)


def test_a_layer_can_be_copied_and_pickled() -> None:
    for again in (copy.deepcopy(Dropout(0.25)), pickle.loads(pickle.dumps(Dropout(0.25)))):  # noqa: S301 - our own
        assert (type(again), again.p) == (Dropout, 0.25)
