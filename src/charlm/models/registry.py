"""Every family of models: what it is called, what it is in PyTorch, and what it is in NumPy where it counts."""

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
    """One family.

    Attributes:
        name: What it is called in files.
        module: Where its ``LanguageModel`` is; that module needs PyTorch, and is loaded when it is asked for.
        class_name: What that is called.
        counted: Its count model, in NumPy; None where there is none.
        is_component: Whether a mixture can be of it.
    """

    name: str
    module: str
    class_name: str
    counted: type[CountModel] | None = None
    is_component: bool = True

    def language_model(self) -> type[LanguageModel]:
        """Returns the class of its models in PyTorch."""
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
        ModelFamily(name="gpt", module="charlm.models.gpt.model", class_name="GPT"),
        ModelFamily(
            name="mixture",
            module="charlm.models.mixture",
            class_name="MixtureLanguageModel",
            is_component=False,
        ),
    )
}
"""Every family by its name."""


def component(name: str) -> type[LanguageModel]:
    """Returns the class of a family that a mixture can be of.

    Raises:
        ValueError: There is no such family, or a mixture cannot be of it.
    """
    family = FAMILIES.get(name)
    if family is None or not family.is_component:
        names = ", ".join(family.name for family in FAMILIES.values() if family.is_component)
        raise ValueError(f"a mixture is of models of the families {names}, got {name!a}")
    return family.language_model()


def as_language_model(model: LanguageModel | CountModel) -> LanguageModel:
    """Returns the face in PyTorch of a count model; a ``LanguageModel`` as it is."""
    require_pytorch()
    from charlm.models.base import LanguageModel  # noqa: PLC0415 - needs PyTorch

    if isinstance(model, LanguageModel):
        return model
    return FAMILIES[model.family].language_model().of(model).eval()
