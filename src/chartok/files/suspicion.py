"""Decides by its first bytes whether data is text at all, and in which encoding."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from chartok.errors import SourceError
from chartok.files.compression import compression_of
from chartok.files.reading import AUTO, SHOWN_STANDARD_INPUT

if TYPE_CHECKING:
    from chartok.files.reading import Compression, Note, ReadingSettings

EVERY_BYTE = "iso8859-1"
"""The codec that reads any bytes, for whom wants to."""
SAMPLE = 1 << 16
"""How many bytes are looked at."""
GUESSED_FROM = 1 << 14
"""How many bytes charset-normalizer is given, which looks at them many times."""
COMMONEST = "cp1252"
"""The encoding of most files that are in none of Unicode's; others often explain them as well."""
LEAST_TO_JUDGE = 16
"""Fewer bytes say nothing."""
FEW, MANY, MOST = 0.1, 0.4, 0.9
"""Shares."""
LARGEST_SHARE = 0.3
"""Of control characters in a text, and of letters with accents; there are more in a file of numbers, or in Greek."""
LAST_OF_ASCII = 0x7F
CONTROLS = bytes(byte for byte in range(32) if chr(byte) not in "\t\n\v\f\r\x08\x1b")
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # begins like the next but one
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
"""The encoding that each byte order mark shows."""
ARCHIVE = "take texts out of it with a URL such as {scheme}://*.txt::{file}"
KINDS = {
    b"PK\x03\x04": ("a zip archive", ARCHIVE.replace("{scheme}", "zip")),
    b"PK\x05\x06": ("an empty zip archive", "give a file of text"),
    b"PAR1\x15": ("a Parquet file", "name the column of texts with column (--column)"),
    b"%PDF-": ("a PDF file", "give its text"),
    b"\x89PNG\r\n\x1a\n": ("a PNG image", "give a file of text"),
    b"\xff\xd8\xff": ("a JPEG image", "give a file of text"),
    b"SQLite format 3\0": ("an SQLite database", "export its text"),
    b"\x7fELF": ("a program", "give a file of text"),
    b"\x89HDF\r\n": ("an HDF5 file", "export its text"),
    b"\x93NUMPY": ("a NumPy array", "give a file of text"),
    b"ARROW1\0\0": ("an Arrow file", "convert it to Parquet"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it"),
    b"CHARTOK\n": ("a token file", "give the text that it was made from, or a command that takes token files"),
    **{
        bytes([0x80, version]): ("a pickle", "nothing is ever unpickled: give a file of text")
        for version in range(2, 6)
    },
}
"""What data is that begins so, and what to do with it."""


def encoding_of(start: bytes, name: str, settings: ReadingSettings, note: Note, *, is_whole: bool) -> str:
    """Returns the encoding of the data that begins so.

    Args:
        start: The first bytes.
        is_whole: Whether there are no more.
        name: What to call the data.
        settings: The encoding that is asked for.
        note: Told what ``"auto"`` came to.

    Raises:
        SourceError: The data is not text, or looks like text in another encoding; says which.
        ModuleNotFoundError: charset-normalizer is needed to guess the encoding, and is not installed.
    """
    if settings.encoding == AUTO:
        _check_kind(start, name, settings.compression)
        encoding = _guessed(start, name, is_whole=is_whole)
        if encoding != "utf-8":
            note(f"{name!a} is read as {encoding}")
    else:
        encoding = settings.encoding
    codec = codecs.lookup(encoding).name
    if codec != EVERY_BYTE:
        _check_kind(start, name, settings.compression)
        if not codec.startswith(("utf-16", "utf-32")):
            _check_characters(start[:SAMPLE], name, encoding, settings.delimiter)
    return encoding


def _check_kind(start: bytes, name: str, compression: Compression) -> None:
    if (kind := compression_of(start)) != "none":
        if compression != "none":
            raise SourceError(f"{name!a} is compressed by {kind} once more: decompress it once before it is read here")
        raise SourceError(
            f"{name!a} is compressed by {kind}: leave compression out, or give {kind!a} (--compression {kind})"
        )
    if is_safetensors(start):  # whose length may begin like anything
        raise SourceError(f"{name!a} is a safetensors file, not text: a model is not a corpus")
    file = "FILE, once it is in one" if name == SHOWN_STANDARD_INPUT else name
    for magic, (what, advice) in KINDS.items():
        if start.startswith(magic):
            raise SourceError(f"{name!a} is {what}, not text: {advice.format(file=file)}")
    if start[257:262] == b"ustar":
        raise SourceError(f"{name!a} is a tar archive, not text: {ARCHIVE.format(scheme='tar', file=file)}")


def is_safetensors(start: bytes) -> bool:
    """Returns whether data begins as a safetensors file does: with the length of a header in JSON, and the header.

    Example:
        >>> is_safetensors((640).to_bytes(8, "little") + b'{"table":'), is_safetensors(b'{"table":')
        (True, False)
    """
    return start[4:10] == b'\0\0\0\0{"'


def _check_characters(start: bytes, name: str, encoding: str, delimiter: str) -> None:
    if "\0" not in delimiter and (suspected := _wide_encoding(start)):
        suspected = _marked_encoding(start) or suspected
        nul = start.count(0) / len(start)
        raise SourceError(
            f"{name!a} looks like {suspected}, not {encoding}: {nul:.0%} of its bytes are NUL; read it with "
            f"encoding={suspected!r} (--encoding {suspected})"
        )
    unwanted = bytes(set(CONTROLS) - set(delimiter.encode("utf-8", "replace")))
    share = 1 - len(start.translate(None, unwanted)) / max(len(start), 1)
    if share > LARGEST_SHARE and len(start) >= 4 * LEAST_TO_JUDGE:
        raise SourceError(
            f"{name!a} is a binary file, not text: {share:.0%} of its first bytes are control characters; to read any "
            "bytes as characters, give encoding='latin-1' (--encoding latin-1)"
        )


def _marked_encoding(start: bytes) -> str | None:
    """Returns the encoding that a byte order mark shows."""
    return next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), None)


def _wide_encoding(start: bytes) -> str | None:
    """Returns the encoding of two or four bytes to a character in which data looks like text."""
    if len(start) < LEAST_TO_JUDGE:
        return None
    controls = [_share_of_controls(start[place::4]) for place in range(4)]
    if start[::4].count(0) > MOST * len(start) / 4 and controls[1] > MOST and controls[3] < FEW:
        return "utf-32-be"
    if start[3::4].count(0) > MOST * len(start) / 4 and controls[2] > MOST and controls[0] < FEW:
        return "utf-32-le"
    even, odd = _share_of_controls(start[::2]), _share_of_controls(start[1::2])
    if max(even, odd) > MANY and min(even, odd) < FEW:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _share_of_controls(data: bytes) -> float:
    return 1 - len(data.translate(None, CONTROLS)) / max(len(data), 1)


def _guessed(start: bytes, name: str, *, is_whole: bool) -> str:
    """Returns the encoding that the first bytes show."""
    if known := _marked_encoding(start) or _wide_encoding(start[:SAMPLE]):
        return known
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=is_whole)
    except UnicodeDecodeError:
        return _guessed_by_letters(start, name)
    return "utf-8"


def _guessed_by_letters(start: bytes, name: str) -> str:
    """Returns the encoding that charset-normalizer guesses from the lines that are not ASCII."""
    try:
        import charset_normalizer  # noqa: PLC0415 - only where nothing else tells
    except ImportError:
        raise ModuleNotFoundError(
            f"{name!a} is not UTF-8, and guessing its encoding needs charset-normalizer: "
            "pip install 'chartok[encodings]', or give the encoding"
        ) from None
    telling = (line for line in start.split(b"\n") if not line.isascii())
    sample = b"\n".join(telling)[:GUESSED_FROM]
    if len(sample) < 4 * LEAST_TO_JUDGE and sum(byte > LAST_OF_ASCII for byte in sample) < LARGEST_SHARE * len(sample):
        return COMMONEST  # a few letters with accents could be anything
    guesses = charset_normalizer.from_bytes(sample)
    best = guesses.best()
    if best is None:
        raise SourceError(f"{name!a} is in no encoding that can be recognized: give the encoding (--encoding)")
    as_likely = {guess.encoding for guess in guesses if guess.chaos < best.chaos + FEW / 2}
    return COMMONEST if COMMONEST in as_likely else best.encoding
