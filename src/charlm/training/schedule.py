"""The length of a run, and its learning-rate schedule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from charlm.training.config import STEPS_WITHOUT_A_LIMIT

if TYPE_CHECKING:
    from charlm.training.config import Schedule, TrainerConfig


class RunSchedule:
    """The limits of a run, and its learning rate at every step.

    Args:
        config: The limits, the warm-up and the shape of the schedule.
        examples: The number of training examples in an epoch.
        batch_size: The number of examples per step, over all processes.

    Attributes:
        total_steps: The length of the run in steps; None if only time limits it.

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
        self._warmup_steps = config.warmup_steps or 0
        if self.total_steps is not None and self._warmup_steps >= self.total_steps:
            raise ValueError(f"warmup_steps {self._warmup_steps} must be below the {self.total_steps} steps of the run")

    def factor(self, step: int, seconds: float) -> float:
        """Returns the factor by which the configured learning rates are multiplied in a step.

        Args:
            step: The number of steps done before.
            seconds: The time that they took.
        """
        config, warmup_steps = self._config, self._warmup_steps
        progress = 0.0 if config.max_seconds is None else seconds / config.max_seconds
        if self.total_steps is not None:
            progress = max(progress, (step - warmup_steps) / (self.total_steps - warmup_steps))
        rise = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
        least = config.min_learning_rate_fraction
        return rise * (least + (1 - least) * learning_rate_factor(config.schedule, progress, config.cooldown_fraction))

    def is_over(self, step: int, seconds: float, evaluations_since_improvement: int) -> bool:
        """Returns whether one of the limits is reached.

        Args:
            step: The number of steps done.
            seconds: The time that they took.
            evaluations_since_improvement: The number of consecutive evaluations without improvement.
        """
        config = self._config
        return (
            (self.total_steps is not None and step >= self.total_steps)
            or (config.max_seconds is not None and seconds >= config.max_seconds)
            or (config.patience is not None and evaluations_since_improvement >= config.patience)
        )


def learning_rate_factor(schedule: Schedule, progress: float, cooldown_fraction: float) -> float:
    """Returns the learning-rate factor after a fraction ``progress`` of the run.

    Args:
        schedule: ``linear`` decays linearly to zero, ``cosine`` along half a cosine wave, ``constant`` not at all, and
            ``trapezoid`` linearly at the end of the run.
        progress: 0 at the first step after the warm-up, 1 after the last.
        cooldown_fraction: The fraction of the run in which a trapezoid decays.

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
