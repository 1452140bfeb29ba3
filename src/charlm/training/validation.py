"""Evaluates the model of a run on the validation data, and keeps the best weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from charlm.evaluation.scoring import Evaluation, evaluate
from charlm.runtime import distributed

if TYPE_CHECKING:
    from charlm.data.dataset import ValidationDataset
    from charlm.models.base import LanguageModel
    from charlm.training.best_weights import BestWeights
    from charlm.training.counters import Counters
    from charlm.training.finite_losses import FiniteLosses
    from charlm.training.weight_average import WeightAverage
    from chartok import Vocabulary


class Validation:
    """The evaluations of a run, by its first process.

    Args:
        dataset: The validation data; None if there is none.
        model: The model that is trained.
        average: The average of its weights, with which it is evaluated.
        counters: Those of the run.
        best: The best weights so far.
        vocabulary: What the ids mean, for ``unk``; see ``charlm.evaluate``.

    Attributes:
        dataset: The validation data.
        fingerprint: Its fingerprint.
    """

    def __init__(
        self,
        dataset: ValidationDataset | None,
        model: LanguageModel,
        average: WeightAverage,
        counters: Counters,
        best: BestWeights,
        vocabulary: Vocabulary | None,
    ) -> None:
        self.dataset = dataset
        self.fingerprint: str | None = None if dataset is None else dataset.fingerprint()
        self._model = model
        self._average = average
        self._counters = counters
        self._best = best
        self._vocabulary = vocabulary

    def evaluate(self) -> Evaluation:
        """Returns the exact loss.

        Raises:
            ValueError: There is no validation data.
        """
        if self.dataset is None:
            raise ValueError("this trainer has no validation data: give validation=")
        with self._average.in_force():
            return evaluate(self._model, self.dataset, vocabulary=self._vocabulary)

    def counted_loss(self, finite: FiniteLosses, *, is_saved: bool) -> float:
        """Returns the loss after the last step, in nats per character; each process must call this.

        Args:
            finite: Ends the run if the loss is not finite.
            is_saved: Whether this process saves the weights if they are the best.

        Raises:
            NonFiniteLossError: The loss is not finite.
        """
        loss = self.evaluate().nats_per_character if distributed.rank() == 0 else math.nan
        loss = distributed.from_first(loss)
        step = self._counters.step
        if not math.isfinite(loss):
            raise finite.error("validation loss", step, loss)
        self._counters.count_evaluation(loss)
        if self._counters.best_step == step and not is_saved:
            with self._average.in_force():
                self._best.keep(step)
        return loss
