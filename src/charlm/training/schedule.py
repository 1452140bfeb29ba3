"""How long a run is, and how its learning rate rises and falls along the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from charlm.training.config import STEPS_WITHOUT_A_LIMIT

if TYPE_CHECKING:
    from charlm.training.config import Schedule, TrainerConfig


class RunSchedule:
    """The limits of a run, and the learning rate at each place between its start and its end.

    Args:
        config: The limits, the warm-up and the shape of the schedule.
        examples: How many examples the training data hold.
        batch_size: How many are drawn for a step, over all processes.

    Attributes:
        total_steps: The length of the run in steps; None where only time limits it.

    Raises:
        ValueError: The warm-up is longer than the run.

    Example:
        >>> from charlm import TrainerConfig
        >>> schedule = RunSchedule(TrainerConfig(max_epochs=2), examples=100, batch_size=8)
        >>> schedule.total_steps, schedule.factor(step=5, seconds=0.0)
        (25, 0.8)
    """

    def __init__(self, config: TrainerConfig, *, examples: int, batch_size: int) -> None:
        self._config = config
        limits = [] if config.max_steps is None else [config.max_steps]
        if config.max_epochs is not None:
            limits.append(-(-config.max_epochs * examples // batch_size))  # rounded up
        if not limits and config.max_seconds is None:
            limits.append(STEPS_WITHOUT_A_LIMIT)
        self.total_steps: int | None = min(limits, default=None)
        if self.total_steps is not None and config.warmup_steps >= self.total_steps:
            raise ValueError(
                f"warmup_steps {config.warmup_steps} must be below the {self.total_steps} steps of the run"
            )

    def factor(self, step: int, seconds: float) -> float:
        """Returns what the learning rates of the settings are multiplied with in a step.

        Args:
            step: How many steps were done before.
            seconds: How long they took.
        """
        config = self._config
        progress = 0.0 if config.max_seconds is None else seconds / config.max_seconds
        if self.total_steps is not None:
            progress = max(progress, (step - config.warmup_steps) / (self.total_steps - config.warmup_steps))
        rise = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
        return rise * learning_rate_factor(config.schedule, progress, config.cooldown_fraction)

    def is_over(self, step: int, seconds: float, evaluations_since_best: int) -> bool:
        """Returns whether one of the limits is reached.

        Args:
            step: How many steps were done.
            seconds: How long they took.
            evaluations_since_best: How many evaluations in a row brought nothing better.
        """
        config = self._config
        return (
            (self.total_steps is not None and step >= self.total_steps)
            or (config.max_seconds is not None and seconds >= config.max_seconds)
            or (config.patience is not None and evaluations_since_best >= config.patience)
        )


def learning_rate_factor(schedule: Schedule, progress: float, cooldown_fraction: float) -> float:
    """Returns what the learning rate is multiplied with when a share ``progress`` of the run is done.

    Args:
        schedule: ``linear`` falls in a straight line to zero, ``cosine`` along half a wave, ``constant`` not at all,
            and ``trapezoid`` in a straight line at the end of the run.
        progress: 0 at the first step after the warm-up, 1 after the last.
        cooldown_fraction: The share of the run in which a trapezoid falls.

    Example:
        >>> [learning_rate_factor("trapezoid", progress, 0.5) for progress in (0, 0.5, 0.75, 1)]
        [1.0, 1.0, 0.5, 0.0]
    """
    left = max(0.0, 1 - progress)
    match schedule:
        case "linear":
            return left
        case "cosine":
            return (1 - math.cos(math.pi * left)) / 2
        case "constant":
            return 1.0
        case "trapezoid":
            return min(1.0, left / cooldown_fraction)
