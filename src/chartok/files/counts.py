"""Reads records with their counts: lists of frequencies."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from chartok.errors import SourceError
from chartok.files.blank import BlankRule
from chartok.files.reading import ReadingSettings, reading_settings, say_nothing
from chartok.files.records import batched_records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from chartok.files.reading import Note, ReadingKeywords
    from chartok.files.sources import Source

MOST_DIGITS = 18
"""Of a count, which then fits in 64 bits."""


def read_counts(
    sources: Source | Iterable[Source],
    settings: ReadingSettings = ReadingSettings(),
    *,
    note: Note = say_nothing,
    **reading: Unpack[ReadingKeywords],
) -> dict[str, int]:
    r"""Returns the records of files, each with its count, which comes after a tab at the end of its line.

    The counts of a record that comes several times are added up. Blank records are skipped.

    Args:
        sources: As for ``read_records``.
        settings: How to read them.
        note: Called with what is worth knowing about the files.
        reading: Settings, which replace those of ``settings``.

    Raises:
        OSError: As for ``read_records``, like the other errors.
        SourceError: A line has no count, or it is not an integer from 1 on; names the line.
        ValueError: A column is given, whose cells have no counts, or blank lines are to be kept.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "words.tsv"
        >>> _ = path.write_text("the\t120\nnew york\t3\nthe\t1\n")
        >>> read_counts(path)
        {'the': 121, 'new york': 3}
    """
    settings = reading_settings(settings, **reading).for_records(counted=True)
    if settings.column is not None:
        raise ValueError("column is for tables, whose cells have no counts: leave it out, or leave out counts")
    if settings.blank_lines == "keep":
        raise ValueError("blank_lines must be 'skip' or 'error' where lines have counts: a blank one has none")
    lines = dataclasses.replace(settings, counts=True, blank_lines="keep")
    counts, blank = dict[str, int](), BlankRule(settings, note)
    for batch in batched_records(sources, lines, note, counted=True):
        for index, line in enumerate(batch.texts):
            record, _, count = line.rpartition("\t")
            has_record = bool(record.strip("\n"))
            if not has_record and ("\t" in line or not line.strip("\n")):
                blank.skip(1, batch.where(index))
            elif has_record and count.isascii() and count.isdecimal() and len(count) <= MOST_DIGITS and int(count):
                counts[record] = counts.get(record, 0) + int(count)
            else:
                raise SourceError(
                    f"{batch.where(index)} must end in a tab and a count from 1 on, such as 'the\\t120', got "
                    f"{line[-40:]!a}"
                )
    blank.tell()
    return counts
