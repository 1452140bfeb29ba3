"""What happens while a model is made, for whoever wants to say so: one typed hook takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.evaluation.scoring import Evaluation
    from charlm.training.log import LogEntry


@dataclass(frozen=True, kw_only=True)
class CorpusSplit:
    """The data have been cut in two: ``total`` characters or records, of which some are for validation."""

    total: int
    unit: str
    symbols: int
    training: int
    validation: int


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A model has counted."""

    family: str
    order: int
    n_grams: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class TrainingBegan:
    """Training by gradient descent begins, or goes on after ``first_step`` steps."""

    family: str
    parameters: int
    device: str
    first_step: int
    total_steps: int | None
    batch_size: int
    block_size: int


@dataclass(frozen=True, kw_only=True)
class EntryMade:
    """The log of the run has a new entry."""

    entry: LogEntry


@dataclass(frozen=True, kw_only=True)
class TrainingEnded:
    """The run has come to its end; its last entry, where this process knows it."""

    entry: LogEntry | None


@dataclass(frozen=True, kw_only=True)
class TrainingStopped:
    """A signal has stopped the run; it can go on from what is in its folder."""

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
    """The model lies in the folder of the run."""

    folder: Path


Event: TypeAlias = (
    CorpusSplit | Counted | TrainingBegan | EntryMade | TrainingEnded | TrainingStopped | Mixed | Evaluated | Saved
)
Hook: TypeAlias = Callable[[Event], None]


def say_nothing(_: Event) -> None:
    """The hook of those who do not want to know."""
