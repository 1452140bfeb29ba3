"""Events reported while a model is made, all passed to one typed hook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.evaluation.scoring import Evaluation
    from charlm.models.smoothing.choices import Smoothing, Untunable
    from charlm.training.config import TrainerConfig
    from charlm.training.log import LogEntry


@dataclass(frozen=True, kw_only=True)
class CorpusSplit:
    """The data has been split: ``total`` characters or records, some of them for validation."""

    total: int
    unit: str
    symbols: int
    training: int
    validation: int


@dataclass(frozen=True, kw_only=True)
class UnknownFound:
    """The vocabulary does not have some characters of the data; each counts as ``unk``."""

    unknown: int
    characters: int
    purpose: str


@dataclass(frozen=True, kw_only=True)
class Started:
    """Training starts from a model, whose vocabulary has grown by some symbols."""

    name: str
    family: str
    new_symbols: list[str]


@dataclass(frozen=True, kw_only=True)
class CountingBegan:
    """So many characters begin to be counted for a count model, whose smoothing may then be tuned."""

    characters: int


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A count model has been fitted.

    Attributes:
        family: Its family.
        order: Its order.
        smoothing: What is added to each count of a bigram; how the counts of an n-gram model become probabilities.
        why_untuned: Why the smoothing was not tuned, if it was to be.
        n_grams: How many there are.
        seconds: How long it took.
    """

    family: str
    order: int
    smoothing: float | Smoothing | None
    why_untuned: Untunable | None = None
    n_grams: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class PriorLeftOut:
    """A Transformer starts without counts, because the text of so many characters is too short."""

    characters: int
    least: int


@dataclass(frozen=True, kw_only=True)
class CountedAnew:
    """The counts of the model that is started from are dropped, since they are of the same text, or a part of it."""


@dataclass(frozen=True, kw_only=True)
class TrainingBegan:
    """Training by gradient descent begins, or resumes after ``first_step`` steps; the log grows at ``next_entry``."""

    family: str
    parameters: int
    device: str
    first_step: int
    next_entry: int
    total_steps: int | None
    batch_size: int
    block_size: int


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """Training has come to a step."""

    step: int


@dataclass(frozen=True, kw_only=True)
class EntryMade:
    """The log of the run has a new entry."""

    entry: LogEntry


@dataclass(frozen=True, kw_only=True)
class TrainingEnded:
    """The run has finished.

    Attributes:
        entry: Its last log entry, if this process has the log.
        best: The entry of the lowest validation loss, whose weights are kept; None if nothing was evaluated.
        scored: How many symbols at the beginning of the validation data that loss is of; None for all of them.
        is_out_of_patience: Whether it ended before its limits, since it did not improve any more.
        config: Its settings.
    """

    entry: LogEntry | None
    best: LogEntry | None
    scored: int | None
    is_out_of_patience: bool
    config: TrainerConfig


@dataclass(frozen=True, kw_only=True)
class TrainingStopped:
    """A signal has stopped the run, which can be resumed from its folder."""

    step: int
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """A Transformer has been mixed with an n-gram model."""

    order: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """A model has been evaluated on the validation part."""

    evaluation: Evaluation


@dataclass(frozen=True, kw_only=True)
class Saved:
    """The model has been saved in the folder of the run."""

    folder: Path


Event: TypeAlias = (
    CorpusSplit
    | UnknownFound
    | Started
    | CountingBegan
    | Counted
    | PriorLeftOut
    | CountedAnew
    | TrainingBegan
    | StepDone
    | EntryMade
    | TrainingEnded
    | TrainingStopped
    | Mixed
    | Evaluated
    | Saved
)
Hook: TypeAlias = Callable[[Event], None]


def both(first: Hook, second: Hook) -> Hook:
    """Returns a hook that passes each event on to two others."""

    def passed_on(event: Event) -> None:
        first(event)
        second(event)

    return passed_on


def say_nothing(_: Event) -> None:
    """A hook that ignores all events."""
