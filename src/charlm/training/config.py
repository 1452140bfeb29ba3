"""The settings of a training run."""

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
STEPS_BETWEEN_EVALUATIONS = 500
FEWEST_KEPT = 2
"""The minimum number of checkpoints, so that one is left if the newest is damaged."""

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
    "min_learning_rate_fraction": number_from_zero,
    "max_gradient_norm": positive_number,
    "accumulation_steps": positive_integer,
    "halve_on_out_of_memory": flag,
    "compile": flag,
    "ema_decay": fraction,
    "patience": positive_integer,
    "min_delta": number_from_zero,
    "evaluation_characters": positive_integer,
    "log_interval": positive_integer,
    "evaluation_interval": positive_integer,
    "checkpoint_interval": positive_integer,
    "kept_checkpoints": positive_integer,
}
"""The check of each setting that is not a name."""
MAY_BE_NONE = {
    "max_steps", "max_epochs", "max_seconds", "max_gradient_norm", "ema_decay",
    "patience", "evaluation_interval", "evaluation_characters", "table_decay", "warmup_steps",
}  # fmt: skip
MAY_CHANGE = {
    "max_steps", "max_epochs", "max_seconds", "patience", "min_delta",
    "log_interval", "evaluation_interval", "checkpoint_interval", "kept_checkpoints",
}  # fmt: skip
"""Settings that may change when a run is resumed."""
CHANGES_ROUNDING = {"precision", "compile", "accumulation_steps", "halve_on_out_of_memory"}
"""Settings that depend on the machine: a run may be resumed with others, but not bit for bit."""


@dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """The settings of a training run.

    The run ends at the first of the limits that are set; without any, after 3,000 steps. Where ``CharLM.fit`` or
    ``charlm train`` trains a Transformer, four settings that are None are chosen by the size of the text: see below.

    Attributes:
        max_steps: Optimizer steps in the whole run, one batch each. For a Transformer, without another limit, the
            default suits the size of the text.
        max_epochs: Passes over the training data: one trains on about as many characters as a text has, or on as many
            records as there are.
        max_seconds: Time spent in training steps. Where such a run ends depends on the speed of the machine.
        seed: Seeds every random draw in the training steps, such as dropout; None draws a new one and reports it.
        optimizer: adamw, or muon for the hidden matrices and AdamW for the rest.
        learning_rate: Learning rate of AdamW, before the schedule. The default suits a small Transformer; a bigram
            needs 0.05.
        muon_learning_rate: Learning rate of Muon, before the schedule.
        beta1: Decay of AdamW's running mean of gradients.
        beta2: Decay of AdamW's running mean of squared gradients.
        weight_decay: Decoupled weight decay of linear layers, scaled by the learning rate.
        table_decay: Weight decay of hashed tables, whose rarely used rows it soon erases; None is no decay, or for a
            Transformer what suits the size of the text.
        schedule: How the learning rate decays: linear or cosine over the whole run, constant, or trapezoid, which is
            constant and then decays linearly.
        warmup_steps: Steps over which the learning rate first rises to its full value; None is 0, or for a Transformer
            that starts from counts 10.
        cooldown_fraction: Fraction of the run in which a trapezoid decays.
        min_learning_rate_fraction: Fraction of the learning rates to which the schedule decays.
        max_gradient_norm: Norm to which larger gradients are clipped; None does not clip.
        accumulation_steps: Micro-batches into which each batch is divided to save memory; the gradient is the same.
        halve_on_out_of_memory: If memory runs out, divide each batch into twice as many micro-batches and continue.
        precision: Precision of the computation; auto is bfloat16 on a GPU that supports it, else float32.
        compile: Speed up the model with torch.compile, which takes a while at the start.
        ema_decay: Decay of the moving average of the weights, such as 0.999; evaluation and model files then use the
            average. None uses no average.
        patience: Evaluations in a row without improvement before the run ends; None never ends it early, but for a
            Transformer is 5.
        min_delta: What counts as an improvement for patience: a loss lower by more than this, in nats per character.
        log_interval: Steps between log entries.
        evaluation_interval: Steps between evaluations on the validation data; None is 500, or for a Transformer what
            suits the size of the text.
        evaluation_characters: Evaluate on about this many characters at the beginning of the validation data, or on
            records drawn from it; None evaluates on all of it, but for a Transformer is 500,000 (a larger number than
            there are takes all).
        checkpoint_interval: Steps between checkpoints; one is also written after the best evaluation so far, at the
            end, and when the run is stopped.
        kept_checkpoints: How many of the newest checkpoints to keep, 2 or more; the best one is kept too.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range, or the warm-up is longer than the run.

    Example:
        >>> TrainerConfig(max_steps=100).learning_rate
        0.003
    """

    max_steps: int | None = None
    max_epochs: int | None = None
    max_seconds: float | None = None
    seed: int | None = 1337
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 0.003
    muon_learning_rate: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    table_decay: float | None = None
    schedule: Schedule = "linear"
    warmup_steps: int | None = None
    cooldown_fraction: float = 0.4
    min_learning_rate_fraction: float = 0.0
    max_gradient_norm: float | None = None
    accumulation_steps: int = 1
    halve_on_out_of_memory: bool = False
    precision: Precision = "auto"
    compile: bool = False
    ema_decay: float | None = None
    patience: int | None = None
    min_delta: float = 0.0
    log_interval: int = 100
    evaluation_interval: int | None = None
    evaluation_characters: int | None = None
    checkpoint_interval: int = 500
    kept_checkpoints: int = 2

    def __post_init__(self) -> None:
        if self.seed is None:
            from charlm.runtime.seeds import seed_or_new  # noqa: PLC0415 - seldom needed, and brings NumPy

            object.__setattr__(self, "seed", seed_or_new(None))
        for name, check in CHECKS.items():
            value = getattr(self, name)
            if value is not None or name not in MAY_BE_NONE:
                object.__setattr__(self, name, check(name, value))  # NumPy's numbers become Python's
        for name, names in (("optimizer", OptimizerName), ("schedule", Schedule), ("precision", Precision)):
            if getattr(self, name) not in get_args(names):
                raise ValueError(f"{name} must be one of {', '.join(get_args(names))}, got {getattr(self, name)!a}")
        if self.min_learning_rate_fraction > 1:
            raise ValueError(f"min_learning_rate_fraction must be at most 1, got {self.min_learning_rate_fraction}")
        if self.min_learning_rate_fraction and self.schedule == "constant":
            raise ValueError(
                "min_learning_rate_fraction is for a schedule that decays, and schedule is constant: choose another, "
                "or leave it out"
            )
        if self.kept_checkpoints < FEWEST_KEPT:
            raise ValueError(f"kept_checkpoints must be at least {FEWEST_KEPT}, got {self.kept_checkpoints}")
        if self.max_steps is not None and self.warmup_steps is not None and self.warmup_steps >= self.max_steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} must be below max_steps {self.max_steps}")

    @property
    def steps_between_evaluations(self) -> int:
        """``evaluation_interval``, or else 500."""
        return self.evaluation_interval or STEPS_BETWEEN_EVALUATIONS
