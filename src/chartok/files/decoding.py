"""Decodes text exactly as it is: no newline translation, and a byte order mark of UTF-8 is kept."""

from __future__ import annotations

import codecs
import contextlib
from typing import TYPE_CHECKING, Protocol

from chartok.errors import FileDecodeError
from chartok.files.atomic import Naming

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES = 1 << 20
MARK_BYTES = 4
"""The size of the longest byte order mark."""


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Returns up to ``size`` bytes; nothing at the end."""


def decoded(file: Readable, name: str, encoding: str, errors: str) -> Iterator[str]:
    """Yields the text of an open file in pieces, as its bytes are read.

    What comes before an invalid byte is yielded before that is an error.

    Args:
        file: Open for reading bytes.
        name: What to call it in an error.
        encoding: A text encoding.
        errors: What to do with invalid bytes, as in ``open``.

    Raises:
        OSError: It cannot be read; carries the name.
        FileDecodeError: It is not valid in the encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    bytes_read = 0
    while True:
        state = decoder.getstate()
        with Naming(name):
            chunk = file.read(CHUNK_BYTES)
        bytes_read += len(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            left = len(error.object) - error.start
            decoder.setstate(state)
            with contextlib.suppress(UnicodeError):  # no byte order mark where one must be
                if text := decoder.decode(chunk[: max(len(chunk) - left, 0)]):
                    yield text
            invalid = error.object[error.start : error.end]
            raise FileDecodeError(name, bytes_read - left, invalid, error.reason, encoding) from None
        except UnicodeError as error:
            raise FileDecodeError(name, bytes_read - len(chunk), chunk[:MARK_BYTES], str(error), encoding) from None
        if text:
            yield text
        if not chunk:
            return
