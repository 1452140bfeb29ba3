import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import (
    GPT,
    BatchSampler,
    BigramLanguageModel,
    GPTConfig,
    RecordDataset,
    TextDataset,
    generate,
)
from charlm.runtime.seeding import seeded_generator
from charlm.training.random_states import RandomStates, _captured, _restore
from strategies import costly


def draw() -> list[float]:
    """From every generator, an odd number of normal values too: they leave one in store."""
    return [
        torch.rand(()).item(),
        random.gauss(0, 1),
        np.random.randn(),  # noqa: NPY002 - the global generator is meant
    ]


@costly()
@given(seed=st.integers(0, 1 << 40), before=st.integers(0, 3), after=st.integers(1, 3))
def test_draws_go_on_from_kept_states_bit_for_bit(seed: int, before: int, after: int) -> None:
    device = torch.device("cpu")
    states = RandomStates(seed, device)
    with states.in_force():
        for _ in range(before):
            draw()
        kept = {name: state.clone() for name, state in states.state_dict().items()}
        expected = [draw() for _ in range(after)]
    other = RandomStates(seed + 1, device)
    other.load_state_dict(kept)
    with other.in_force():
        assert [draw() for _ in range(after)] == expected


@contextmanager
def seeded(device: torch.device) -> Iterator[None]:
    """Seeds what the program draws from, for a block."""
    outside = _captured(device)
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global generator is meant
    yield
    _restore(outside, device)


def test_the_program_draws_as_if_nothing_had_happened(device: torch.device) -> None:
    with seeded(device):
        expected = [draw() for _ in range(4)]
    with seeded(device):
        first = draw()
        states = RandomStates(7, device)
        second = draw()
        with states.in_force():
            inside = draw()
            with states.suspended():
                third = draw()
            also_inside = draw()
        assert [first, second, third, draw()] == expected
    again = RandomStates(7, device)
    with again.in_force():
        assert [draw(), draw()] == [inside, also_inside]


def test_states_of_another_device_are_left_out() -> None:
    states = RandomStates(0, torch.device("cpu"))
    before = states.state_dict()
    states.load_state_dict({"accelerator": torch.zeros(16, dtype=torch.uint8)})
    assert states.state_dict().keys() == before.keys()


@pytest.mark.parametrize("seed", [0, 7, -1, -(2**63), 2**63, 2**64 - 1])
def test_a_seed_that_torch_takes_gives_the_draws_that_torch_gives(seed: int) -> None:
    assert torch.equal(
        torch.rand(9, generator=seeded_generator(seed)), torch.rand(9, generator=torch.Generator().manual_seed(seed))
    )


SEEDED: list[Callable[[Any], Any]] = [
    lambda seed: BigramLanguageModel(5, seed=seed).table,
    lambda seed: GPT(GPTConfig(vocab_size=5, block_size=4, n_layers=1, n_heads=1, width=4), seed=seed).head.weight,
    lambda seed: torch.cat(generate(BigramLanguageModel(5), [0], max_new_tokens=9, n_samples=2, seed=seed)),
    lambda seed: next(BatchSampler(TextDataset(range(99), block_size=3), 4, seed=seed))[0],
    lambda seed: RecordDataset([*"abcdefgh"]).split(0.5, seed=seed)[0].packed(2).ids,
]


@pytest.mark.parametrize("draw", SEEDED)
def test_a_seed_is_any_integer_of_python_or_numpy(draw: Callable[[Any], Any]) -> None:
    for seed, same in ((np.int64(3), 3), (np.uint8(3), 3), (np.int64(-2), -2), (2**64 - 3, -3), (-2, 2**64 - 2)):
        assert torch.equal(draw(seed), draw(same))
    for wrong in ("1", 1.5, True, [1]):
        with pytest.raises(TypeError, match="seed must be an integer"):
            draw(wrong)


@pytest.mark.parametrize("place", [0, -1, -2])
@pytest.mark.parametrize("name", ["python", "numpy"])
def test_the_state_of_no_generator_is_refused(name: str, place: int) -> None:
    states = RandomStates(0, torch.device("cpu"))
    wrong = states.state_dict()[name].clone()
    wrong[place] = 1 << 32
    with pytest.raises(ValueError, match="the generator state of Python or NumPy is out of range"):
        states.load_state_dict({name: wrong})
