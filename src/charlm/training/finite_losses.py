"""What keeps a loss that is not finite from the weights, and weights that are not numbers from the disk."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from charlm.errors import NonFiniteLossError
from charlm.runtime.devices import READS_EACH_LOSS

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from charlm.training.counters import Counters
    from charlm.training.optimizers import Optimizers


class FiniteLosses:
    """Ends a run with a ``NonFiniteLossError`` that says where it happened and what there is to go back to.

    Args:
        counters: Which step is the last one.
        optimizers: What must not move after such a loss.
        scaler: What the losses are multiplied by.
        device: Where they are.

    Attributes:
        last_checkpoint: The newest checkpoint of the run; None where there is none.
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
        """Stops before the optimizer's step where the loss of the next step is not finite.

        On an accelerator AdamW is told not to move from then on, and the next entry finds out: reading the loss at
        each step would make the processor wait. In float16 the gradient scaler sees to that.

        Raises:
            NonFiniteLossError: It was read, and is not finite.
        """
        if self._device.type in READS_EACH_LOSS or not self._optimizers.can_hold_still:
            if not math.isfinite(loss.item()):
                raise self.error("loss", self._counters.step + 1, loss.item())
        elif not self._scaler.is_enabled():
            self._optimizers.hold_still((~loss.isfinite()).float())

    def check_recent(self, losses: Tensor) -> None:
        """Finds a loss that was not read at its step, forgets those that were gathered, and lets AdamW move again.

        Args:
            losses: Those of the last steps, on the CPU.

        Raises:
            NonFiniteLossError: One is not finite.
        """
        if not losses.isfinite().all():
            first = int(losses.isfinite().int().argmin())
            self._counters.losses = []
            self._optimizers.move_again()
            raise self.error("loss", self._counters.step - len(losses) + first + 1, losses[first].item())

    def check_weights(self, weights: dict[str, Tensor]) -> None:
        """Checks that every weight is a number.

        Raises:
            NonFiniteLossError: One is not; names its tensor.
        """
        for name, weight in weights.items():
            if weight.isnan().any():
                raise self.error(f"weight {name!a}", self._counters.step, math.nan)

    def error(self, what: str, step: int, value: float) -> NonFiniteLossError:
        """Returns the error of a value that is not finite."""
        saved = "there is no checkpoint"
        if self.last_checkpoint is not None:
            saved = f"the last checkpoint is {os.fspath(self.last_checkpoint)!a}"
        return NonFiniteLossError(
            f"the {what} of step {step} is {value}, with a learning rate of {self._optimizers.learning_rate:.3g}: "
            f"lower it, or set max_gradient_norm; {saved}"
        )
