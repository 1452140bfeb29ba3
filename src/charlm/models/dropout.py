"""Dropout that draws from the generator of a training run."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

RUN_GENERATOR: ContextVar[torch.Generator | None] = ContextVar("RUN_GENERATOR", default=None)
"""The generator of the run that trains in this thread; None outside of one."""


class Dropout(nn.Dropout):
    """Dropout that draws from ``RUN_GENERATOR``, so that runs in other threads cannot change what it draws.

    Outside of a run, and in a compiled model, it draws from PyTorch's global generator, as ``torch.nn.Dropout`` does.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - PyTorch's name
        """Returns the values, in training each with probability ``p`` zero and otherwise divided by ``1 - p``."""
        if torch.compiler.is_compiling() or not (self.training and self.p):
            return super().forward(input)
        generator = RUN_GENERATOR.get()
        if generator is None:
            return super().forward(input)
        kept = torch.empty_like(input).bernoulli_(1 - self.p, generator=generator)
        return input * kept.div_(1 - self.p)
