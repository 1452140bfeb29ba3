"""Finds the most likely text: growing texts, corrections, completions, guesses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from charlm.data.framing import Framing
from charlm.decoding.text_corrector import TextCorrector
from charlm.runtime.seeds import seed_or_new
from chartok.arguments import check_several, checked_texts, expected_text, flag, integer, positive_integer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from charlm.decoding.guess_numbers import GuessNumbers
    from charlm.decoding.text_state import TextState
    from charlm.models.predictor import PredictingModel, Predictor
    from chartok import Vocabulary


MAX_PREFIXES = 10_000_000
"""How many beginnings of texts may wait to be expanded; they take about 50 bytes each."""

MOST_SAMPLES = 4
"""How many samples are kept for guess numbers, the latest."""


class TextDecoder(TextCorrector, ABC):
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

    @abstractmethod
    def score_samples(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Returns the natural log-likelihood of each text, float64 ``(N,)``, in nats."""

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
        from charlm.decoding.text_state import TextState  # noqa: PLC0415 - a program that only scores starts without it

        return TextState(self.vocabulary, self.predictor).extend(text)

    def most_likely(
        self, n: int, *, prefix: str = "", max_length: int | None = None, max_prefixes: int = MAX_PREFIXES
    ) -> list[tuple[str, float]]:
        """Returns the ``n`` likeliest records with their log-probabilities, the likeliest first.

        It is what someone tries who guesses in the order of this model. The order is exact, and the log-probabilities
        are those of ``score_samples``. Records with an unknown character are left out.

        Args:
            n: How many, at most.
            prefix: What each begins with. Where symbols have several characters, it ends a symbol: after ``"C"``, no
                record that begins with the symbol ``"Cl"`` is found.
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
        if not isinstance(prefix, str):
            raise TypeError(expected_text("prefix", prefix))
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
            prompt: The text to continue; where symbols have several characters, it ends one, as for ``most_likely``.
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
        if not isinstance(stop, Iterable):
            raise TypeError(f"stop must be symbols, such as ' .', got {type(stop).__name__}")
        stops = [self._symbol_id(symbol) for symbol in dict.fromkeys(checked_texts([*stop], "stop"))]
        if max_new_tokens is None and not stops and not Framing(self.vocabulary).is_of_records:
            raise ValueError("a model of text has no end: give stop or max_new_tokens")
        found = self._whole(prompt, "prompt", k, stops, max_new_tokens, max_prefixes)
        return [(text, math.exp(-cost)) for text, cost in found]

    def guess_number(self, text: str, *, samples: int = 10_000, seed: int | None = 0) -> float:
        """Returns how many guesses it takes to find a record, in the order of this model; see ``guess_numbers``.

        Raises:
            ValueError: As for ``guess_numbers``.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``text`` is not a ``str``.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["anna", "anna", "hanna", "johanna"], order=3)
            >>> bool(lm.guess_number("anna") < lm.guess_number("hanna") < 1e3 < lm.guess_number("nnjaja"))
            True
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        return float(self.guess_numbers([text], samples=samples, seed=seed)[0])

    @overload
    def guess_numbers(
        self,
        texts: Iterable[str],
        *,
        samples: int = 10_000,
        seed: int | None = 0,
        return_errors: Literal[False] = False,
    ) -> NDArray[np.float64]: ...
    @overload
    def guess_numbers(
        self, texts: Iterable[str], *, samples: int = 10_000, seed: int | None = 0, return_errors: Literal[True]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def guess_numbers(
        self, texts: Iterable[str], *, samples: int = 10_000, seed: int | None = 0, return_errors: bool = False
    ) -> Any:
        """Returns how many guesses it takes to find each record, for one who guesses in the order of this model.

        That is its place among all records, from 1 on, estimated from records that are drawn from the model; those of
        the same probability come after it. The estimate is right on average, and its standard error falls with the
        square root of ``samples``. A record that is less likely than all that were drawn has at least the number
        returned. A count model keeps its latest four samples; one in PyTorch, which may be trained
        on, draws at each call: ask about several records at once.

        Args:
            texts: The records.
            samples: How many records to draw.
            seed: Determines every draw; None draws a new one, which the logger ``charlm`` tells.
            return_errors: Whether to return a pair: the guess numbers, and their standard errors.

        Returns:
            float64 ``(N,)``; infinity where there are more than a float reaches, or the record is impossible.

        Raises:
            ValueError: The model is not one of records, or never ends one, or ``samples`` is below 2.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: ``texts`` is a single ``str`` or not iterable, or an item is not a ``str``.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit(["anna", "anna", "hanna", "johanna"], order=3)
            >>> numbers, errors = lm.guess_numbers(["anna", "hanna"], return_errors=True)
            >>> numbers.round().tolist(), bool((errors < 1).all())
            ([1.0, 2.0], True)
        """
        check_several(texts, "texts")
        flag("return_errors", return_errors)
        if positive_integer("samples", samples) == 1:
            raise ValueError("samples must be at least 2, got 1")
        if not Framing(self.vocabulary).is_of_records:
            raise ValueError("this model was fitted to text, not records: only records have guess numbers")
        found = self._guess_numbers(samples, seed).of(self.score_samples(texts))
        return tuple(found) if return_errors else found.numbers

    def _guess_numbers(self, samples: int, seed: int | None) -> GuessNumbers:
        from charlm.decoding.guess_numbers import GuessNumbers  # noqa: PLC0415 - a program that only scores starts without it

        predictor = self.predictor
        if seed is not None:
            integer("seed", seed)
        is_kept = cast("object", predictor) is self.stored and seed is not None  # a count model never changes
        kept = self.__dict__.setdefault("_guesses", {}) if is_kept else dict[Any, Any]()
        found: GuessNumbers | None = kept.get((samples, seed))
        if found is None:  # perhaps in several threads at once, each of which then draws the same
            found = GuessNumbers.drawn(self.vocabulary, predictor, samples=samples, seed=seed_or_new(seed))
            for oldest in [*kept][: -(MOST_SAMPLES - 1)]:
                kept.pop(oldest, None)
            kept[samples, seed] = found
        return found

    def _symbol_id(self, symbol: str) -> int:
        if symbol not in self.vocabulary:
            raise ValueError(f"stop must be symbols of the vocabulary, got {symbol!a}")
        return self.vocabulary.id_of(symbol)

    def _whole(
        self, prompt: str, name: str, n: int, stops: list[int], most: int | None, max_prefixes: int
    ) -> list[tuple[str, float]]:
        """Returns the likeliest whole texts that begin with a prompt, and their costs in nats given it."""
        from charlm.decoding.likeliest import BestFirstSearch  # noqa: PLC0415 - a program that only scores starts without it

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
