"""The states of all random number generators that a training step may use."""

from __future__ import annotations

import random
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from charlm.models.dropout import RUN_GENERATOR
from charlm.runtime import distributed
from charlm.runtime.seeding import check_generator, seeded_generator
from charlm.runtime.seeds import seed_or_new

if TYPE_CHECKING:
    from collections.abc import Iterator


TWISTER_WORDS = 624
"""The state size of a Mersenne Twister; from a position beyond it NumPy would read out of bounds."""
_GLOBAL_GENERATORS = Lock()
"""Held by the run whose states the global generators have."""


class RandomStates:
    """The random numbers of one run: a generator of its own, and states of its own for the global generators.

    The library's dropout draws from the run's own generator. Modules from elsewhere draw from the global generators
    of torch, Python and NumPy. Inside ``in_force`` these use the states kept here; after the block the program's own
    states are restored, and the advanced ones are kept here. Of several runs at once, in threads, only the first
    uses the global generators in this way: they are the same in every thread.

    Args:
        seed: The seed of all of them; each process adds its rank.
        device: The device; an accelerator's global generator is included.

    Example:
        >>> states = RandomStates(seed=1337, device=torch.device("cpu"))
        >>> with states.in_force():
        ...     first = torch.rand(2)
        >>> with RandomStates(seed=1337, device=torch.device("cpu")).in_force():
        ...     torch.equal(torch.rand(2), first)
        True
    """

    def __init__(self, seed: int | None, device: torch.device) -> None:
        seed = seed_or_new(seed) + distributed.rank()
        self._device = device
        self._own = seeded_generator(seed, device)
        self._own_name = f"own_{device.type}"
        self._kept = _seeded(seed, device)  # while these are in force: the states of the program
        self._has_globals = False

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Uses these states for the block."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Uses the program's own states for a block within that of ``in_force``."""
        self._end()
        try:
            yield
        finally:
            self._begin()

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the current states, by the names of the generators."""
        kept = _captured(self._device) if self._has_globals else self._kept
        return kept | {self._own_name: self._own.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Replaces these states; one that is missing, such as that of another device, is kept.

        Args:
            state: What ``state_dict`` returned.

        Raises:
            ValueError: They are not valid states of these generators.
        """
        now = self.state_dict()
        new = now | {name: tensor for name, tensor in state.items() if name in now}
        for name, tensor in new.items():
            if tensor.shape != now[name].shape or tensor.dtype != now[name].dtype:
                raise ValueError(
                    f"{name} is not a generator state: got {tensor.dtype} of shape {tuple(tensor.shape)}, expected "
                    f"{now[name].dtype} of shape {tuple(now[name].shape)}"
                )
        _check_twisters(python=new["python"], numpy=new["numpy"])
        check_generator(new["torch"])
        check_generator(new[self._own_name], self._device)
        self._own.set_state(new.pop(self._own_name))
        self._kept = new

    def _begin(self) -> None:
        self._has_globals = _GLOBAL_GENERATORS.acquire(blocking=False)
        if self._has_globals:
            self._exchange()
        RUN_GENERATOR.set(self._own)

    def _end(self) -> None:
        RUN_GENERATOR.set(None)
        if self._has_globals:
            self._exchange()
            self._has_globals = False
            _GLOBAL_GENERATORS.release()

    def _exchange(self) -> None:
        inside = _captured(self._device)
        _restore(self._kept, self._device)
        self._kept = inside


def _check_twisters(*, python: Tensor, numpy: Tensor) -> None:
    words = torch.cat([python, numpy])
    positions = python[-1], numpy[-2]
    if not 0 <= words.min() <= words.max() < 1 << 32 or max(positions) > TWISTER_WORDS or numpy[-1] > 1:
        raise ValueError("the generator state of Python or NumPy is out of range")


def _seeded(seed: int, device: torch.device) -> dict[str, Tensor]:
    """Returns the states that the global generators would have after being seeded."""
    states = _as_tensors(
        seeded_generator(seed).get_state(),
        random.Random(seed).getstate(),  # noqa: S311 - not for cryptography
        np.random.RandomState(seed % (1 << 32)).get_state(legacy=False),
    )
    if device.type != "cpu":
        states["accelerator"] = seeded_generator(seed, device).get_state()
    return states


def _captured(device: torch.device) -> dict[str, Tensor]:
    """Returns the states of all global generators."""
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    states = _as_tensors(torch.get_rng_state(), random.getstate(), numpy_state)
    if device.type != "cpu":
        states["accelerator"] = torch.get_device_module(device).get_rng_state(device)
    return states


def _as_tensors(torch_state: Tensor, python_state: tuple[Any, ...], numpy_state: Any) -> dict[str, Tensor]:  # noqa: ANN401
    """Returns the states of generators as tensors of fixed shapes."""
    version, internal, gauss = python_state
    assert (version, numpy_state["bit_generator"]) == (3, "MT19937")  # noqa: S101 - as in every Python and NumPy so far
    keys, position = numpy_state["state"]["key"], numpy_state["state"]["pos"]
    return {
        "torch": torch_state,
        "python": torch.tensor(internal, dtype=torch.int64),
        "python_gauss": torch.tensor([gauss is not None, gauss or 0.0], dtype=torch.float64),
        "numpy": torch.tensor([*keys.tolist(), position, numpy_state["has_gauss"]], dtype=torch.int64),
        "numpy_gauss": torch.tensor(numpy_state["gauss"], dtype=torch.float64),
    }


def _restore(states: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["torch"])
    has_python_gauss, gauss = states["python_gauss"].tolist()
    random.setstate((3, tuple(states["python"].tolist()), gauss if has_python_gauss else None))
    *keys, position, has_gauss = states["numpy"].tolist()
    cached = states["numpy_gauss"].item()
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), position, has_gauss, cached))  # noqa: NPY002
    if "accelerator" in states and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states["accelerator"], device)
