"""The gradient loop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

from charlm.arguments import finite_number, positive_integer
from charlm.metrics import TrainingRecord
from charlm.scoring import Evaluation, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from charlm.batching import BatchSampler
    from charlm.data import TextDataset
    from charlm.models import LanguageModel
    from charlm.records import RecordDataset


@dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """How to train.

    Attributes:
        max_steps: Optimizer steps in the whole run, one batch each.
        learning_rate: At the first step; it falls in a straight line to zero after the last.
        record_interval: Steps between two records of the training loss.
        evaluation_interval: Steps between two evaluations on the validation data.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: An integer is below 1, or the learning rate not above 0 and finite.

    Example:
        >>> TrainerConfig(max_steps=100).learning_rate
        0.05
    """

    max_steps: int = 3000
    learning_rate: float = 0.05
    record_interval: int = 100
    evaluation_interval: int = 500

    def __post_init__(self) -> None:
        for name in ("max_steps", "record_interval", "evaluation_interval"):
            positive_integer(name, getattr(self, name))
        if finite_number("learning_rate", self.learning_rate) <= 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")


class Trainer:
    """Fits a model to batches by gradient descent with Adam (Kingma and Ba, 2015).

    Args:
        model: The model, trained in place.
        batches: Where the training data come from; on the device of the model.
        validation: Evaluated now and then, every character scored; None for no evaluation.
        config: How to train.
        on_record: Called with each record as it is made.

    Raises:
        ValueError: The model and the batches are on different devices.
        TokenIdError: The data hold an id that the model does not have.

    Example:
        >>> from charlm import BatchSampler, BigramLanguageModel, TextDataset
        >>> batches = BatchSampler(TextDataset([0, 1, 2] * 50, block_size=8), batch_size=4, seed=0)
        >>> trainer = Trainer(BigramLanguageModel(3), batches, config=TrainerConfig(max_steps=200))
        >>> trainer.fit().records[-1].train_loss < 0.1
        True
    """

    def __init__(
        self,
        model: LanguageModel,
        batches: BatchSampler,
        *,
        validation: TextDataset | RecordDataset | None = None,
        config: TrainerConfig | None = None,
        on_record: Callable[[TrainingRecord], None] | None = None,
    ) -> None:
        if model.device != batches.device:
            raise ValueError(
                f"the model is on {model.device} and the batches on {batches.device}: "
                "move the model with model.to(batches.device)"
            )
        batches.dataset.check_ids(model.vocab_size)
        self.model = model
        self.batches = batches
        self.validation = validation
        self.config = TrainerConfig() if config is None else config
        self.on_record = on_record
        self.step = 0
        """Optimizer steps done."""
        self.records: list[TrainingRecord] = []
        """Every record made, oldest first."""
        self._seconds = 0.0
        self._optimizer = torch.optim.Adam(model.parameters(), lr=self.config.learning_rate, fused=True)

    def fit(self) -> Self:
        """Returns this trainer after training up to ``config.max_steps``.

        A record is made every ``record_interval`` steps, at each evaluation, and at the end. Interrupted by an
        exception, the model holds what the last whole step left, and ``fit`` goes on from there.
        """
        while self.step < self.config.max_steps:
            self._train_to_next_record()
        return self

    def evaluate(self) -> Evaluation:
        """Returns the exact loss on the validation data.

        Raises:
            ValueError: The trainer was given none.
        """
        if self.validation is None:
            raise ValueError("this trainer was made without validation data")
        return evaluate(self.model, self.validation)

    def _train_to_next_record(self) -> None:
        self.model.train()
        first_step = self.step
        total_loss = torch.zeros((), device=self.model.device)
        characters = 0
        started = time.perf_counter()
        while self.step == first_step or not self._is_due(self.config.record_interval, self.config.evaluation_interval):
            inputs, targets = next(self.batches)
            total_loss += self._train_step(inputs, targets)
            characters += targets.numel()
        train_loss = total_loss.item() / (self.step - first_step)
        seconds = time.perf_counter() - started
        self._seconds += seconds

        validation_loss = None
        if self.validation is not None and self._is_due(self.config.evaluation_interval):
            validation_loss = self.evaluate().nats
        record = TrainingRecord(
            step=self.step,
            train_loss=train_loss,
            validation_loss=validation_loss,
            learning_rate=self._learning_rate(self.step - 1),
            tokens_per_second=characters / seconds,
            elapsed_seconds=self._seconds,
        )
        self.records.append(record)
        if self.on_record is not None:
            self.on_record(record)

    def _train_step(self, inputs: Tensor, targets: Tensor) -> Tensor:
        _, loss = self.model(inputs, targets)
        assert loss is not None  # noqa: S101 - there are targets
        self._optimizer.zero_grad()
        loss.backward()
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate(self.step)
        self._optimizer.step()
        self.step += 1
        return loss.detach()

    def _learning_rate(self, step: int) -> float:
        return self.config.learning_rate * (1 - step / self.config.max_steps)

    def _is_due(self, *intervals: int) -> bool:
        return self.step == self.config.max_steps or any(self.step % interval == 0 for interval in intervals)
