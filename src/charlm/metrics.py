"""What a training run reports, and showing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """Where a run stands.

    Attributes:
        step: Optimizer steps done.
        train_loss: Mean loss of the batches since the record before, in nats a character.
        validation_loss: Exact loss on the validation data, in nats a character; None where it was not due.
        learning_rate: Of the last step.
        tokens_per_second: Trained on since the record before, evaluation not counted.
        elapsed_seconds: Spent in training steps since the run began, evaluation not counted.
    """

    step: int
    train_loss: float
    validation_loss: float | None
    learning_rate: float
    tokens_per_second: float
    elapsed_seconds: float


class ProgressBar:
    """A bar on the terminal with loss and speed; nothing where standard error is no terminal.

    Args:
        max_steps: The length of the run.

    Example:
        >>> with ProgressBar(max_steps=100) as show:  # pass ``show`` to a Trainer as ``on_record``
        ...     show(
        ...         TrainingRecord(
        ...             step=100, train_loss=2.5, validation_loss=None, learning_rate=0.1,
        ...             tokens_per_second=1e6, elapsed_seconds=1.0,
        ...         )
        ...     )
    """

    def __init__(self, max_steps: int) -> None:
        self._bar = tqdm(total=max_steps, unit="step", disable=None)
        self._losses: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def __call__(self, record: TrainingRecord) -> None:
        """Shows a record."""
        self._losses["train"] = f"{record.train_loss:.4f}"
        if record.validation_loss is not None:
            self._losses["validation"] = f"{record.validation_loss:.4f}"
        self._bar.set_postfix(self._losses | {"speed": f"{record.tokens_per_second:,.0f}/s"}, refresh=False)
        self._bar.update(record.step - self._bar.n)
