"""Corrects texts, and restores their spaces and their case."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, overload

from chartok.arguments import checked_texts, expected_text, positive_integer

if TYPE_CHECKING:
    from charlm.decoding.channel import Channel, Named
    from charlm.models.predictor import Predictor
    from chartok import Vocabulary

BEAM_WIDTH = 32
"""How many hypotheses are kept at each symbol of a text that is corrected."""


class TextCorrector(ABC):
    """The part of ``CharLM`` that corrects texts.

    Attributes:
        vocabulary: The vocabulary of the model.
    """

    vocabulary: Vocabulary

    @property
    @abstractmethod
    def predictor(self) -> Predictor:
        """The NumPy interface to the model."""

    @overload
    def correct(
        self, text: str, *, channel: Channel | Named = "keyboard", context: str = "", beam_width: int = BEAM_WIDTH
    ) -> str: ...
    @overload
    def correct(
        self,
        text: list[str] | tuple[str, ...],
        *,
        channel: Channel | Named = "keyboard",
        context: str = "",
        beam_width: int = BEAM_WIDTH,
    ) -> list[str]: ...
    def correct(
        self,
        text: str | list[str] | tuple[str, ...],
        *,
        channel: Channel | Named = "keyboard",
        context: str = "",
        beam_width: int = BEAM_WIDTH,
    ) -> str | list[str]:
        r"""Returns the likeliest true text behind one that was typed, scanned or written, or behind each of several.

        It is the text that makes the product of its probability under the model and of what was seen given it under
        the channel the largest, as far as a beam search finds it. A symbol that the model does not know stays as it
        is. Time grows with the length of the text; several texts at once are faster than one after the other.

        Args:
            text: A text, or several; for a model of records, whole records.
            channel: What happened to the text: a ``Channel``, or the name of one: ``"keyboard"``, ``"ocr"``,
                ``"case"``, ``"accents"`` or ``"spaces"``.
            context: What comes before each text, and stays as it is: for lines of a model of text, ``"\n"``. Without it
                such a model knows nothing of a first symbol, and none is put before it.
            beam_width: How many hypotheses are kept at each symbol; more find a better one, and take longer.

        Raises:
            ValueError: ``beam_width`` is below 1, there is no such channel, or it has nothing to do with this alphabet.
            TypeError: ``text`` is no ``str`` and has no items that are, or ``channel`` is neither.

        Example:
            >>> from charlm import CharLM
            >>> lm = CharLM.fit("the cat sat on the mat. the dog sat on the log. " * 50, order=6)
            >>> lm.correct(["the cst sat", "on teh mat"])
            ['the cat sat', 'on the mat']
        """
        from charlm.decoding.channel import Channel  # noqa: PLC0415 - a program that only scores starts without it
        from charlm.decoding.correction import Corrector  # noqa: PLC0415 - likewise

        texts = list(checked_texts(text, "text"))
        if not isinstance(context, str):
            raise TypeError(expected_text("context", context))
        positive_integer("beam_width", beam_width)
        if isinstance(channel, str):
            channel = Channel.named(channel, self.vocabulary.symbols)
        if not isinstance(channel, Channel):
            raise TypeError(f"channel must be a Channel or the name of one, got {type(channel).__name__}")
        corrector = Corrector(self.vocabulary, self.predictor, channel, beam_width=beam_width, context=context)
        found = [correction.text for correction in corrector.corrections(texts)]
        return found[0] if isinstance(text, str) else found

    @overload
    def restore_spaces(self, text: str, *, context: str = "", beam_width: int = BEAM_WIDTH) -> str: ...
    @overload
    def restore_spaces(
        self, text: list[str] | tuple[str, ...], *, context: str = "", beam_width: int = BEAM_WIDTH
    ) -> list[str]: ...
    def restore_spaces(
        self, text: str | list[str] | tuple[str, ...], *, context: str = "", beam_width: int = BEAM_WIDTH
    ) -> str | list[str]:
        """Returns a text, or each of several, with the spaces that the model expects; nothing else changes.

        Args:
            text: A text without spaces, or with some, which stay; or several.
            context: As for ``correct``.
            beam_width: Likewise.

        Raises:
            ValueError: The vocabulary has no space; or as for ``correct``.
            TypeError: As for ``correct``.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit("the cat sat on the mat. " * 50, order=5).restore_spaces("thecatsatonthemat")
            'the cat sat on the mat'
        """
        if " " not in self.vocabulary:
            raise ValueError("the vocabulary of this model has no space: there is none to restore")
        return self.correct(text, channel="spaces", context=context, beam_width=beam_width)

    @overload
    def restore_case(self, text: str, *, context: str = "", beam_width: int = BEAM_WIDTH) -> str: ...
    @overload
    def restore_case(
        self, text: list[str] | tuple[str, ...], *, context: str = "", beam_width: int = BEAM_WIDTH
    ) -> list[str]: ...
    def restore_case(
        self, text: str | list[str] | tuple[str, ...], *, context: str = "", beam_width: int = BEAM_WIDTH
    ) -> str | list[str]:
        """Returns a text, or each of several, in the case that the model expects, whatever case it has.

        Args:
            text: A text, or several.
            context: As for ``correct``.
            beam_width: Likewise.

        Raises:
            ValueError: The vocabulary has no letter with a case; or as for ``correct``.
            TypeError: As for ``correct``.

        Example:
            >>> from charlm import CharLM
            >>> CharLM.fit("Anna met Bob. Bob met Anna. " * 50, order=5).restore_case("bob met ANNA.")
            'Bob met Anna.'
        """
        return self.correct(text, channel="case", context=context, beam_width=beam_width)
