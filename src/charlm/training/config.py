"""How to train: the settings of a run, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from chartok.arguments import (
    flag,
    fraction,
    natural_number,
    number_from_zero,
    positive_integer,
    positive_number,
    seed_of_generators,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OptimizerName: TypeAlias = Literal["adamw", "muon"]
Schedule: TypeAlias = Literal["linear", "cosine", "constant", "trapezoid"]
Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]

STEPS_WITHOUT_A_LIMIT = 3000
FEWEST_KEPT = 2
"""Checkpoints: so that one is left when the newest is damaged."""

CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "max_steps": positive_integer,
    "max_epochs": positive_integer,
    "max_seconds": positive_number,
    "seed": seed_of_generators,
    "learning_rate": positive_number,
    "muon_learning_rate": positive_number,
    "beta1": fraction,
    "beta2": fraction,
    "weight_decay": number_from_zero,
    "table_decay": number_from_zero,
    "warmup_steps": natural_number,
    "cooldown_fraction": fraction,
    "max_gradient_norm": positive_number,
    "accumulation_steps": positive_integer,
    "halve_on_out_of_memory": flag,
    "compile": flag,
    "ema_decay": fraction,
    "patience": positive_integer,
    "log_interval": positive_integer,
    "evaluation_interval": positive_integer,
    "checkpoint_interval": positive_integer,
    "kept_checkpoints": positive_integer,
}
"""What each setting must be that is no name."""
MAY_BE_NONE = {"max_steps", "max_epochs", "max_seconds", "patience", "max_gradient_norm", "ema_decay"}
MAY_CHANGE = {
    "max_steps", "max_epochs", "max_seconds", "patience",
    "log_interval", "evaluation_interval", "checkpoint_interval", "kept_checkpoints",
}  # fmt: skip
"""Settings with which a run may go on in another way."""
CHANGES_ROUNDING = {"precision", "compile", "accumulation_steps", "halve_on_out_of_memory"}
"""Settings that belong to the machine: a run may go on with others, but not bit for bit."""


@dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """How to train.

    The run ends at the first of the limits that are given; without any, after 3,000 steps.

    Attributes:
        max_steps: Optimizer steps in the whole run, one batch each.
        max_epochs: How often as many examples as the dataset holds are drawn; a text has one for each place where a
            window begins.
        max_seconds: Time spent in training steps. Where such a run ends depends on the speed of the machine.
        seed: Decides every random draw of the training steps, such as dropout.
        optimizer: adamw, or muon for the matrices inside the model and AdamW for the rest.
        learning_rate: Of AdamW, before the schedule. The default suits a small Transformer; a bigram wants 0.05.
        muon_learning_rate: Of Muon, before the schedule.
        beta1: How much of the mean gradient AdamW keeps at each step.
        beta2: How much of the mean squared gradient AdamW keeps at each step.
        weight_decay: Share of the weights of linear layers that is taken off at each step, for each unit of the
            learning rate.
        table_decay: That of hashed tables, of which a row that is seldom met is soon forgotten.
        schedule: How the learning rate falls: linear or cosine to zero over the whole run, constant, or trapezoid,
            which is constant and then falls in a straight line.
        warmup_steps: Steps in which the learning rate rises to its full height first.
        cooldown_fraction: The share of the run in which a trapezoid falls.
        max_gradient_norm: Longer gradients are cut to this length; None leaves them.
        accumulation_steps: Into how many parts each batch is cut to save memory; the gradient is the same.
        halve_on_out_of_memory: Where memory is not enough, cut each batch into twice as many parts and go on.
        precision: What to compute in; auto is bfloat16 on a GPU that has it, else float32.
        compile: Have torch.compile make the model faster first, which takes a while.
        ema_decay: How much the moving average of the weights keeps at each step, such as 0.999; evaluation and model
            files then take the average. None keeps none.
        patience: Evaluations in a row that may bring nothing better before the run ends; None lets it go on.
        log_interval: Steps between two entries of the log.
        evaluation_interval: Steps between two evaluations on the validation data.
        checkpoint_interval: Steps between two checkpoints; one is also made where an evaluation is the best so far, at
            the end, and where the run is stopped.
        kept_checkpoints: How many of the newest stay, 2 or more; the best one stays too.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range, or the warm-up longer than the run.

    Example:
        >>> TrainerConfig(max_steps=100).learning_rate
        0.003
    """

    max_steps: int | None = None
    max_epochs: int | None = None
    max_seconds: float | None = None
    seed: int = 1337
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 0.003
    muon_learning_rate: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    table_decay: float = 0.0
    schedule: Schedule = "linear"
    warmup_steps: int = 0
    cooldown_fraction: float = 0.4
    max_gradient_norm: float | None = None
    accumulation_steps: int = 1
    halve_on_out_of_memory: bool = False
    precision: Precision = "auto"
    compile: bool = False
    ema_decay: float | None = None
    patience: int | None = None
    log_interval: int = 100
    evaluation_interval: int = 500
    checkpoint_interval: int = 500
    kept_checkpoints: int = 2

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            value = getattr(self, name)
            if value is not None or name not in MAY_BE_NONE:
                object.__setattr__(self, name, check(name, value))  # NumPy's numbers become Python's
        for name, names in (("optimizer", OptimizerName), ("schedule", Schedule), ("precision", Precision)):
            if getattr(self, name) not in get_args(names):
                raise ValueError(f"{name} must be one of {', '.join(get_args(names))}, got {getattr(self, name)!a}")
        if self.kept_checkpoints < FEWEST_KEPT:
            raise ValueError(f"kept_checkpoints must be at least {FEWEST_KEPT}, got {self.kept_checkpoints}")
        if self.max_steps is not None and self.warmup_steps >= self.max_steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} must be below max_steps {self.max_steps}")
