"""A short text by the model of a run, for each evaluation in its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.data.framing import Framing
from charlm.generation.text_generator import TextGenerator
from charlm.training.log import LONGEST_SAMPLE

if TYPE_CHECKING:
    from charlm.models.predictor import PredictingModel
    from chartok import Vocabulary

SYMBOLS = 80
"""The length of a sample of text."""
RECORDS = 5
SYMBOLS_OF_RECORD = 30
"""How many records there are in a sample of them, and how long each is at most."""


class Sampler(TextGenerator):
    """Generates from a model that is being trained, always with the same random numbers.

    So the samples of a run differ only by what the model has learned, and none of the random numbers of training are
    used.

    Args:
        model: The model.
        vocabulary: Its vocabulary.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> from chartok import Vocabulary
        >>> len(Sampler(BigramLanguageModel(2), Vocabulary("ab")).sample_for_log())
        80
    """

    def __init__(self, model: PredictingModel, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._model = model

    @property
    def stored(self) -> PredictingModel:
        """The model."""
        return self._model

    def sample_for_log(self) -> str:
        """Returns the beginning of a text, or of a few records, one a line."""
        if Framing(self.vocabulary).is_of_records:
            text = "\n".join(self.generate(n_samples=RECORDS, max_new_tokens=SYMBOLS_OF_RECORD))
        else:
            text = self.generate(max_new_tokens=SYMBOLS)
        return text[:LONGEST_SAMPLE]
