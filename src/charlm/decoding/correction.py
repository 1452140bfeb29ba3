"""Correction: the likeliest true texts behind those that were seen, by a beam search over what was seen.

The noisy channel (Shannon, 1948; Kernighan, Church and Gale, 1990): of all texts t, the one with the largest
P(t) P(seen | t), where the model gives the first and a ``Channel`` the second. Hypotheses that explain equally much of
what was seen compete; those from which all that follows is equally likely become one, the better of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.decoding.beam import BeamSearch
from charlm.decoding.branches import Asked
from charlm.decoding.edit_table import AS_IT_IS, EditTable
from chartok.errors import UnknownCharacterError

if TYPE_CHECKING:
    from charlm.decoding.channel import Channel
    from charlm.models.predictor import Predictor
    from chartok import Vocabulary

ROWS_AT_ONCE = 1 << 10
"""How many hypotheses of all texts are kept at a time, unless the vocabulary is large."""
NUMBERS_AT_ONCE = 1 << 18
"""How many log-probabilities they have at most."""


class Correction(NamedTuple):
    """The likeliest true text behind one that was seen.

    Attributes:
        text: It.
        score: ln P(text) + ln P(seen | text), in nats.
    """

    text: str
    score: float


class Corrector:
    """Finds the likeliest true texts behind those that were seen through one channel.

    Args:
        vocabulary: The vocabulary of the model.
        predictor: The interface to the model.
        channel: What the texts have been through.
        beam_width: How many hypotheses are kept at each place.
        context: What comes before each text.
    """

    def __init__(
        self, vocabulary: Vocabulary, predictor: Predictor, channel: Channel, *, beam_width: int, context: str = ""
    ) -> None:
        self._vocabulary, self._asked = vocabulary, Asked(vocabulary, predictor)
        self._symbols = dict(zip(self._asked.framing.symbol_ids(), vocabulary.symbols, strict=True))
        self._edits, self._beam_width = EditTable(channel, vocabulary), beam_width
        try:
            self._context: list[int] = vocabulary.encode(context, self._asked.framing.errors).tolist()
        except UnknownCharacterError as error:
            raise UnknownCharacterError(
                error.character, error.position, error.vocabulary_size, argument="context"
            ) from None
        self._most_deletions = channel.most_deletions if len(self._edits.deletable) else 0

    def corrections(self, texts: list[str]) -> list[Correction]:
        """Returns the correction of each text."""
        found = [Correction("", 0.0)] * len(texts)
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        rows = max(1, min(ROWS_AT_ONCE, NUMBERS_AT_ONCE // self._vocabulary.size))
        at_once = max(1, rows // self._beam_width)
        for start in range(0, len(order), at_once):
            places = order[start : start + at_once]
            symbols = [symbols_of(texts[place], self._vocabulary) for place in places]
            for place, correction in zip(places, self._together(symbols), strict=True):
                found[place] = correction
        return found

    def _together(self, texts: list[list[str]]) -> list[Correction]:
        """Returns the corrections of texts that are corrected together."""
        lengths = np.array([*map(len, texts)], dtype=np.int64)
        seen = np.full((len(texts), int(lengths.max()) + 1), -1, dtype=np.int64)
        for place, rows in enumerate(self._edits.rows_of(texts)):
            seen[place, : len(rows)] = rows
        search = BeamSearch(self._asked, self._edits, len(texts), beam_width=self._beam_width, context=self._context)
        found = [Correction("", 0.0)] * len(texts)
        for place in range(seen.shape[1]):
            for _ in range(self._most_deletions):
                search.put_back()
            for text in np.flatnonzero(lengths == place).tolist():
                score, codes = search.finished(text)
                found[text] = Correction("".join(map(self._symbol, codes)), score)
            if place + 1 < seen.shape[1]:
                search.see(seen[:, place], seen[:, place + 1])
        return found

    def _symbol(self, code: int) -> str:
        """Returns what a hypothesis has written."""
        return self._symbols[code] if code >= 0 else self._edits.symbols[AS_IT_IS - code]


def symbols_of(text: str, vocabulary: Vocabulary) -> list[str]:
    """Returns the symbols of a text; a character that the vocabulary does not have is one of its own.

    Example:
        >>> from chartok import Vocabulary
        >>> symbols_of("CCl?", Vocabulary(["C", "Cl"]))
        ['C', 'Cl', '?']
    """
    if vocabulary.longest_symbol == 1:
        return [*text]
    symbols, end = list[str](), 0
    for start, stop in vocabulary.char_offsets(text, "ignore").tolist():
        symbols += [*text[end:start], text[start:stop]]
        end = stop
    return [*symbols, *text[end:]]
