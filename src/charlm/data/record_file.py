"""Reads the records of files into memory as ids, without a string for each line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.record_sources import RecordsInMemory
from charlm.data.records import Records
from charlm.data.vocabulary_of_texts import vocabulary_of_texts
from chartok import Vocabulary
from chartok.files.reading import say_nothing
from chartok.files.sources import expand_sources, shown_sources
from chartok.record_lines import ROLES, LinePiece, RecordEncoder, characters_of, lines_of, record_pieces
from chartok.token_writer import framing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Unpack

    from chartok import ReadingSettings
    from chartok.arguments import Errors, SpecialToken
    from chartok.files.reading import Note
    from chartok.files.sources import Source
    from chartok.record_lines import RecordPiece
    from chartok.vocabulary_sources import VocabularyKeywords


def records_of_files(
    sources: Source | Iterable[Source],
    vocabulary: Vocabulary | None = None,
    *,
    reading: ReadingSettings,
    note: Note = say_nothing,
    errors: Errors = "strict",
    special_tokens: Iterable[SpecialToken] = ROLES,
    extends: Vocabulary | None = None,
    **asked: Unpack[VocabularyKeywords],
) -> tuple[Records, Vocabulary]:
    """Returns the records of files, and their vocabulary; each file is read once.

    Args:
        sources: As for ``chartok.read_records``.
        vocabulary: The vocabulary to encode with; None makes one.
        reading: How to read the files.
        note: Called with what is worth knowing about them.
        errors: What to do with a character that the vocabulary does not have.
        special_tokens: Those of a vocabulary that is made.
        extends: A vocabulary that one that is made extends.
        asked: What is asked of a vocabulary that is made, as in ``Vocabulary.from_text``.

    Raises:
        OSError: A file cannot be read, like the other errors of ``chartok.read_records``.
        UnknownCharacterError: A character is not in the vocabulary; names the file and the line, or which record it is.
        ValueError: There is no record, or the vocabulary has no ``bos`` or no ``eos``.
    """
    names = expand_sources(sources, reading.pattern)
    pieces = deque(record_pieces(names, reading, note))
    if vocabulary is None:
        if any(characters_of(pieces)):
            texts = lines_of(pieces) if asked.get("unit") == "grapheme" else characters_of(pieces)
            vocabulary = vocabulary_of_texts(texts, special_tokens, extends=extends, **asked)
        else:
            vocabulary = Vocabulary("", special_tokens=special_tokens)
    framing(vocabulary)
    room, ends = map(sum, zip(*map(_room, pieces), strict=True)) if pieces else (0, 0)
    ids, offsets = np.empty(room, dtype=vocabulary.dtype), np.zeros(ends + 1, dtype=np.int64)
    length = records = 0
    encoder = RecordEncoder(vocabulary, errors, settings=reading, note=note)
    files = list[tuple[int, str]]()

    def freed() -> Iterator[RecordPiece]:
        """Yields each piece, which nothing holds then, and notes where a file begins."""
        is_begun, last = False, None
        while pieces:
            piece = pieces.popleft()
            if piece.source != last:
                files.append((records + is_begun, piece.source))
            is_begun, last = isinstance(piece, LinePiece) and not piece.text.endswith("\n"), piece.source
            yield piece

    for some_ids, some_ends in encoder.encode(freed()):
        ids[length : length + len(some_ids)] = some_ids
        offsets[records + 1 : records + 1 + len(some_ends)] = some_ends + length
        length, records = length + len(some_ids), records + len(some_ends)
    if not records:
        raise ValueError(f"{shown_sources(names)}: records is empty: give at least one record")
    return Records(RecordsInMemory(ids[:length], offsets[: records + 1], files)), vocabulary


def _room(piece: RecordPiece) -> tuple[int, int]:
    """Returns the most ids and the most ends of records that a piece can have."""
    if isinstance(piece, LinePiece):
        ends = piece.text.count("\n") + 1
        return len(piece.text) + 2 * ends, ends
    return sum(map(len, piece.texts)) + 2 * len(piece.texts), len(piece.texts)
