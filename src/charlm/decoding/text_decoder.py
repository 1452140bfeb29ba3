"""Finds the most likely text: growing texts, corrections, completions, guesses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from charlm.data.framing import Framing
from charlm.decoding.likeliest import BestFirstSearch
from charlm.decoding.text_state import TextState
from chartok.arguments import checked_texts, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.models.predictor import PredictingModel, Predictor
    from chartok import Vocabulary


MAX_PREFIXES = 10_000_000
"""How many beginnings of texts may wait to be expanded; they take about 50 bytes each."""


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

    def most_likely(
        self, n: int, *, prefix: str = "", max_length: int | None = None, max_prefixes: int = MAX_PREFIXES
    ) -> list[tuple[str, float]]:
        """Returns the ``n`` likeliest records with their log-probabilities, the likeliest first.

        It is what someone tries who guesses in the order of this model. The order is exact, and the log-probabilities
        are those of ``score_samples``. Records with an unknown character are left out.

        Args:
            n: How many, at most.
            prefix: What each begins with.
            max_length: The most symbols in a record; None for no limit.
            max_prefixes: How many beginnings of records may wait to be expanded, about 50 bytes each.

        Raises:
            ValueError: The model is not one of records, an argument is out of range, or more beginnings wait than
                ``max_prefixes``: there are too many records about as likely as the last.
            UnknownCharacterError: A character of the prefix is not in the vocabulary.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["anna", "anna", "hanna"], order=3)
            >>> [record for record, _ in lm.most_likely(2)]
            ['anna', 'hanna']
        """
        if not Framing(self.vocabulary).is_of_records:
            raise ValueError("this model was fitted to text, not records: fit it to records, or call complete")
        before = self.start(prefix).log_probability if prefix else 0.0
        found = self._whole(prefix, "prefix", n, [], max_length, max_prefixes)
        return [(text, before - cost) for text, cost in found]

    def complete(
        self,
        prompt: str,
        k: int = 5,
        *,
        stop: Iterable[str] = (),
        max_new_tokens: int | None = None,
        max_prefixes: int = MAX_PREFIXES,
    ) -> list[tuple[str, float]]:
        r"""Returns the ``k`` likeliest whole texts that begin with a prompt, with their probabilities given it.

        A record is whole at its end. A text is whole where a stop symbol would follow, or after ``max_new_tokens``
        symbols, whichever comes first. The order is exact.

        Args:
            prompt: The text to continue.
            k: How many, at most.
            stop: Symbols before which a text ends, such as ``"\n"`` or ``" ."``, where a ``str`` gives its characters.
            max_new_tokens: The most symbols in a continuation; needed for a model of text without ``stop``.
            max_prefixes: As for ``most_likely``.

        Returns:
            Pairs of a text, with the prompt, and its probability, the likeliest first.

        Raises:
            ValueError: A stop is no symbol, an argument is out of range, a text has no end at all, or more beginnings
                wait than ``max_prefixes``.
            UnknownCharacterError: A character of the prompt is not in the vocabulary.
            TypeError: An argument has the wrong type.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["anna", "anna", "hanna", "hannah"], order=3)
            >>> [text for text, _ in lm.complete("hann", 2)]
            ['hanna', 'hannah']
            >>> CharLM.fit("one two three two " * 20, order=4).complete("t", 1, stop=" ")[0][0]
            'two'
        """
        stops = [self._symbol_id(symbol) for symbol in dict.fromkeys(checked_texts([*stop], "stop"))]
        if max_new_tokens is None and not stops and not Framing(self.vocabulary).is_of_records:
            raise ValueError("a model of text has no end: give stop or max_new_tokens")
        found = self._whole(prompt, "prompt", k, stops, max_new_tokens, max_prefixes)
        return [(text, math.exp(-cost)) for text, cost in found]

    def _symbol_id(self, symbol: str) -> int:
        if symbol not in self.vocabulary:
            raise ValueError(f"stop must be symbols of the vocabulary, got {symbol!a}")
        return self.vocabulary.id_of(symbol)

    def _whole(
        self, prompt: str, name: str, n: int, stops: list[int], most: int | None, max_prefixes: int
    ) -> list[tuple[str, float]]:
        """Returns the likeliest whole texts that begin with a prompt, and their costs in nats given it."""
        vocabulary, framing = self.vocabulary, Framing(self.vocabulary)
        positive_integer("k" if name == "prompt" else "n", n)
        if most is not None:
            positive_integer("max_new_tokens" if name == "prompt" else "max_length", most)
        start = framing.prompt(prompt, name=name)
        ends = [*stops, *([] if framing.eos is None else [framing.eos])]
        before = vocabulary.encode(prompt).tolist()
        if most is not None and name == "prefix":
            most -= len(before)
            if most < 0:
                raise ValueError(f"prefix ({len(before)} symbols) exceeds max_length {most + len(before)}")
        search = BestFirstSearch(
            self.predictor,
            start,
            allowed=[token_id for token_id in framing.symbol_ids() if token_id not in ends],
            ends=ends,
            max_new_tokens=most,
            is_cut_whole=not framing.is_of_records,
            is_spelled=None
            if vocabulary.longest_symbol == 1
            else lambda ids: vocabulary.encode(vocabulary.decode(before + ids), "ignore").tolist() == before + ids,
            max_prefixes=positive_integer("max_prefixes", max_prefixes),
        )
        return [(prompt + vocabulary.decode(whole.ids), whole.cost) for whole in search.likeliest(n)]
