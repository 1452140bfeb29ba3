"""Reads records: the lines of files, what another delimiter ends, or the cells of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok.files.blank import BlankRule
from chartok.files.line_ends import noting_lone_returns
from chartok.files.lines import batched_lines
from chartok.files.pieces import text_pieces
from chartok.files.reading import NEWLINE, ReadingSettings, say_nothing
from chartok.files.sources import expand_sources, open_source
from chartok.files.tables import iterate_cells
from chartok.files.text import note_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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
    settings = settings.with_keywords(**reading)
    return [record for records in batched_records(sources, settings, note) for record in records]


def batched_records(
    sources: Source | Iterable[Source],
    settings: ReadingSettings = ReadingSettings(),
    note: Note = say_nothing,
    *,
    may_grow: bool = False,
    counted: bool = False,
) -> Iterator[list[str]]:
    """Yields the records of files some at a time, as they are read.

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
    for name in expand_sources(sources, settings.pattern):
        if settings.column is not None:
            for cells in iterate_cells(name, settings, note, may_grow=may_grow):
                yield from blank.sifted(cells.texts, cells.where)
        else:
            if not settings.counts:
                note_table(name, note)
            with open_source(name, may_grow=may_grow) as file:
                pieces = noting_lone_returns(text_pieces(file, name, settings, note), file.name, settings, note)
                yield from _lines(pieces, file.name, settings, blank, note)
    blank.tell()


def _lines(
    pieces: Iterator[str], name: str, settings: ReadingSettings, blank: BlankRule, note: Note
) -> Iterator[list[str]]:
    line, n_records = 1, 0
    for records in batched_lines(pieces, settings.delimiter):

        def where(index: int, records: list[str] = records, line: int = line) -> str:
            return f"line {line + _line_ends(records[:index], settings.delimiter)} of {name!a}"

        yield from blank.sifted(records, where)
        n_records += len(records)
        if settings.blank_lines == "error":
            line += _line_ends(records, settings.delimiter)
    if settings.delimiter and n_records == 1 and len(records[0]) >= LONG:
        length = f"{len(records[0]):,} characters"
        note(f"the delimiter {settings.delimiter!a} never occurs in {name!a}, which is one record of {length}")


def _line_ends(records: list[str], delimiter: str) -> int:
    if delimiter == NEWLINE:
        return len(records)
    return sum(record.count("\n") for record in records) + len(records) * delimiter.count("\n")
