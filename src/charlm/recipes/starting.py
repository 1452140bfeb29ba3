"""Training that starts from a model that is there: what it may become, and what of it is kept."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from charlm.errors import described_change
from charlm.files.model_file import load_stored_model, read_model_file
from charlm.files.run_folder import RunFolder
from charlm.models.registry import as_language_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from charlm.models.base import LanguageModel
    from charlm.models.mixture import MixtureLanguageModel
    from charlm.models.ngram.model import NGramLanguageModel
    from charlm.models.predictor import CountModel
    from charlm.recipes.presets import Family, Recipe
    from charlm.training.checkpoint import Checkpoint
    from chartok import Vocabulary

TRAINS_AS: dict[str, Family] = {"bigram": "trained-bigram"}
"""The families that are trained from a model of a family, where the names differ."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Start:
    """A model from which training starts, with other data and settings than its own.

    Attributes:
        model: The model, which is not changed.
        vocabulary: Its vocabulary.
        name: What to call it in errors.
        checkpoint: The checkpoint that has the state of its optimizer; None starts with a new one.

    Raises:
        ValueError: It is an n-gram model, which is not trained.
    """

    model: LanguageModel | CountModel
    vocabulary: Vocabulary
    name: str = "init_from"
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        if self.model.family == "ngram":
            raise ValueError(
                f"{self.name} is an n-gram model, which counts: add texts to it with CharLM.update, or charlm update"
            )

    @classmethod
    def of_file(cls, path: str | os.PathLike[str], *, with_optimizer: bool = False) -> Start:
        """Returns the model in a file or a run folder.

        Args:
            path: As for ``load_model``.
            with_optimizer: Whether to take the weights, and the state of the optimizer, from the newest checkpoint.

        Raises:
            OSError: There is no such file, or no checkpoint; like the other errors of ``load_model``.
            ValueError: It is an n-gram model; or a file, which has no state of an optimizer.
        """
        if with_optimizer and Path(path).is_file():
            raise ValueError(f"{os.fspath(path)!a} is a file, and the folder of a run has its optimizer: give that")
        model, vocabulary = load_stored_model(path)
        checkpoint = None
        if with_optimizer:
            from charlm.training.checkpoint import newest_checkpoint  # noqa: PLC0415 - needs PyTorch

            checkpoint = newest_checkpoint(path)
        return cls(model=model, vocabulary=vocabulary, name=ascii(os.fspath(path)), checkpoint=checkpoint)

    @property
    def family(self) -> Family:
        """The family that is trained from it, unless another one is chosen."""
        return TRAINS_AS.get(self.model.family, cast("Family", self.model.family))

    def check(self, family: Family) -> None:
        """Checks that a family can be trained from it.

        Raises:
            ValueError: It cannot; says why.
        """
        if family != self.family and {family, self.family} != {"mixture", "gpt"}:
            raise ValueError(f"{self.name} is a model of the family {self.family}, from which no {family} can start")

    def with_order(self, recipe: Recipe) -> Recipe:
        """Returns a recipe with the order of its n-gram model, unless another than the default is asked for.

        Raises:
            ValueError: Another one is asked for, or the n-gram model has no counts; or a prior is asked for that it
                does not have, or none although it has one.
        """
        trained, ngram = self._parts
        prior = getattr(trained, "prior", None)
        if recipe.prior is False and prior is not None:
            raise ValueError(f"{self.name} starts from counts, without which its weights are of no use: keep the prior")
        if recipe.family == "gpt" and recipe.order not in (None, None if prior is None else prior.order):
            has = "has no prior" if prior is None else f"has a prior of order {prior.order}"
            raise ValueError(f"{self.name} {has}, and one of order {recipe.order} is asked for: leave the order out")
        if ngram is None or recipe.family != "mixture":
            return recipe
        if recipe.order not in (None, ngram.order):
            changes = described_change("order", ngram.order, recipe.order)
            raise ValueError(f"the n-gram model of {self.name} has another order than is asked for: {changes}")
        ngram.table.ngram_counts()
        return replace(recipe, order=ngram.order)

    def model_for(self, vocabulary: Vocabulary, settings: Mapping[str, Any]) -> LanguageModel:
        """Returns a model with the same weights for another vocabulary; of a mixture, its Transformer.

        Args:
            vocabulary: The vocabulary, which has new symbols.
            settings: Settings of the model that are asked for.

        Raises:
            ValueError: The weights have another shape than these settings; lists every difference.
        """
        part = self._parts[0]
        resized = part.resize(self.vocabulary, vocabulary)
        own = resized.settings()
        different = {name for name, value in settings.items() if own[name] != value}
        fixed = sorted(different - resized.without_weights)
        if fixed:
            changes = "; ".join(described_change(name, own[name], settings[name]) for name in fixed)
            raise ValueError(f"the weights of {self.name} have a different shape than requested: {changes}")
        if not different:
            return resized
        model = type(resized).from_settings({**own, **settings})
        model.load_state_dict(resized.state_dict())
        for parameter, before in zip(model.parameters(), resized.parameters(), strict=True):
            parameter.requires_grad_(before.requires_grad)
        return model

    def ngram_for(self, vocabulary: Vocabulary) -> NGramLanguageModel | None:
        """Returns the n-gram model of a mixture for another vocabulary, to which texts are added; None without one."""
        ngram = self._parts[1]
        return None if ngram is None else ngram.resize(self.vocabulary, vocabulary)

    @cached_property
    def _parts(self) -> tuple[LanguageModel, NGramLanguageModel | None]:
        """Returns the model that is trained, and the n-gram model that it is mixed with, if any."""
        model = as_language_model(self.model)
        if model.family != "mixture":
            return self._as_in_checkpoint(model), None
        parts = cast("list[LanguageModel]", list(cast("MixtureLanguageModel", model).models))
        by_family = {part.family: part for part in parts}
        if sorted(part.family for part in parts) != ["gpt", "ngram"]:
            raise ValueError(f"{self.name} is not a mixture of one gpt and one n-gram model: start from its gpt alone")
        return self._as_in_checkpoint(by_family["gpt"]), cast("NGramLanguageModel", by_family["ngram"])

    def _as_in_checkpoint(self, model: LanguageModel) -> LanguageModel:
        """Returns the model of the checkpoint, whose weights those of the optimizer belong to; or the one given."""
        if self.checkpoint is None:
            return model
        from charlm.training.model_state import restored_model  # noqa: PLC0415 - needs PyTorch

        return restored_model(self.checkpoint, model.device)


def family_of_run(path: str | os.PathLike[str]) -> Family | None:
    """Returns the family of the run in a folder; None if there is none, or it does not say."""
    description = RunFolder(path).read_description()
    return None if description is None else cast("Family | None", description.family)


def family_of_start(path: str | os.PathLike[str]) -> Family:
    """Returns the family that is trained from the model in a file or a run folder, unless another one is chosen.

    Raises:
        OSError: As for ``load_model``, like the other errors.
    """
    family = family_of_run(path) or read_model_file(path).family
    return TRAINS_AS.get(str(family), cast("Family", family))
