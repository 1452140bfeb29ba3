import random

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm.randomness import RandomStates
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
        kept = {name: state.clone() for name, state in states.current().items()}
        expected = [draw() for _ in range(after)]
    other = RandomStates(seed + 1, device)
    other.replace(kept)
    with other.in_force():
        assert [draw() for _ in range(after)] == expected


def test_the_program_draws_as_if_nothing_had_happened(device: torch.device) -> None:
    outside = RandomStates(0, device)
    with outside.in_force():
        expected = [draw() for _ in range(4)]
    outside = RandomStates(0, device)
    with outside.in_force():
        first = draw()
        states = RandomStates(7, device)
        second = draw()
        with states.in_force():
            inside = draw()
            with states.in_force():
                third = draw()
            also_inside = draw()
        assert [first, second, third, draw()] == expected
    again = RandomStates(7, device)
    with again.in_force():
        assert [draw(), draw()] == [inside, also_inside]


def test_states_of_another_device_are_left_out() -> None:
    states = RandomStates(0, torch.device("cpu"))
    before = states.current()
    states.replace({"accelerator": torch.zeros(16, dtype=torch.uint8)})
    assert states.current().keys() == before.keys()
