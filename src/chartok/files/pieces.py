"""The text of one source in pieces: decompressed, recognized, decoded."""

from __future__ import annotations

import codecs
import contextlib
from typing import TYPE_CHECKING

from chartok.errors import FileDecodeError
from chartok.files.atomic import Naming
from chartok.files.compression import MAGIC, DecompressedFile, compression_of
from chartok.files.decoding import CHUNK_BYTES, Readable, decoded
from chartok.files.reading import AUTO
from chartok.files.sources import CountedFile, can_be_read_again, open_source
from chartok.files.suspicion import encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chartok.files.reading import Note, ReadingSettings


def text_pieces(file: CountedFile, source: str, settings: ReadingSettings, note: Note) -> Iterator[str]:
    """Yields the text of an open source in pieces of up to a mebibyte; from a pipe, as it arrives.

    Args:
        file: The source, open for reading its bytes.
        source: Its name.
        settings: How to read it.
        note: Told what is worth knowing.

    Raises:
        OSError: It cannot be read; names it.
        FileDecodeError: It is not valid in its encoding; gives the byte and the line.
        SourceError: It is no text, or its compressed data is truncated or damaged.
    """
    plain = _BegunFile(_decompressed(file, settings), file.name)
    plain.begin(CHUNK_BYTES if settings.encoding == AUTO else 1)
    encoding = encoding_of(plain.start, file.name, settings, note, is_whole=plain.is_whole)
    is_counted = not can_be_read_again(source)
    line = 1
    try:
        for text in decoded(plain, file.name, encoding, settings.decode_errors):
            if is_counted:
                line += text.count("\n")
            yield text
    except FileDecodeError as error:
        error.is_guess = settings.encoding == AUTO
        error.line = line if is_counted else _line_of(error.offset, source, settings, encoding)
        raise


class _BegunFile:
    """A file of which the first bytes are known before they are read.

    Attributes:
        start: Those bytes.
        is_whole: Whether there are no more.
    """

    def __init__(self, file: Readable, name: str) -> None:
        self._file = file
        self._name = name
        self.start = b""
        self.is_whole = False
        self._unread = b""

    def begin(self, size: int) -> None:
        """Reads at least ``size`` first bytes, and as many as it takes to tell one kind of data from another."""
        while len(self.start) < size or any(magic.startswith(self.start) and magic != self.start for magic in MAGIC):
            with Naming(self._name):
                more = self._file.read(CHUNK_BYTES)
            self.start += more
            if not more:
                self.is_whole = True
                break
        self._unread = self.start

    def read(self, size: int) -> bytes:
        """Returns up to ``size`` bytes; nothing at the end."""
        if not self._unread:
            return self._file.read(size)
        data, self._unread = self._unread[:size], self._unread[size:]
        return data


def _decompressed(file: CountedFile, settings: ReadingSettings) -> Readable:
    begun = _BegunFile(file, file.name)
    kind = settings.compression
    if kind == AUTO:
        begun.begin(1)
        kind = compression_of(begun.start)
    return begun if kind == "none" else DecompressedFile(begun, file.name, kind)


def _line_of(offset: int, source: str, settings: ReadingSettings, encoding: str) -> int | None:
    """Returns the line in which a byte is, from 1 on, by reading a source once more; None if that fails."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    line = 1
    with contextlib.suppress(OSError, ValueError), open_source(source, may_grow=True) as file:
        plain = _decompressed(file, settings)
        while offset:
            chunk = plain.read(min(offset, CHUNK_BYTES))
            line += decoder.decode(chunk).count("\n")
            offset -= len(chunk)
            if not chunk:
                return None
        return line
    return None
