"""Temporary modes of a model."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from charlm.runtime.forking import renew_in_children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


class _Holds:
    """For each module in training mode, how many blocks currently hold it in evaluation mode."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.counts: dict[nn.Module, int] = {}

    def renew(self) -> None:
        """Lets go of everything in a forked process, where the blocks of other threads never end."""
        self.lock = Lock()
        for module in self.counts:
            module.training = True
        self.counts.clear()


_holds = _Holds()
renew_in_children(_holds, _Holds.renew)


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Puts a model in evaluation mode for the block, and afterwards restores the mode of each of its modules.

    Where blocks of several threads overlap, the last one to end restores it.
    """
    with _holds.lock:
        counts = _holds.counts
        held = [module for module in model.modules() if module.training or module in counts]
        for module in held:
            counts[module] = counts.get(module, 0) + 1
            module.training = False
    try:
        yield
    finally:
        if held:
            with _holds.lock:
                for module in held:
                    left = counts.pop(module, 1) - 1
                    if left:
                        counts[module] = left
                    else:
                        module.training = True


@contextmanager
def training_mode(model: nn.Module) -> Iterator[None]:
    """Puts a model in training mode for the block, and afterwards in evaluation mode."""
    model.train()
    try:
        yield
    finally:
        model.eval()
