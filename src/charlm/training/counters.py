"""The progress of a run: its steps, time and best evaluation, and what accumulates between log entries."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import Tensor

from charlm.data.dataset import IGNORE_INDEX
from charlm.runtime import distributed
from charlm.runtime.devices import peak_memory
from charlm.training.log import LogEntry


class Counters:
    """Counts steps and time, and tracks the best evaluation and what accumulates since the last entry.

    Args:
        device: The device of the losses until they are read.
        min_delta: By how much more than this a loss must be lower to count as an improvement, in nats.

    Attributes:
        step: The number of optimizer steps done.
        seconds: The time spent in them.
        agreed_seconds: The same, as agreed by all processes.
        losses: The losses of the steps since the last entry, scalars; this process's share.
        recent_characters: The number of characters that this process has trained on since then; a tensor until read.
        recent_seconds: The time spent in steps since then.
        best_loss: The lowest loss on the validation data, in nats.
        best_step: The step of the best loss; 0 if nothing was evaluated.
        reference_loss: The loss that an evaluation must improve on by more than ``min_delta``, in nats.
        evaluations_since_improvement: The number of evaluations since one did.
    """

    def __init__(self, device: torch.device, *, min_delta: float = 0.0) -> None:
        self._device = device
        self._min_delta = min_delta
        self.step: int = 0
        self.seconds: float = 0.0
        self.agreed_seconds: float = 0.0
        self.losses: list[Tensor] = []
        self.recent_characters: Tensor | int = 0
        self.recent_seconds: float = 0.0
        self.best_loss: float = math.inf
        self.best_step: int = 0
        self.reference_loss: float = math.inf
        self.evaluations_since_improvement: int = 0

    def count_step(self, loss: Tensor, targets: Tensor) -> None:
        """Counts a step, without reading anything: on an accelerator that would force a synchronization."""
        self.step += 1
        self.losses.append(loss)
        self.recent_characters = self.recent_characters + (targets != IGNORE_INDEX).sum()

    def read_losses(self) -> Tensor:
        """Returns the losses since the last entry on the CPU, float64 ``(N,)``; waiting for them counts as training."""
        started = time.perf_counter()
        losses = torch.stack(self.losses).cpu().double()
        self.count_seconds(time.perf_counter() - started)
        return losses

    def count_seconds(self, seconds: float) -> None:
        """Counts time spent in training."""
        self.seconds += seconds
        self.recent_seconds += seconds

    def count_evaluation(self, loss: float) -> None:
        """Records the loss of an evaluation after the last step."""
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, self.step
        if loss < self.reference_loss - self._min_delta:
            self.reference_loss, self.evaluations_since_improvement = loss, 0
        else:
            self.evaluations_since_improvement += 1

    def characters_per_second(self) -> float:
        """Returns the training speed of all processes together since the last entry."""
        return int(self.recent_characters) * distributed.world_size() / self.recent_seconds

    def entry(
        self,
        *,
        train_loss: float,
        validation_loss: float | None,
        learning_rate: float,
        gradient_norm: float,
        sample: str | None = None,
    ) -> LogEntry:
        """Returns an entry about the steps since the last one, and begins to accumulate anew.

        Args:
            train_loss: The mean loss of these steps.
            validation_loss: The loss on the validation data, if it was evaluated.
            learning_rate: That of the last step.
            gradient_norm: Likewise.
            sample: A text of the model, if it was evaluated.
        """
        entry = LogEntry(
            step=self.step,
            train_loss=train_loss,
            validation_loss=validation_loss,
            learning_rate=learning_rate,
            gradient_norm=gradient_norm if math.isfinite(gradient_norm) else None,
            characters_per_second=self.characters_per_second(),
            elapsed_seconds=self.seconds,
            peak_memory_bytes=peak_memory(self._device),
            sample=sample,
        )
        self.losses, self.recent_characters, self.recent_seconds = [], 0, 0.0
        return entry

    def state_dict(self) -> dict[str, Any]:
        """Returns the state over all processes, each of which must call this: JSON values, ``losses`` as a tensor."""
        losses = torch.stack(self.losses) if self.losses else torch.zeros(0, device=self._device)
        return {
            "step": self.step,
            "seconds": self.seconds,
            "recent_characters": int(self.recent_characters) * distributed.world_size(),
            "recent_seconds": self.recent_seconds,
            "best_loss": None if math.isinf(self.best_loss) else self.best_loss,
            "best_step": self.best_step,
            "reference_loss": None if math.isinf(self.reference_loss) else self.reference_loss,
            "evaluations_since_improvement": self.evaluations_since_improvement,
            "losses": distributed.add_up(losses),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes from a state; the number of processes may differ.

        Args:
            state: What ``state_dict`` returned, checked by ``state.check``.
        """
        world_size = distributed.world_size()
        self.step = state["step"]
        self.seconds = self.agreed_seconds = state["seconds"]
        self.losses = [loss / world_size for loss in state["losses"].to(self._device)]
        self.recent_characters = state["recent_characters"] // world_size
        self.recent_seconds = state["recent_seconds"]
        self.best_loss = math.inf if state["best_loss"] is None else state["best_loss"]
        self.best_step = state["best_step"]
        self.reference_loss = math.inf if state["reference_loss"] is None else state["reference_loss"]
        self.evaluations_since_improvement = state["evaluations_since_improvement"]
