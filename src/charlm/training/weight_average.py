"""The moving average of a model's weights, which often predicts better than the last weights."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from charlm.training.state import check_alike

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from torch import Tensor, nn


class WeightAverage:
    """The exponential moving average of a model's weights (Polyak and Juditsky, 1992).

    Early on the average decays faster, so that the initial weights are soon forgotten: after ``t`` steps its decay is
    ``min(decay, (1 + t) / (10 + t))``.

    Args:
        model: The model, whose current weights are the initial average.
        decay: The fraction of the average that each step keeps, above 0 and below 1; None keeps no average.

    Example:
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = torch.nn.init.zeros_(model.weight)
        >>> average = WeightAverage(model, decay=0.999)
        >>> _ = torch.nn.init.ones_(model.weight)
        >>> average.update(step=0)
        >>> average.state_dict()
        {'weight': tensor([[0.9000]])}
    """

    def __init__(self, model: nn.Module, decay: float | None) -> None:
        self._parameters = {} if decay is None else dict(model.named_parameters())
        self._decay = 0.0 if decay is None else decay
        self._tensors = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        self._is_in_force = False

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the averages, by the names of the parameters."""
        return dict(self._tensors)

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores averages.

        Args:
            state: What ``state_dict`` returned for the same model.

        Raises:
            ValueError: They do not match the weights of the model.
        """
        for name, average in self._tensors.items():
            if name not in state:
                raise ValueError(f"the average of {name!a} is missing")
            check_alike(name, state[name], average)
            average.copy_(state[name])

    def update(self, step: int) -> None:
        """Updates the average after one more step; ``step`` is the number of steps before it."""
        if self._tensors:
            keep = min(self._decay, (1 + step) / (10 + step))
            averages: list[Tensor] = list(self._tensors.values())
            get_ema_multi_avg_fn(keep)(averages, [parameter.detach() for parameter in self._parameters.values()], step)

    def in_force(self) -> AbstractContextManager[None]:
        """Uses the averages as the model's weights for the block, and for those within it; without any does nothing."""
        return self._for_block(is_in_force=True)

    def suspended(self) -> AbstractContextManager[None]:
        """Uses the model's own weights for a block, also within that of ``in_force``."""
        return self._for_block(is_in_force=False)

    @contextmanager
    def _for_block(self, *, is_in_force: bool) -> Iterator[None]:
        before = self._is_in_force
        self._change_to(is_in_force=is_in_force)
        try:
            yield
        finally:
            self._change_to(is_in_force=before)

    @torch.no_grad()
    def _change_to(self, *, is_in_force: bool) -> None:
        """Swaps the averages with the model's own weights, unless they are where they should be."""
        if is_in_force == self._is_in_force:
            return
        self._is_in_force = is_in_force
        for name, parameter in self._parameters.items():
            kept = parameter.clone()
            parameter.copy_(self._tensors[name])
            self._tensors[name].copy_(kept)
