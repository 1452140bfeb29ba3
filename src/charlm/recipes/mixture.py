"""Mixes a Transformer with an n-gram model: which data each is trained on, and how the weights are fitted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from charlm.models.mixture import MixtureLanguageModel
from charlm.models.ngram.model import NGramLanguageModel
from charlm.models.ngram.table import NGramTable
from charlm.recipes.prior import with_more_counted

if TYPE_CHECKING:
    from charlm.data.dataset import CompleteDataset
    from charlm.models.base import LanguageModel

TUNING_FRACTION = 0.05
"""The fraction of the training data held out from the Transformer, on which the weights of a mixture are fitted."""


class MixtureData(NamedTuple):
    """Training data in two parts.

    Attributes:
        learned: The data on which the models are trained before they are mixed.
        tuning: The data to which the weights are fitted. For a text it is the beginning: the end is most similar to
            the text that a model will continue or be evaluated on.
        whole: Both.
    """

    learned: CompleteDataset
    tuning: CompleteDataset
    whole: CompleteDataset

    @classmethod
    def split(cls, whole: CompleteDataset, *, seed: int | None) -> MixtureData:
        """Returns the parts of a dataset; records are drawn at random, with ``seed``.

        Raises:
            ValueError: A part would be shorter than a window, or would have no record.
        """
        tuning, learned = whole.split(TUNING_FRACTION, seed=seed)
        return cls(learned, tuning, whole)

    @staticmethod
    def fewest_records() -> int:
        """Returns how many records there must be for both parts to have one."""
        return math.ceil(1 / TUNING_FRACTION)

    @staticmethod
    def least_length(block_size: int) -> int:
        """Returns the length that a text needs for both parts to have a window."""
        return math.ceil((block_size + 1) / TUNING_FRACTION)


def fitted_mixture(
    gpt: LanguageModel, order: int, data: MixtureData, ngram: NGramLanguageModel | None = None
) -> MixtureLanguageModel:
    """Returns a mixture of an n-gram model and a Transformer that was trained on the first part of the data.

    The weights maximize the likelihood of the second part, with an n-gram model of the first. The final n-gram model
    counts the second part as well.

    Args:
        gpt: The Transformer.
        order: The order of the n-gram model.
        data: All training data.
        ngram: An n-gram model of this order to whose counts the data are added; None counts the data alone.
    """
    of_learned, of_whole = _counted(gpt, order, data, ngram)
    fitted = MixtureLanguageModel([gpt, _beside(gpt, of_learned)]).fit(data.tuning)
    mixture = MixtureLanguageModel([with_more_counted(gpt, data.tuning), _beside(gpt, of_whole)])
    mixture.weights.copy_(fitted.weights)
    return mixture.eval()


def _counted(
    gpt: LanguageModel, order: int, data: MixtureData, ngram: NGramLanguageModel | None
) -> tuple[NGramTable, NGramTable]:
    """Returns the n-gram models of the first part of the data, and of both."""
    if ngram is not None:
        return ngram.table.update(data.learned), ngram.table.update(data.whole)
    shape: Any = {"vocab_size": gpt.vocab_size, "order": order, "context_only": gpt.context_only}
    of_learned = NGramTable.fit(data.learned, **shape, smoothing="tuned")
    return of_learned, NGramTable(**shape, constants=of_learned.constants).update(data.whole)


def _beside(gpt: LanguageModel, table: NGramTable) -> NGramLanguageModel:
    """Returns an n-gram model on the device of a Transformer."""
    return NGramLanguageModel.of(table).to(gpt.device)
