"""Framing: the single place that decides what special tokens do to texts and records."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from chartok.arguments import checked_texts, expected_text, several_texts
from chartok.codepoints import CODE_POINTS
from chartok.errors import UnknownCharacterError, describe_character
from chartok.ragged import encode_joined, split_joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from chartok import Vocabulary
    from chartok.arguments import Errors

END = -1
"""Stands for the end of a record among code points."""


class Framing:
    """What the special tokens of a vocabulary do.

    - ``bos`` precedes a record, or a passage without known context. It is never predicted, and neither are ``pad`` and
      special tokens without a role, which no text contains.
    - ``eos`` ends a record, and is predicted. A vocabulary that has it is one of records.
    - ``unk`` stands for any character that the vocabulary does not have, all equally likely: the probability of one
      is that of ``unk`` divided by the number of code points that are no symbol. So the probabilities of all strings
      sum to 1 whatever the alphabet, and models with different alphabets can be compared. Where symbols have several
      characters they sum to at most 1: a string is scored as it is encoded, and what a model gives to other ways of
      spelling it out is given to none. Generated text never contains ``unk``.

    Args:
        vocabulary: The vocabulary that has the special tokens.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        special = vocabulary.special_tokens
        self._vocabulary = vocabulary
        self.bos: int | None = special.get("bos")
        self.eos: int | None = special.get("eos")
        self.unk: int | None = special.get("unk")
        self.context_only: tuple[int, ...] = tuple(
            sorted(token_id for name, token_id in special.items() if name not in ("eos", "unk"))
        )
        """The ids that occur only as context and are never predicted."""

    @property
    def is_of_records(self) -> bool:
        """Whether the end of a text is predicted."""
        return self.eos is not None

    @property
    def errors(self) -> Errors:
        """What training and scoring do with a character that the vocabulary does not have, unless someone says.

        A prompt is another matter: what follows an unknown character, few models know, so that one is refused.
        """
        return "strict" if self.unk is None else "replace"

    def admitted(self, text: str, errors: Errors | None) -> str:
        """Returns a text as it is to be scored or continued where someone has said what to do with unknown characters.

        Args:
            text: Any string.
            errors: ``"strict"`` refuses a character that the vocabulary does not have, ``"ignore"`` leaves it out;
                ``"replace"`` needs ``unk``. None is as ``self.errors`` says.

        Raises:
            UnknownCharacterError: There is one, under ``"strict"``.
            ValueError: ``errors`` is ``"replace"`` and there is no ``unk`` token.

        Example:
            >>> from chartok import Vocabulary
            >>> Framing(Vocabulary("abc", special_tokens=["unk"])).admitted("cab!", "ignore")
            'cab'
        """
        if errors is None:
            return text
        ids = self._vocabulary.encode(text, errors)
        return self._vocabulary.decode(ids) if errors == "ignore" else text

    @property
    def log_share_of_unknown(self) -> float:
        """The logarithm of the share of the probability of ``unk`` that each character that is no symbol gets."""
        return -math.log(CODE_POINTS - sum(len(symbol) == 1 for symbol in self._vocabulary.symbols))

    def to_count(self, texts: str | list[str]) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
        """Returns the ids of texts to train on, in one array, and the length of each.

        A record is put between ``bos`` and ``eos``. A text gets neither: where it begins and ends is arbitrary.
        """
        bos = self.bos if self.is_of_records else None
        return encode_joined(self._vocabulary, texts, self.errors, bos=bos, eos=self.eos)

    def to_score(self, texts: str | list[str]) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
        """Returns the ids of texts to score, in one array, and the length of each; ``bos``, if any, precedes each."""
        return encode_joined(self._vocabulary, texts, self.errors, bos=self.bos, eos=self.eos)

    @property
    def log_uniform(self) -> float:
        """The logarithm of the probability of a symbol before which nothing is known, not even a beginning."""
        return -math.log(self._vocabulary.size - len(self.context_only))

    def contexts(self, texts: str | Iterable[str]) -> list[NDArray[np.unsignedinteger[Any]]]:
        """Returns the ids of what precedes texts to score, a list of one for a ``str``; ``bos``, if any, comes first.

        Raises:
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
            TypeError: One is not a ``str``.
        """
        several = list(checked_texts(texts, "context"))
        try:
            return split_joined(*encode_joined(self._vocabulary, several, self.errors, bos=self.bos))
        except UnknownCharacterError as error:
            place = None if isinstance(texts, str) else error.text_index
            raise UnknownCharacterError(
                error.character, error.position, error.vocabulary_size, place, argument="context"
            ) from None

    def continued(self, texts: list[str], *, ends: bool) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
        """Returns the ids of texts to score after a context, in one array, and the length of each.

        Args:
            texts: Strings of any lengths.
            ends: Whether records end with the text.
        """
        return encode_joined(self._vocabulary, texts, self.errors, eos=self.eos if ends else None)

    def prompt(self, text: str, errors: Errors = "strict", *, name: str = "prompt") -> list[int]:
        """Returns the ids of a prompt, preceded by ``bos`` if the vocabulary has it.

        Without ``bos`` generation can only start from a symbol: an empty prompt then becomes the first symbol of the
        vocabulary, which is not part of the text.

        Args:
            text: The text to continue.
            errors: ``"replace"`` substitutes ``unk`` for a character that is not in the vocabulary.
            name: What messages call the text: the argument that it is.

        Raises:
            UnknownCharacterError: A character is not in the vocabulary.
            TypeError: The prompt is not a ``str``.

        Example:
            >>> from chartok import Vocabulary
            >>> Framing(Vocabulary("abc", special_tokens=["bos"])).prompt("cab")
            [3, 2, 0, 1]
            >>> Framing(Vocabulary("abc")).prompt("")
            [0]
        """
        if not isinstance(text, str):
            raise TypeError(expected_text(name, text))
        before = [] if self.bos is None else [self.bos]
        try:
            ids = self._vocabulary.encode(text, errors).tolist()
        except UnknownCharacterError as error:
            raise UnknownCharacterError(error.character, error.position, error.vocabulary_size, argument=name) from None
        return [*before, *ids] or self.symbol_ids()[:1]

    def prompts(self, texts: list[str], errors: Errors = "strict") -> list[list[int]]:
        """Returns what ``prompt`` does for each of several texts.

        Raises:
            UnknownCharacterError: A character is not in the vocabulary; names the text.
            TypeError: A prompt is not a ``str``.
        """
        found = list[list[int]]()
        for place, text in enumerate(texts):
            try:
                found.append(self.prompt(text, errors))
            except UnknownCharacterError as error:
                raise UnknownCharacterError(
                    error.character, error.position, error.vocabulary_size, place, argument=error.argument
                ) from None
        return found

    def symbol_ids(self) -> list[int]:
        """Returns the ids of the symbols, in ascending order.

        Example:
            >>> from chartok import Vocabulary
            >>> Framing(Vocabulary("abc", special_tokens=["eos"])).symbol_ids()
            [0, 1, 2]
        """
        special = set(self._vocabulary.special_tokens.values())
        return [token_id for token_id in range(self._vocabulary.size) if token_id not in special]

    def characters_of_ids(self) -> NDArray[np.int64]:
        """Returns how many characters each id counts as where it is scored, int64 ``(V,)``: ``eos`` and ``unk`` as one.

        Example:
            >>> from chartok import Vocabulary
            >>> Framing(Vocabulary(["C", "Cl"], special_tokens=["bos", "eos"])).characters_of_ids()
            array([1, 2, 0, 1])
        """
        counts = np.zeros(self._vocabulary.size, dtype=np.int64)
        counts[self.symbol_ids()] = list(map(len, self._vocabulary.symbols))
        counts[[role for role in (self.eos, self.unk) if role is not None]] = 1
        return counts

    def outcomes(self, allowed: Iterable[str] | None = None) -> dict[int, str]:
        """Returns what may be generated, by id: symbols, and the empty string for the end of a record.

        Args:
            allowed: The symbols that may be generated, where a ``str`` gives its characters; None allows all.

        Raises:
            ValueError: The vocabulary has none of them.
            TypeError: ``allowed`` is not an iterable of ``str``.

        Example:
            >>> from chartok import Vocabulary
            >>> Framing(Vocabulary("abc", special_tokens=["eos"])).outcomes("xca")
            {0: 'a', 2: 'c', 3: ''}
        """
        symbols = zip(self.symbol_ids(), self._vocabulary.symbols, strict=True)
        wanted = (
            None
            if allowed is None
            else set(checked_texts([*allowed] if isinstance(allowed, str) else allowed, "allowed"))
        )
        found = {token_id: symbol for token_id, symbol in symbols if wanted is None or symbol in wanted}
        if not found:
            raise ValueError(f"allowed has no symbol of the vocabulary: {allowed!a}")
        return found if self.eos is None else found | {self.eos: ""}

    def spelling(self) -> dict[int, list[int]]:
        """Returns the code points of what may be generated, by id; ``[END]`` for the end of a record.

        Example:
            >>> from chartok import Vocabulary
            >>> Framing(Vocabulary(["a", "Cl"], special_tokens=["eos"])).spelling()
            {0: [97], 1: [67, 108], 2: [-1]}
        """
        return {token_id: [*map(ord, symbol)] or [END] for token_id, symbol in self.outcomes().items()}

    @staticmethod
    def stops(stop: Iterable[str] | None, outcomes: Mapping[int, str]) -> list[list[int]]:
        """Returns each stop string as code points; warns of one that can never be generated.

        Args:
            stop: The strings.
            outcomes: What may be generated.

        Raises:
            TypeError: ``stop`` is a single ``str``, or an item is not a ``str``.
            ValueError: A stop string is empty.

        Example:
            >>> from chartok import Vocabulary
            >>> framing = Framing(Vocabulary("abc", special_tokens=["eos"]))
            >>> framing.stops(["cab", "b"], framing.outcomes())
            [[99, 97, 98], [98]]
        """
        strings = [] if stop is None else several_texts(stop, "stop")
        known = set().union(*outcomes.values()) if strings else set()
        for string in strings:
            if not string:
                raise ValueError("stop contains an empty string: give at least one character")
            if never := next((character for character in string if character not in known), None):
                warnings.warn(
                    f"the stop string {string!a} never occurs: {describe_character(never)} is in no symbol that may be "
                    "generated",
                    stacklevel=3,
                )
        return [[*map(ord, string)] for string in strings]
