"""Writes token files: of one text that arrives in pieces, or of records."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from chartok.arguments import expected_text, file_path
from chartok.errors import UnknownCharacterError
from chartok.files.atomic import Naming, replace_file
from chartok.ids import as_id_array
from chartok.ragged import encode_joined
from chartok.token_file import ALIGNMENT, MAGIC, OFFSET, PREFIX, VERSION
from chartok.vocabulary import Vocabulary

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

    from chartok.arguments import Errors
    from chartok.ids import Ids

TEXTS_AT_ONCE = 1 << 12
CHARACTERS_AT_ONCE = 1 << 18
"""How much text may wait to be encoded together: encoding a short one alone takes fifty times as long."""
COPIED_AT_ONCE = 1 << 20
"""In bytes."""


class TokenFileWriter:
    """Writes a token file a text at a time, in constant memory.

    The file appears under its name when the ``with`` block ends without an exception; until then, and whatever fails,
    an existing file is left unchanged.

    Args:
        destination: The file to write.
        vocabulary: What the ids mean; for records it needs a ``bos`` and an ``eos`` token.
        records: Whether each text that is appended is a record of its own, which gets a start and an end. Otherwise
            they follow one another as one text.
        errors: What to do with a character that the vocabulary does not have, as in ``Vocabulary.encode``.

    Raises:
        ValueError: The vocabulary has no ``bos`` or no ``eos``, and ``records`` is true.
        TypeError: ``vocabulary`` is not a ``Vocabulary``.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from chartok import TokenFile
        >>> path = Path(tempfile.mkdtemp()) / "names.tokens"
        >>> vocabulary = Vocabulary.from_text("adabob", special_tokens=["bos", "eos"])
        >>> with TokenFileWriter(path, vocabulary, records=True) as writer:
        ...     writer.append("ada")
        ...     writer.append([1, 3, 1])  # bob
        >>> with TokenFile(path) as tokens:
        ...     tokens, tokens.read(0, 5)
        (TokenFile('...names.tokens', 10 ids of 2 records), array([4, 0, 2, 0, 5], dtype=uint8))
    """

    def __init__(
        self,
        destination: str | os.PathLike[str],
        vocabulary: Vocabulary,
        records: bool = False,  # noqa: FBT001, FBT002 - as the function that it stands for
        *,
        errors: Errors = "strict",
    ) -> None:
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(f"vocabulary must be a Vocabulary, got {type(vocabulary).__name__}")
        vocabulary.encode("", errors)  # checks errors
        file_path("destination", destination)
        self._destination, self._vocabulary, self._errors = destination, vocabulary, errors
        self._framing = framing(vocabulary) if records else None
        self._dtype = vocabulary.dtype.newbyteorder("<")
        self._digest = hashlib.sha256()
        self._length = self._ended = self._records = self._texts_before = self._characters = 0
        self._waiting: list[str] = []
        self._stack = ExitStack()
        self._is_open = self._was_open = False

    def __enter__(self) -> Self:
        if self._was_open:
            raise ValueError("a writer writes one file: make another one")
        with ExitStack() as stack:
            self._file = stack.enter_context(replace_file(self._destination))
            # Forty bytes more than for an empty file: the numbers of ids and of records are not known yet.
            self._header_length = -(-(PREFIX + len(self._header()) + 40) // ALIGNMENT) * ALIGNMENT - PREFIX
            self._file.seek(PREFIX + self._header_length)
            if self._framing is not None:
                folder = os.path.dirname(os.path.realpath(self._destination))  # noqa: PTH120 - any path
                self._offsets = stack.enter_context(tempfile.TemporaryFile(dir=folder))
                self._offsets.write(np.zeros(1, dtype=OFFSET).data)
            self._stack = stack.pop_all()
        self._is_open = self._was_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._stack.__exit__(kind, error, traceback)
                return
            with self._stack:
                self._flush()
                self._finish()
        finally:
            self._is_open = False

    def append(self, text: str | Ids) -> None:
        """Appends a text, or the ids of one, without ``bos`` and ``eos``.

        Several short texts are encoded together: what is wrong with one may be found only later, and then each time
        until the block ends, so that the others do not go missing.

        Args:
            text: A string, or ids in an array or an iterable.

        Raises:
            UnknownCharacterError: A character of this text or an earlier one has no id, under ``"strict"``; says of
                which, from 0 on.
            TokenIdError: An id is not in the vocabulary.
            ValueError: The ids are not one-dimensional, or have the start or the end of a record among them; or this is
                not in the ``with`` block.
            TypeError: It is neither text nor ids.
            OSError: It cannot be written.
        """
        self._check_open()
        if isinstance(text, str):
            self._waiting.append(text)
            self._characters += len(text)
            if self._characters > CHARACTERS_AT_ONCE or len(self._waiting) >= TEXTS_AT_ONCE:
                self._flush()
            return
        if isinstance(text, bytes | bytearray):
            raise TypeError(expected_text("text", text))
        self._flush()
        ids = as_id_array(text, self._vocabulary.size)
        if ids.ndim != 1:
            raise ValueError(f"the ids of a text must be one-dimensional, got shape {ids.shape}")
        if self._framing is not None and np.isin(ids, self._framing).any():
            raise ValueError(
                "the ids of a record have its start or its end among them, which append adds: leave it out"
            )
        self._texts_before += 1
        if self._framing is None:
            self._write(ids)
        else:
            bos, eos = self._framing
            self._write(np.concatenate([[bos], ids, [eos]]), np.array([len(ids) + 2]))

    def write(self, ids: Ids, ends: NDArray[np.int64] | None = None) -> None:
        """Writes ids as they are, after what was appended: those of records with each ``bos`` and ``eos``.

        Args:
            ids: Of shape ``(T,)``.
            ends: Of records: where they end among these ids, ascending, int64; one may have begun in earlier ids.

        Raises:
            TokenIdError: An id is not in the vocabulary.
            ValueError: There are ends and the file is one of a text, or the other way round, or one is not among these
                ids; or this is not in the ``with`` block.
            TypeError: The ids are not integers.
            OSError: They cannot be written.
        """
        self._check_open()
        if (ends is None) != (self._framing is None):
            raise ValueError("ends are those of records: give them where the file is one of records, and only there")
        self._flush()
        array = as_id_array(ids, self._vocabulary.size)
        if ends is not None and len(ends) and not (0 < ends[0] <= ends[-1] <= len(array) and (np.diff(ends) > 0).all()):
            raise ValueError(f"ends must ascend, from 1 to at most the {len(array)} ids that are given")
        self._write(array, ends)

    def _check_open(self) -> None:
        if not self._is_open:
            raise ValueError("the writer is not open: append and write within its with block")

    def _write(self, ids: NDArray[np.integer[Any]], ends: NDArray[np.int64] | None = None) -> None:
        stored = np.ascontiguousarray(ids, dtype=self._dtype)
        self._file.write(stored.data)
        self._digest.update(stored.data)
        if ends is not None:
            with Naming(os.fspath(self._destination)):
                self._offsets.write((ends + self._length).astype(OFFSET).data)
            self._records += len(ends)
            self._ended = self._length + int(ends[-1]) if len(ends) else self._ended
        self._length += len(stored)

    def _flush(self) -> None:
        """Encodes and writes the texts that wait."""
        if not self._waiting:
            return
        texts = self._waiting
        bos, eos = self._framing or (None, None)
        try:
            ids, lengths = encode_joined(self._vocabulary, texts, self._errors, bos=bos, eos=eos)
        except UnknownCharacterError as error:
            index = self._texts_before + (error.text_index or 0)
            raise UnknownCharacterError(
                error.character, error.position, error.vocabulary_size, text_index=index
            ) from None
        self._waiting, self._characters = [], 0
        self._texts_before += len(texts)
        self._write(ids, None if self._framing is None else np.cumsum(lengths))

    def _finish(self) -> None:
        """Writes where the records begin, and the header."""
        if self._framing is not None:
            if self._ended != self._length:
                raise ValueError(
                    f"the last record has no end: {self._length - self._ended} ids come after the last one"
                )
            self._offsets.seek(0)
            while chunk := self._offsets.read(COPIED_AT_ONCE):
                self._file.write(chunk)
                self._digest.update(chunk)
        encoded = self._header().ljust(self._header_length)
        self._file.seek(0)
        self._file.write(MAGIC + len(encoded).to_bytes(8, "little") + hashlib.sha256(encoded).digest() + encoded)

    def _header(self) -> bytes:
        header = {
            "version": VERSION,
            "dtype": self._dtype.str,
            "length": self._length,
            "records": None if self._framing is None else self._records,
            "sha256": self._digest.hexdigest(),
            "vocabulary": self._vocabulary.to_dict(),
        }
        return json.dumps(header).encode()


def framing(vocabulary: Vocabulary) -> tuple[int, int]:
    """Returns the ids that begin and end a record.

    Raises:
        ValueError: The vocabulary has not both.
    """
    special = vocabulary.special_tokens
    for role in ("bos", "eos"):
        if role not in special:
            raise ValueError(f"records need a {role} token: make the vocabulary with special_tokens=['bos', 'eos']")
    return special["bos"], special["eos"]
