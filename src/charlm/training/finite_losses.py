"""Keeps non-finite losses from changing the weights, and NaN weights from being saved."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from charlm.errors import NonFiniteLossError
from charlm.runtime import distributed
from charlm.runtime.devices import READS_EACH_LOSS

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from charlm.training.counters import Counters
    from charlm.training.optimizers import Optimizers


class FiniteLosses:
    """Ends a run with a ``NonFiniteLossError`` that names the step and the last checkpoint.

    Args:
        counters: Those of the run.
        optimizers: The optimizers to freeze after such a loss.
        scaler: The gradient scaler.
        device: The device of the losses.

    Attributes:
        last_checkpoint: The newest checkpoint of the run; None if there is none.
    """

    def __init__(
        self, counters: Counters, optimizers: Optimizers, scaler: torch.amp.GradScaler, device: torch.device
    ) -> None:
        self.last_checkpoint: Path | None = None
        self._counters = counters
        self._optimizers = optimizers
        self._scaler = scaler
        self._device = device

    def check(self, loss: Tensor) -> None:
        """Stops before the optimizer step if the loss is not finite.

        On an accelerator AdamW is frozen from then on instead, and the next entry raises the error: reading the loss at
        each step would force a synchronization. In float16 the gradient scaler skips the step.

        Raises:
            NonFiniteLossError: The loss was read, and is not finite.
        """
        if self._device.type in READS_EACH_LOSS or not self._optimizers.can_hold_still:
            if not math.isfinite(loss.item()):
                raise self.error("loss", self._counters.step + 1, loss.item())
        elif not self._scaler.is_enabled():
            self._optimizers.hold_still((~loss.isfinite()).float())

    def recent_loss(self) -> float:
        """Returns the mean of the losses since the last entry, of all processes, each of which must call this.

        Raises:
            NonFiniteLossError: One is not finite.
        """
        losses = distributed.add_up(self._counters.read_losses())
        self.check_recent(losses)
        return losses.mean().item()

    def check_recent(self, losses: Tensor) -> None:
        """Checks losses that were not read at their steps; if one is not finite, resets them and unfreezes AdamW.

        Args:
            losses: The losses of the last steps, on the CPU.

        Raises:
            NonFiniteLossError: One is not finite.
        """
        if not losses.isfinite().all():
            first = int(losses.isfinite().int().argmin())
            self._counters.losses = []
            self._optimizers.move_again()
            raise self.error("loss", self._counters.step - len(losses) + first + 1, losses[first].item())

    def check_weights(self, weights: dict[str, Tensor]) -> None:
        """Checks that no weight is NaN.

        Raises:
            NonFiniteLossError: One is; names its tensor.
        """
        for name, weight in weights.items():
            if weight.isnan().any():
                raise self.error(f"weight {name!a}", self._counters.step, math.nan)

    def error(self, what: str, step: int, value: float) -> NonFiniteLossError:
        """Returns the error for a value that is not finite."""
        saved = "there is no checkpoint"
        if self.last_checkpoint is not None:
            saved = f"the last checkpoint is {os.fspath(self.last_checkpoint)!a}"
        return NonFiniteLossError(
            f"the {what} of step {step} is {value}, with a learning rate of {self._optimizers.learning_rate:.3g}: "
            f"lower it, or set max_gradient_norm; {saved}"
        )
