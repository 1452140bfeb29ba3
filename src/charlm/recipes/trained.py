"""The result of a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel


class Trained(NamedTuple):
    """A model, and its loss on the validation part in nats per character, if known."""

    model: LanguageModel | CountModel
    validation_nats: float | None
