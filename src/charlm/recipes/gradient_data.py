"""The data of a run of gradient descent: what a model is trained on, and what it is measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from charlm.recipes.dataset import dataset_of
from charlm.recipes.mixture import MixtureData
from charlm.recipes.presets import BLOCK_SIZE
from charlm.recipes.prior import knows

if TYPE_CHECKING:
    from charlm.data.dataset import CompleteDataset
    from charlm.models.ngram.table import NGramTable
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.presets import Recipe


@dataclass(frozen=True, kw_only=True)
class GradientData:
    """The data of a run.

    Attributes:
        whole: All training data.
        of_mixture: Its parts, for a mixture; None for any other family.
        held_out: The validation data; None if there are none.
    """

    whole: CompleteDataset
    of_mixture: MixtureData | None
    held_out: CompleteDataset | None

    @classmethod
    def of(
        cls, corpus: Corpus, validation: Corpus | None, recipe: Recipe, *, context: int | None, seed: int | None
    ) -> GradientData:
        """Returns the data for a recipe.

        Args:
            corpus: The texts to train on.
            validation: Those to measure by.
            recipe: How to train.
            context: The block size of the model; None if it has none.
            seed: Decides how the data are parted for a mixture.

        Raises:
            ValueError: There are too few for windows of this size.
        """
        whole = _training_data(corpus, recipe, context)
        return cls(
            whole=whole,
            of_mixture=MixtureData.split(whole, seed=seed) if recipe.family == "mixture" else None,
            held_out=None if validation is None else _held_out(validation, whole.block_size),
        )

    @property
    def learned(self) -> CompleteDataset:
        """What gradients are computed of."""
        return self.whole if self.of_mixture is None else self.of_mixture.learned

    def is_known_by(self, table: NGramTable) -> bool:
        """Returns whether an n-gram model has counted some of the data."""
        return knows(table, self.whole) or (self.held_out is not None and knows(table, self.held_out))


def _training_data(corpus: Corpus, recipe: Recipe, context: int | None) -> CompleteDataset:
    """Returns the training data.

    Args:
        corpus: The texts.
        recipe: How to train.
        context: The block size of the model; None if it has none.

    Raises:
        ValueError: There are too few for windows of this size.
    """
    if recipe.family == "mixture" and corpus.is_of_records and len(corpus) < MixtureData.fewest_records():
        raise corpus.error(
            f"a mixture needs at least {MixtureData.fewest_records()} records to train on, got {len(corpus)}: give "
            "more, or model='ngram'"
        )
    if context is not None and not corpus.is_of_records:
        least = MixtureData.least_length(context) if recipe.family == "mixture" else context + 1
        if corpus.longest < least:
            raise corpus.error(
                f"a {recipe.family} with a context of {context} characters needs a text of at least {least} to train "
                f"on, got {corpus.longest}: give more text, a smaller block_size, or take an n-gram model"
            )
    most = context or recipe.block_size or BLOCK_SIZE
    if recipe.max_length is not None and recipe.too_long in (None, "split"):
        most = min(most, recipe.max_length + 1)
    fits = recipe.block_size or recipe.packing or not corpus.is_of_records
    return dataset_of(corpus, most if fits else min(most, corpus.longest - 1), packing=bool(recipe.packing))


def _held_out(validation: Corpus, block_size: int) -> CompleteDataset:
    if not validation.is_of_records and validation.longest <= block_size:
        raise validation.error(
            f"the validation part has {validation.longest} characters, and a window of block_size {block_size} and its "
            f"targets need {block_size + 1}: give more text, a smaller train_fraction, or a smaller block_size"
        )
    return dataset_of(validation, block_size)
