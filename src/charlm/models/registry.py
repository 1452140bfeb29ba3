"""The registry of model families: the name, the PyTorch class and, for count models, the NumPy class of each."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.table import NGramTable
from charlm.runtime.pytorch import require_pytorch

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel


@dataclass(frozen=True, kw_only=True)
class ModelFamily:
    """A model family.

    Attributes:
        name: Its name in files.
        module: The module of its ``LanguageModel``, which needs PyTorch and is loaded on demand.
        class_name: The name of that class.
        counted: Its count model, in NumPy; None if there is none.
        is_component: Whether it can be part of a mixture.
        has_layers: Whether ``LanguageModel.activations`` shows what it computes.
    """

    name: str
    module: str
    class_name: str
    counted: type[CountModel] | None = None
    is_component: bool = True
    has_layers: bool = False

    def language_model(self) -> type[LanguageModel]:
        """Returns the class of its PyTorch models."""
        require_pytorch()
        found: type[LanguageModel] = getattr(importlib.import_module(self.module), self.class_name)
        return found


FAMILIES: dict[str, ModelFamily] = {
    family.name: family
    for family in (
        ModelFamily(
            name="bigram",
            module="charlm.models.bigram.model",
            class_name="BigramLanguageModel",
            counted=BigramTable,
        ),
        ModelFamily(
            name="ngram",
            module="charlm.models.ngram.model",
            class_name="NGramLanguageModel",
            counted=NGramTable,
        ),
        ModelFamily(name="gpt", module="charlm.models.gpt.model", class_name="GPT", has_layers=True),
        ModelFamily(
            name="classic-gpt", module="charlm.models.classic_gpt.model", class_name="ClassicGPT", has_layers=True
        ),
        ModelFamily(
            name="mixture",
            module="charlm.models.mixture",
            class_name="MixtureLanguageModel",
            is_component=False,
        ),
    )
}
"""Every family by name."""


def component(name: str) -> type[LanguageModel]:
    """Returns the class of a family that can be part of a mixture.

    Raises:
        ValueError: The family is unknown, or cannot be part of a mixture.
    """
    family = FAMILIES.get(name)
    if family is None or not family.is_component:
        names = ", ".join(family.name for family in FAMILIES.values() if family.is_component)
        raise ValueError(f"a mixture must be of models of the families {names}, got {name!a}")
    return family.language_model()


def as_language_model(model: LanguageModel | CountModel) -> LanguageModel:
    """Returns a count model as a PyTorch model, and a ``LanguageModel`` unchanged."""
    require_pytorch()
    from charlm.models.base import LanguageModel  # noqa: PLC0415 - needs PyTorch

    if isinstance(model, LanguageModel):
        return model
    return FAMILIES[model.family].language_model().of(model).eval()
