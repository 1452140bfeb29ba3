"""Reads texts exactly as they are: no newline translation, and a byte order mark of UTF-8 is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chartok.files.blank import BlankRule
from chartok.files.line_ends import LineEnds
from chartok.files.pieces import text_pieces
from chartok.files.reading import ReadingSettings, reading_settings, say_nothing
from chartok.files.sources import expand_sources, open_source, shown_sources
from chartok.files.tables import iterate_cells, table_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Unpack

    from chartok.files.reading import Note, ReadingKeywords
    from chartok.files.sources import Source

SEPARATOR = "separator"
"""The name of what stands between two sources."""


class Piece(NamedTuple):
    """A piece of a text.

    Attributes:
        text: Its characters.
        source: The file that it comes from, or ``"separator"``.
        position: The number of characters of that file before it.
        bytes_read: The number of bytes of all files that have been read.
    """

    text: str
    source: str
    position: int
    bytes_read: int


def read_text(
    sources: Source | Iterable[Source],
    settings: ReadingSettings = ReadingSettings(),
    *,
    note: Note = say_nothing,
    **reading: Unpack[ReadingKeywords],
) -> str:
    r"""Returns the whole text of one or more files, every character unchanged.

    Args:
        sources: Files, folders, patterns such as ``data/*.txt``, URLs that fsspec can read, or ``"-"`` for standard
            input.
        settings: How to read them.
        note: Called with what is worth knowing about the files, one line each.
        reading: Settings, which replace those of ``settings``.

    Raises:
        OSError: A file is missing or cannot be read, or nothing matches a pattern.
        FileDecodeError: A file is not valid in its encoding; gives the first invalid byte and its line.
        SourceError: A file is no text, is damaged, or changed while it was read, or has no such column.
        ValueError: A setting is invalid, or is one for records.
        ModuleNotFoundError: A file needs a package that is not installed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.txt").write_bytes(b"one\r\ntwo")
        >>> _ = (folder / "b.txt").write_bytes("café".encode("latin-1"))
        >>> read_text(folder / "a.txt")
        'one\r\ntwo'
        >>> read_text(folder, encoding="latin-1", separator="\n")
        'one\r\ntwo\ncafé'
    """
    return "".join(iterate_text(sources, reading_settings(settings, **reading), note))


def iterate_text(
    sources: Source | Iterable[Source], settings: ReadingSettings = ReadingSettings(), note: Note = say_nothing
) -> Iterator[str]:
    """Yields the text of one or more files in pieces of about a mebibyte, so that a text of any size can be read.

    Args:
        sources: As for ``read_text``.
        settings: How to read them.
        note: Called with what is worth knowing about the files.

    Raises:
        OSError: As for ``read_text``, like the other errors.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "accent.txt"
        >>> _ = path.write_bytes("é".encode())
        >>> list(iterate_text(path))
        ['é']
    """
    for piece in iterate_pieces(expand_sources(sources, settings.pattern), settings, note):
        yield piece.text


def iterate_pieces(names: Iterable[str], settings: ReadingSettings, note: Note) -> Iterator[Piece]:
    """Yields the text of files in pieces, and where each piece comes from.

    Args:
        names: The files, as ``expand_sources`` returns them.
        settings: How to read them.
        note: Called with what is worth knowing about the files.

    Raises:
        OSError: As for ``read_text``, like the other errors.
    """
    settings.for_text()
    blank = BlankRule(settings, note)
    bytes_before = 0
    for number, name in enumerate(names):
        if number and settings.separator:
            yield Piece(settings.separator, SEPARATOR, 0, bytes_before)
        position = bytes_read = 0
        ends = LineEnds(name, settings, note)
        for read, bytes_read in _texts_of(name, settings, blank, note):
            text = ends.read(read)
            yield Piece(text, name, position, bytes_before + bytes_read)
            position += len(text)
        if rest := ends.rest():
            yield Piece(rest, name, position, bytes_before + bytes_read)
        bytes_before += bytes_read
    blank.tell()


def iterate_text_for_vocabulary(sources: Source | Iterable[Source], settings: ReadingSettings) -> Iterator[str]:
    """Yields the text of files, checking that there is any.

    Raises:
        OSError: As for ``read_text``, like the other errors.
        ValueError: The text is empty; names the file.
    """
    names = expand_sources(sources, settings.pattern)
    pieces = iterate_pieces(names, settings, say_nothing)
    return not_empty((piece.text for piece in pieces), shown_sources(names))


def not_empty(texts: Iterable[str], name: str) -> Iterator[str]:
    """Yields texts, checking that they contain at least one character in all.

    Args:
        texts: The texts.
        name: What to call them in an error.

    Raises:
        ValueError: They do not.
    """
    is_empty = True
    for text in texts:
        is_empty = is_empty and not text
        yield text
    if is_empty:
        raise ValueError(f"{name}: text is empty: a vocabulary needs at least one character")


def note_table(name: str, note: Note) -> None:
    """Notes that a file is read as plain text although its name shows a table."""
    kind = table_kind(name)
    if kind not in (None, "parquet"):  # which is no text
        note(f"{name!a} is read as plain text; to read the texts in a column of this {kind} file, name the column")


def _texts_of(name: str, settings: ReadingSettings, blank: BlankRule, note: Note) -> Iterator[tuple[str, int]]:
    """Yields the text of one file, or the cells of its column, and how many of its bytes have been read."""
    if settings.column is None:
        note_table(name, note)
        with open_source(name) as file:
            for text in text_pieces(file, name, settings, note):
                yield text, file.bytes_read
        return
    before = ""
    for cells in iterate_cells(name, settings, note):
        for kept in blank.sifted(cells):
            if kept.texts:
                yield before + settings.separator.join(kept.texts), kept.bytes_read
                before = settings.separator
