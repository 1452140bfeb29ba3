"""What a language model is for decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from charlm.models.predictor import Predictor
    from chartok import Vocabulary


class HasModel(Protocol):
    """A vocabulary and a model together: a ``CharLM``."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the model."""

    @property
    def predictor(self) -> Predictor:
        """The NumPy interface to the model."""


def check_lm(name: str, lm: object) -> None:
    """Checks that something is a language model.

    Raises:
        TypeError: It has no vocabulary, or cannot be asked.
    """
    if not (hasattr(lm, "vocabulary") and hasattr(lm, "predictor")):
        raise TypeError(f"{name} must be a CharLM, got {type(lm).__name__}")
