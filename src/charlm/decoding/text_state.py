"""A text that grows: its probability so far and what may follow, cheap to extend and to branch from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from charlm.data.framing import Framing
from charlm.evaluation.scored_text import likeliest
from charlm.models.predictor import log_softmax
from chartok.arguments import expected_text, positive_integer
from chartok.errors import UnknownCharacterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.evaluation.scored_text import Alternatives
    from charlm.models.predictor import Predictor
    from chartok import Vocabulary


class _Point(NamedTuple):
    """A place in a text, between two symbols.

    Attributes:
        log_probability: That of the symbols before it.
        logits: What the model says of the next id, ``(V,)``; None where it has seen nothing.
        state: The state of the predictor.
    """

    log_probability: float
    logits: NDArray[np.floating[Any]] | None
    state: Any


class TextState:
    """A text with its probability under a model, from which longer texts branch; ``CharLM.start`` makes one.

    A state never changes: ``extend`` returns a new one, and costs one step of the model for each symbol. What it says
    is what ``score_samples`` and ``next_symbols`` say of the whole text. Where symbols have several characters, the
    last ones may become part of a longer symbol with what follows; their scores then change, as those of the text do.

    Args:
        vocabulary: The vocabulary of the model.
        predictor: The interface to the model.

    Example:
        >>> from charlm import CharLM
        >>> lm = CharLM.fit(["anna", "hanna", "joanna", "johanna"], order=3)
        >>> state = lm.start("jo")
        >>> longer = {symbol: state.extend(symbol) for symbol in "ah"}
        >>> max(longer.values(), key=lambda state: state.log_probability).text
        'joa'
        >>> whole = longer["h"].extend("anna")
        >>> bool(np.isclose(whole.log_probability + whole.end_log_probability, lm.score_samples(["johanna"])[0]))
        True
    """

    __slots__ = ("_end", "_framing", "_open", "_predictor", "_settled", "_text", "_vocabulary")

    def __init__(self, vocabulary: Vocabulary, predictor: Predictor) -> None:
        self._vocabulary, self._predictor, self._framing = vocabulary, predictor, Framing(vocabulary)
        self._text = self._open = ""
        point = _Point(0.0, None, None)
        if self._framing.bos is not None:
            point = self._after(point, self._framing.bos)._replace(log_probability=0.0)
        self._settled = self._end = point

    @property
    def text(self) -> str:
        """The text so far."""
        return self._text

    @property
    def log_probability(self) -> float:
        """The natural logarithm of the probability that a text begins with this one, in nats."""
        return self._end.log_probability

    @property
    def end_log_probability(self) -> float:
        """The natural logarithm of the probability that a record ends here; 0 for a model of text, which has no end.

        Together with ``log_probability`` it is what ``score_samples`` says of the text.
        """
        if self._framing.eos is None or self._end.logits is None:
            return 0.0
        return float(log_softmax(self._end.logits)[self._framing.eos])

    def extend(self, text: str) -> Self:
        """Returns the state of the text with more text behind it.

        Args:
            text: Any string; one character costs one step of the model.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``text`` is not a ``str``.
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        encoder = self._vocabulary.incremental_encoder(self._framing.errors)
        try:
            certain, uncertain = encoder.encode(self._open + text).tolist(), encoder.finish().tolist()
        except UnknownCharacterError as error:
            place = error.position + len(self._text) - len(self._open)
            raise UnknownCharacterError(error.character, place, error.vocabulary_size, argument="text") from None
        state = object.__new__(type(self))
        state._vocabulary, state._predictor, state._framing = self._vocabulary, self._predictor, self._framing
        state._text = self._text + text
        state._open = (self._open + text)[self._characters(certain) :]
        state._settled = self._through(self._settled, certain)
        state._end = self._through(state._settled, uncertain)
        return state

    def next_symbols(self, *, k: int = 10) -> Alternatives:
        """Returns the ``k`` most likely next symbols with their probabilities; see ``CharLM.next_symbols``.

        Args:
            k: The maximum number of symbols; the end of a record is the empty string.

        Raises:
            ValueError: ``k`` is below 1.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit("abcabcabd" * 20).start("ca").next_symbols(k=1)[0][0]
            'b'
        """
        positive_integer("k", k)
        logits = self._end.logits
        if logits is None:
            logits = self._after(self._end, self._framing.prompt("")[0]).logits
        assert logits is not None  # noqa: S101 - an id came before
        return likeliest(logits.astype(np.float64), self._framing.outcomes(), k)

    def _through(self, point: _Point, ids: list[int]) -> _Point:
        for token_id in ids:
            point = self._after(point, token_id)
        return point

    def _after(self, point: _Point, token_id: int) -> _Point:
        """Returns the point one id further."""
        newest = np.array([token_id], dtype=np.int64)
        if point.logits is None:
            log_probability = -math.log(self._vocabulary.size - len(self._framing.context_only))
            logits, state = self._predictor.start(newest[None])
        else:
            log_probability = float(log_softmax(point.logits)[token_id])
            logits, state = self._predictor.step(newest, point.state)
        if token_id == self._framing.unk:
            log_probability += self._framing.log_share_of_unknown
        return _Point(point.log_probability + log_probability, logits[0], state)

    def _characters(self, ids: list[int]) -> int:
        """Returns how many characters these ids of a text have."""
        if self._vocabulary.longest_symbol == 1:
            return len(ids)
        return sum(
            1 if token_id == self._framing.unk else len(self._vocabulary.symbol_of(token_id)) for token_id in ids
        )

    def __repr__(self) -> str:
        return f"TextState({self._text!r}, log_probability={self.log_probability:.4f})"
