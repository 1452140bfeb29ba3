"""Temporary modes of a model."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

_LOCK = Lock()
_HELD: dict[nn.Module, int] = {}
"""For each module in training mode, how many blocks currently hold it in evaluation mode."""


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Puts a model in evaluation mode for the block, and afterwards restores the mode of each of its modules.

    Where blocks of several threads overlap, the last one to end restores it.
    """
    with _LOCK:
        held = [module for module in model.modules() if module.training or module in _HELD]
        for module in held:
            _HELD[module] = _HELD.get(module, 0) + 1
            module.training = False
    try:
        yield
    finally:
        if held:
            with _LOCK:
                for module in held:
                    _HELD[module] -= 1
                    if not _HELD[module]:
                        del _HELD[module]
                        module.training = True


@contextmanager
def training_mode(model: nn.Module) -> Iterator[None]:
    """Puts a model in training mode for the block, and afterwards in evaluation mode."""
    model.train()
    try:
        yield
    finally:
        model.eval()
