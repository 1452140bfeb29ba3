"""The states of all random number generators that a training step may use."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from charlm.runtime.seeding import check_generator

if TYPE_CHECKING:
    from collections.abc import Iterator


TWISTER_WORDS = 624
"""The state size of a Mersenne Twister; from a position beyond it NumPy would read out of bounds."""


class RandomStates:
    """Separate states of the global generators of torch, Python and NumPy, for a run alone.

    Dropout and the like draw from global generators. Inside ``in_force`` these use the states kept here; after the
    block the program's own states are restored, and the advanced ones are kept here.

    Args:
        seed: The seed of all of them.
        device: The device; an accelerator's own generator is included.

    Example:
        >>> states = RandomStates(seed=1337, device=torch.device("cpu"))
        >>> with states.in_force():
        ...     first = torch.rand(2)
        >>> with RandomStates(seed=1337, device=torch.device("cpu")).in_force():
        ...     torch.equal(torch.rand(2), first)
        True
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self._are_in_force = False
        outside = _captured(device)
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % (1 << 32))  # noqa: NPY002 - the global generator is meant
        self._kept = _captured(device)  # while these are in force: the states of the program
        _restore(outside, device)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Uses these states for the block; nested in another such block, uses the program's own again."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the current states, by the names of the generators."""
        return _captured(self._device) if self._are_in_force else self._kept

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replaces these states; one that is missing, such as that of another device, is kept.

        Args:
            state: What ``state_dict`` returned.

        Raises:
            ValueError: They are not valid states of these generators.
        """
        new = self._kept | {name: tensor for name, tensor in state.items() if name in self._kept}
        for name, tensor in new.items():
            if tensor.shape != self._kept[name].shape or tensor.dtype != self._kept[name].dtype:
                raise ValueError(
                    f"{name} is not a generator state: got {tensor.dtype} of shape {tuple(tensor.shape)}, expected "
                    f"{self._kept[name].dtype} of shape {tuple(self._kept[name].shape)}"
                )
        _check_twisters(python=new["python"], numpy=new["numpy"])
        check_generator(new["torch"])
        self._kept = new

    def _exchange(self) -> None:
        inside = _captured(self._device)
        _restore(self._kept, self._device)
        self._kept = inside
        self._are_in_force = not self._are_in_force


def _check_twisters(*, python: Tensor, numpy: Tensor) -> None:
    words = torch.cat([python, numpy])
    positions = python[-1], numpy[-2]
    if not 0 <= words.min() <= words.max() < 1 << 32 or max(positions) > TWISTER_WORDS or numpy[-1] > 1:
        raise ValueError("the generator state of Python or NumPy is out of range")


def _captured(device: torch.device) -> dict[str, Tensor]:
    """Returns the states of all generators as tensors of fixed shapes."""
    version, internal, gauss = random.getstate()
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    assert (version, numpy_state["bit_generator"]) == (3, "MT19937")  # noqa: S101 - as in every Python and NumPy so far
    keys, position = numpy_state["state"]["key"], numpy_state["state"]["pos"]
    states = {
        "torch": torch.get_rng_state(),
        "python": torch.tensor(internal, dtype=torch.int64),
        "python_gauss": torch.tensor([gauss is not None, gauss or 0.0], dtype=torch.float64),
        "numpy": torch.tensor([*keys.tolist(), position, numpy_state["has_gauss"]], dtype=torch.int64),
        "numpy_gauss": torch.tensor(numpy_state["gauss"], dtype=torch.float64),
    }
    if device.type != "cpu":
        states["accelerator"] = torch.get_device_module(device).get_rng_state(device)
    return states


def _restore(states: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["torch"])
    has_python_gauss, gauss = states["python_gauss"].tolist()
    random.setstate((3, tuple(states["python"].tolist()), gauss if has_python_gauss else None))
    *keys, position, has_gauss = states["numpy"].tolist()
    cached = states["numpy_gauss"].item()
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), position, has_gauss, cached))  # noqa: NPY002
    if "accelerator" in states and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states["accelerator"], device)
