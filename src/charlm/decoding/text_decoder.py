"""Finds the most likely text: growing texts, corrections, completions, guesses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from charlm.decoding.text_state import TextState

if TYPE_CHECKING:
    from charlm.models.predictor import PredictingModel, Predictor
    from chartok import Vocabulary


class TextDecoder(ABC):
    """The part of ``CharLM`` that looks for the most likely text.

    Attributes:
        vocabulary: The vocabulary of the model.
    """

    vocabulary: Vocabulary

    @property
    @abstractmethod
    def predictor(self) -> Predictor:
        """The NumPy interface to the model."""

    @property
    @abstractmethod
    def stored(self) -> PredictingModel:
        """The model in the form in which it is stored."""

    def start(self, text: str = "") -> TextState:
        """Returns the state of a text: its probability, what may follow, and longer texts by ``extend``.

        Args:
            text: What the text begins with; for records, from their start.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``text`` is not a ``str``.

        Example:
            >>> from charlm import CharLM
            >>> state = CharLM.fit("abcabcabd" * 20).start("ab")
            >>> state.extend("c").log_probability > state.extend("d").log_probability
            True
        """
        return TextState(self.vocabulary, self.predictor).extend(text)
