"""Evaluates the model of a run on the validation data, and keeps the best weights."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.dataset import Piece
from charlm.evaluation.scoring import TARGETS_AT_ONCE, Evaluation, evaluate
from charlm.runtime import distributed
from charlm.training.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charlm.data.dataset import SupportsPieces, ValidationDataset
    from charlm.models.base import LanguageModel
    from charlm.training.best_weights import BestWeights
    from charlm.training.config import TrainerConfig
    from charlm.training.counters import Counters
    from charlm.training.finite_losses import FiniteLosses
    from charlm.training.weight_average import WeightAverage
    from chartok import Vocabulary


class Beginning:
    """The beginning of a dataset, for an evaluation that takes less time.

    Args:
        dataset: The dataset.
        characters: How many ids are scored, if it has as many.

    Example:
        >>> from charlm import BigramLanguageModel, TextDataset, evaluate
        >>> evaluate(BigramLanguageModel(9), Beginning(TextDataset(range(9), block_size=2), 3)).characters
        3
    """

    def __init__(self, dataset: SupportsPieces, characters: int) -> None:
        self._dataset = dataset
        self._characters = characters

    def pieces(self, targets: int | None, overlap: int) -> Iterator[Piece]:
        """Yields it a piece at a time; see ``SupportsPieces``."""
        left = self._characters
        for piece in self._dataset.pieces(targets, overlap):
            ids, lengths, counts, weights = piece
            found = int(np.count_nonzero(counts))
            if found < left:
                yield piece
                left -= found
                continue
            starts = np.cumsum(lengths) - lengths
            is_target = np.ones(len(ids), dtype=bool)
            is_target[starts[lengths > 0]] = False
            end = int(np.flatnonzero(is_target)[np.searchsorted(np.cumsum(counts), left)]) + 1
            begun = np.minimum(end - starts, lengths)[starts < end]
            own = None if weights is None else weights[starts < end]
            yield Piece(ids[:end], begun, counts[: np.count_nonzero(is_target[:end])], own)
            return

    def check_ids(self, size: int) -> None:
        """Checks that every id of the dataset is below ``size``."""
        self._dataset.check_ids(size)


def scored_part(dataset: SupportsPieces, most: int | None) -> int | None:
    """Returns how many ids at the beginning of a dataset are scored; None if all of them are.

    Args:
        dataset: The dataset.
        most: How many ids are scored, if it has as many; None is all.

    Example:
        >>> from charlm import TextDataset
        >>> dataset = TextDataset(range(9), block_size=2)
        >>> scored_part(dataset, 3), scored_part(dataset, 8), scored_part(dataset, None)
        (3, None, None)
    """
    if most is None:
        return None
    one_more = Beginning(dataset, most + 1).pieces(TARGETS_AT_ONCE, 0)
    return most if sum(int(np.count_nonzero(piece.counts)) for piece in one_more) > most else None


class Validation:
    """The evaluations of a run, by its first process.

    Args:
        dataset: The validation data; None if there is none.
        config: The settings of the run.
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
        config: TrainerConfig,
        model: LanguageModel,
        average: WeightAverage,
        counters: Counters,
        best: BestWeights,
        vocabulary: Vocabulary | None,
    ) -> None:
        self.dataset = dataset
        self.fingerprint: str | None = None if dataset is None else dataset.fingerprint()
        self._seen: SupportsPieces | None = dataset
        if dataset is not None and config.evaluation_characters is not None:
            self._seen = Beginning(dataset, config.evaluation_characters)
        self._model = model
        self._average = average
        self._counters = counters
        self._best = best
        self._vocabulary = vocabulary

    def evaluate(self) -> Evaluation:
        """Returns the exact loss on all validation data.

        Raises:
            ValueError: There is no validation data.
        """
        return self._evaluate(self.dataset)

    def _evaluate(self, dataset: SupportsPieces | None) -> Evaluation:
        if dataset is None:
            raise ValueError("this trainer has no validation data: give validation=")
        with self._average.in_force():
            return evaluate(self._model, dataset, vocabulary=self._vocabulary)

    def sample(self) -> str | None:
        """Returns a short text by the model as it is evaluated.

        Returns:
            None in processes other than the first, and where the model gives no symbol a probability, as one that
            diverges may after some of them: a run does not end for what is only shown.
        """
        if distributed.rank() or self._vocabulary is None or not self._vocabulary.symbols:
            return None
        with self._average.in_force(), contextlib.suppress(ValueError):
            return Sampler(self._model, self._vocabulary).sample_for_log()
        return None

    def counted_loss(self, finite: FiniteLosses, *, is_saved: bool) -> float:
        """Returns the loss after the last step, in nats per character; each process must call this.

        Args:
            finite: Ends the run if the loss is not finite.
            is_saved: Whether this process saves the weights if they are the best.

        Raises:
            NonFiniteLossError: The loss is not finite.
        """
        loss = self._evaluate(self._seen).nats_per_character if distributed.rank() == 0 else math.nan
        loss = distributed.from_first(loss)
        step = self._counters.step
        if not math.isfinite(loss):
            raise finite.error("validation loss", step, loss)
        self._counters.count_evaluation(loss)
        if self._counters.best_step == step and not is_saved:
            with self._average.in_force():
                self._best.keep(step)
        return loss
