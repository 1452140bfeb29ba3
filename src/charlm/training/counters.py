"""How far a run has come: its steps, its time, its best evaluation, and what has gathered since its last entry."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import Tensor

from charlm.data.dataset import IGNORE_INDEX
from charlm.runtime import distributed


class Counters:
    """What a run has come to: steps and time, the best evaluation, and what has gathered since the last entry.

    Args:
        device: Where losses are kept until they are read.

    Attributes:
        step: Optimizer steps done.
        seconds: Spent in them.
        agreed_seconds: The same, as all processes know it.
        losses: Those of the steps since the last entry, a scalar each; this process's share.
        recent_characters: Trained on since then by this process; where it is a tensor, it has not been read.
        recent_seconds: Spent in steps since then.
        best_loss: The lowest loss on the validation data, in nats.
        best_step: When that was; 0 where nothing was evaluated.
        evaluations_since_best: How many have followed it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.step: int = 0
        self.seconds: float = 0.0
        self.agreed_seconds: float = 0.0
        self.losses: list[Tensor] = []
        self.recent_characters: Tensor | int = 0
        self.recent_seconds: float = 0.0
        self.best_loss: float = math.inf
        self.best_step: int = 0
        self.evaluations_since_best: int = 0

    def count_step(self, loss: Tensor, targets: Tensor) -> None:
        """Counts a step; nothing is read, as on an accelerator that would wait for the step."""
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
        """Counts an evaluation after the last step, which may be the best."""
        if loss < self.best_loss:
            self.best_loss, self.best_step, self.evaluations_since_best = loss, self.step, 0
        else:
            self.evaluations_since_best += 1

    def characters_per_second(self) -> float:
        """Returns how fast all processes together have trained since the last entry."""
        return int(self.recent_characters) * distributed.world_size() / self.recent_seconds

    def begin_entry(self) -> None:
        """Forgets what has gathered, an entry having been made of it."""
        self.losses, self.recent_characters, self.recent_seconds = [], 0, 0.0

    def state_dict(self) -> dict[str, Any]:
        """Returns it over all processes, each of which must call this: JSON values, and ``losses`` as a tensor."""
        losses = torch.stack(self.losses) if self.losses else torch.zeros(0, device=self._device)
        return {
            "step": self.step,
            "seconds": self.seconds,
            "recent_characters": int(self.recent_characters) * distributed.world_size(),
            "recent_seconds": self.recent_seconds,
            "best_loss": None if math.isinf(self.best_loss) else self.best_loss,
            "best_step": self.best_step,
            "evaluations_since_best": self.evaluations_since_best,
            "losses": distributed.add_up(losses),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Counts on from there; the number of processes may be another.

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
        self.best_step, self.evaluations_since_best = state["best_step"], state["evaluations_since_best"]
