"""What chartok raises for a wrong value; a wrong type raises Python's own ``TypeError``.

Every message can be printed on an ASCII terminal, whatever the text contains.
"""

from __future__ import annotations


class VocabularyError(ValueError):
    """A vocabulary is invalid: a repeated character, or a description that is malformed or of a newer version."""


class UnknownCharacterError(ValueError):
    """A character of the text is not in the vocabulary.

    Attributes:
        character: The character.
        position: Its index in the text, in characters.
        vocabulary_size: The number of ids in the vocabulary that rejected it.
        text_index: Which text of a batch it is in; None outside a batch. In a file, which part of it, from 0 on.
        path: Which file it is in; None if the text does not come from a file.
        argument: Which argument the text is, such as ``prompt``; None where it is called ``text``.
        part: What ``text_index`` counts in a file, such as ``line``.
    """

    def __init__(
        self,
        character: str,
        position: int,
        vocabulary_size: int,
        text_index: int | None = None,
        path: str | None = None,
        argument: str | None = None,
        part: str = "line",
    ) -> None:
        super().__init__(character, position, vocabulary_size, text_index, path, argument, part)
        self.path = path
        self.argument = argument
        self.character = character
        self.position = position
        self.vocabulary_size = vocabulary_size
        self.text_index = text_index
        self.part = part

    def __str__(self) -> str:
        where = f"{self.argument or 'text'}[{self.position}]"
        if self.text_index is not None:
            where = f"{self.argument or 'texts'}[{self.text_index}][{self.position}]"
        if self.path is not None:
            where = f"character {self.position} of {self.path!a}"
            if self.text_index is not None:
                where = f"character {self.position + 1} of {self.part} {self.text_index + 1} of {self.path!a}"
        return (
            f"{where} is {describe_character(self.character)}, which is not in this vocabulary of "
            f"{self.vocabulary_size} ids: remove it, pass errors='ignore' where that is accepted, or use a "
            "vocabulary that has it"
        )


class TokenIdError(ValueError):
    """An id lies outside its vocabulary.

    Attributes:
        token_id: The id.
        position: Its index in the ids, flattened.
        vocabulary_size: Valid ids are 0 to ``vocabulary_size - 1``; None if only the sign was checked.
    """

    def __init__(self, token_id: int, position: int, vocabulary_size: int | None) -> None:
        super().__init__(token_id, position, vocabulary_size)
        self.token_id = token_id
        self.position = position
        self.vocabulary_size = vocabulary_size

    def __str__(self) -> str:
        expected = "ids are never negative"
        if self.vocabulary_size is not None:
            expected = f"this vocabulary has ids 0 to {self.vocabulary_size - 1}"
        return f"ids[{self.position}] is {self.token_id}: {expected}; were they made with another vocabulary?"


class TokenFileError(ValueError):
    """A token file is damaged, or was changed while in use."""


class SourceError(ValueError):
    """A file of texts cannot be read as one: it is no text, is damaged, changed meanwhile, or lacks a column."""


class FileDecodeError(UnicodeDecodeError):
    """A file is not valid in the encoding in which it was read.

    Attributes:
        path: The file.
        offset: The position of its first invalid byte, in bytes from the start of what the file holds, decompressed.
        line: The line in which it is, from 1 on; None if that is not known.
        is_guess: Whether the encoding was guessed from the beginning of the file.
    """

    def __init__(
        self,
        path: str,
        offset: int,
        invalid: bytes,
        reason: str,
        encoding: str = "utf-8",
        line: int | None = None,
        is_guess: bool = False,  # noqa: FBT001, FBT002 - an exception is pickled by position
    ) -> None:
        super().__init__(encoding, invalid, 0, len(invalid), reason)
        self.path = path
        self.offset = offset
        self.line = line
        self.is_guess = is_guess

    def __reduce__(self) -> tuple[type[FileDecodeError], tuple[str, int, bytes, str, str, int | None, bool]]:
        return type(self), (self.path, self.offset, self.object, self.reason, self.encoding, self.line, self.is_guess)

    def __str__(self) -> str:
        shown = " ".join(f"0x{byte:02X}" for byte in self.object)
        where = f"byte offset {self.offset}" + ("" if self.line is None else f" in line {self.line}")
        guess = " to its end, as its beginning suggested" if self.is_guess else ""
        auto = "" if self.is_guess else "or 'auto', "
        return (
            f"{self.path!a} is not {self.encoding.upper()}{guess}: {shown} at {where} ({self.reason}); "
            f"give its encoding, {auto}or what to do with such bytes (encoding and decode_errors, --encoding and "
            "--decode-errors)"
        )


def describe_character(character: str) -> str:
    """Returns the code point and an escaped form of a character, safe to print anywhere."""
    return f"U+{ord(character):04X} {character!a}"
