"""Reads the records of files into memory as ids, without a string for each line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.records import Records, RecordsInMemory
from chartok import Vocabulary
from chartok.files.reading import say_nothing
from chartok.files.sources import expand_sources, shown_sources
from chartok.record_lines import ROLES, LinePiece, RecordEncoder, characters_of, record_pieces
from chartok.token_writer import framing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chartok import ReadingSettings
    from chartok.arguments import Errors, SpecialToken, Unit
    from chartok.files.reading import Note
    from chartok.files.sources import Source
    from chartok.record_lines import RecordPiece


def records_of_files(  # noqa: PLR0913 - what one asks of a vocabulary
    sources: Source | Iterable[Source],
    vocabulary: Vocabulary | None = None,
    *,
    settings: ReadingSettings,
    note: Note = say_nothing,
    special_tokens: Iterable[SpecialToken] = ROLES,
    errors: Errors = "strict",
    symbols: Iterable[str] = (),
    unit: Unit = "character",
    min_count: int = 1,
    max_size: int | None = None,
) -> tuple[Records, Vocabulary]:
    """Returns the records of files, and their vocabulary; each file is read once.

    Args:
        sources: As for ``chartok.read_records``.
        vocabulary: The vocabulary to encode with; None builds one.
        settings: How to read the files.
        note: Called with what is worth knowing about them.
        special_tokens: Those of a vocabulary that is built.
        errors: What to do with a character that the vocabulary does not have.
        symbols: As in ``Vocabulary.from_text``.
        unit: Likewise.
        min_count: Likewise.
        max_size: Likewise.

    Raises:
        OSError: A file cannot be read, like the other errors of ``chartok.read_records``.
        UnknownCharacterError: A character is not in the vocabulary; names the file and the line.
        ValueError: There is no record, or the vocabulary has no ``bos`` or no ``eos``.
    """
    names = expand_sources(sources, settings.pattern)
    pieces = deque(record_pieces(names, settings, note))
    if vocabulary is None:
        if any(characters_of(pieces)):
            vocabulary = Vocabulary.from_text(
                characters_of(pieces),
                symbols=symbols,
                unit=unit,
                min_count=min_count,
                max_size=max_size,
                special_tokens=special_tokens,
            )
        else:
            vocabulary = Vocabulary("", special_tokens=special_tokens)
    framing(vocabulary)
    room, ends = map(sum, zip(*map(_room, pieces), strict=True)) if pieces else (0, 0)
    ids, offsets = np.empty(room, dtype=vocabulary.dtype), np.zeros(ends + 1, dtype=np.int64)
    length = records = 0
    encoder = RecordEncoder(vocabulary, errors, settings=settings, note=note)
    for some_ids, some_ends in encoder.encode(pieces.popleft() for _ in range(len(pieces))):  # each is freed then
        ids[length : length + len(some_ids)] = some_ids
        offsets[records + 1 : records + 1 + len(some_ends)] = some_ends + length
        length, records = length + len(some_ids), records + len(some_ends)
    if not records:
        raise ValueError(f"{shown_sources(names)}: records is empty: give at least one record")
    return Records(RecordsInMemory(ids[:length], offsets[: records + 1])), vocabulary


def _room(piece: RecordPiece) -> tuple[int, int]:
    """Returns the most ids and the most ends of records that a piece can have."""
    if isinstance(piece, LinePiece):
        ends = piece.text.count("\n") + 1
        return len(piece.text) + 2 * ends, ends
    return sum(map(len, piece)) + 2 * len(piece), len(piece)
