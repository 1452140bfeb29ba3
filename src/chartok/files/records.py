"""Reads records: the lines of files, what another delimiter ends, or the cells of a column."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from chartok.files.blank import BlankRule
from chartok.files.line_ends import noting_lone_returns
from chartok.files.lines import batched_lines
from chartok.files.pieces import text_pieces
from chartok.files.reading import NEWLINE, ReadingSettings, reading_settings, say_nothing
from chartok.files.record_batch import RecordBatch
from chartok.files.sources import expand_sources, open_source
from chartok.files.tables import iterate_cells
from chartok.files.text import note_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    from chartok.files.reading import Note, ReadingKeywords
    from chartok.files.sources import Source

LONG = 1_000_000
"""In characters; a file that is one record of this length was probably meant to be several."""


def read_records(
    sources: Source | Iterable[Source],
    settings: ReadingSettings = ReadingSettings(),
    *,
    note: Note = say_nothing,
    **reading: Unpack[ReadingKeywords],
) -> list[str]:
    r"""Returns the records of one or more files: by default their lines, without the ends; blank ones are skipped.

    A line ends in ``\n`` or ``\r\n``, and a byte order mark at the start of a file is no part of the first. No record
    reaches from one file into the next.

    Args:
        sources: Files, folders, patterns such as ``data/*.txt``, URLs that fsspec can read, or ``"-"`` for standard
            input.
        settings: How to read them.
        note: Called with what is worth knowing about the files, such as how many blank records were skipped.
        reading: Settings, which replace those of ``settings``.

    Raises:
        OSError: As for ``read_text``, like the other errors.
        SourceError: A record is blank, and that is an error; gives its line.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "names.txt"
        >>> _ = path.write_bytes("\ufeffNew York\r\n\r\nYork\r\n".encode())
        >>> read_records(path)
        ['New York', 'York']
        >>> read_records(path, blank_lines="keep")
        ['New York', '', 'York']
    """
    settings = reading_settings(settings, **reading)
    return [record for batch in batched_records(sources, settings, note) for record in batch.texts]


def batched_records(
    sources: Source | Iterable[Source],
    settings: ReadingSettings = ReadingSettings(),
    note: Note = say_nothing,
    *,
    may_grow: bool = False,
    counted: bool = False,
) -> Iterator[RecordBatch]:
    """Yields the records of files some at a time, as they are read, with the bytes read of all files.

    Args:
        sources: As for ``read_records``.
        settings: How to read them.
        note: Called with what is worth knowing about the files.
        may_grow: Whether a file may change while it is read, as a log does.
        counted: Whether the settings may say that lines have counts, which are then left in them.

    Raises:
        OSError: As for ``read_records``, like the other errors.
    """
    settings.for_records(counted=counted)
    blank = BlankRule(settings, note)
    bytes_before = bytes_read = 0
    for name in expand_sources(sources, settings.pattern):
        is_table = settings.column is not None
        read = iterate_cells if is_table else _delimited
        for batch in read(name, settings, note, may_grow=may_grow):
            bytes_read = bytes_before + batch.bytes_read
            yield from blank.sifted(batch._replace(bytes_read=bytes_read))
        bytes_before = bytes_read
    blank.tell()


def _delimited(name: str, settings: ReadingSettings, note: Note, *, may_grow: bool) -> Iterator[RecordBatch]:
    """Yields the records of a file that a delimiter ends."""
    delimiter, next_number = settings.delimiter, 1
    part = "line" if delimiter == NEWLINE else "the record in line" if "\n" in delimiter else "record"
    if not settings.counts:
        note_table(name, note)
    with open_source(name, may_grow=may_grow) as file:
        pieces = noting_lone_returns(text_pieces(file, name, settings, note), file.name, settings, note)
        for texts in batched_lines(_noting_no_delimiter(pieces, file.name, delimiter, note), delimiter):
            numbers = _numbers(texts, delimiter, next_number)
            yield RecordBatch(texts, numbers[:-1], part, file.name, file.bytes_read)
            next_number = numbers[-1]


def _noting_no_delimiter(pieces: Iterator[str], name: str, delimiter: str, note: Note) -> Iterator[str]:
    """Yields a text, and notes at its end if it is one record and was probably meant to be several."""
    length, has_lines, end = 0, False, ""
    for piece in pieces:
        yield piece
        text = end + piece if "\r" in delimiter else (end + piece).replace("\r\n", "\n")
        if delimiter in text:
            yield from pieces
            return
        length, has_lines = length + len(piece), has_lines or "\n" in piece
        end = text[-len(delimiter) :]
    if length >= LONG or (has_lines and "\n" not in delimiter):
        one = f"which is one record of {length:,} characters"
        note(f"the delimiter {delimiter!a} never occurs in {name!a}, {one}")


def _numbers(texts: list[str], delimiter: str, first: int) -> Sequence[int]:
    """Returns the number of each record, and of the next one: of its line, if the delimiter ends lines."""
    if delimiter == NEWLINE or "\n" not in delimiter:
        return range(first, first + len(texts) + 1)
    ends = delimiter.count("\n")
    return [*accumulate((text.count("\n") + ends for text in texts), initial=first)]
