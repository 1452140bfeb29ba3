"""Reads the lines of a text into memory as the ids of records, without a string for each."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.records import Records, RecordsInMemory
from chartok import Vocabulary
from chartok.files.text import iterate_text
from chartok.record_lines import ROLES, LineEncoder, unix_lines, vocabulary_of_lines
from chartok.token_writer import framing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chartok.arguments import Errors, SpecialToken


def read_record_lines(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary | None = None,
    *,
    special_tokens: Iterable[SpecialToken] = ROLES,
) -> tuple[Records, Vocabulary]:
    """Returns the lines of a UTF-8 file as records, and their vocabulary; the file is read once.

    Args:
        path: The file.
        vocabulary: The vocabulary to encode with; None builds one.
        special_tokens: Those of a vocabulary that is built.

    Raises:
        OSError: The file cannot be read.
        FileDecodeError: It is not UTF-8.
        UnknownCharacterError: A character is not in the vocabulary; names the file and the line.
        ValueError: There is no record, or the vocabulary has no ``bos`` or no ``eos``.
    """
    return records_of_lines(iterate_text(path), os.fspath(path), vocabulary, special_tokens=special_tokens)


def records_of_lines(
    text: Iterable[str],
    name: str,
    vocabulary: Vocabulary | None = None,
    *,
    special_tokens: Iterable[SpecialToken] = ROLES,
    errors: Errors = "strict",
    min_count: int = 1,
    max_size: int | None = None,
) -> tuple[Records, Vocabulary]:
    """Returns the lines of a text that arrives in pieces as records, and their vocabulary; see ``read_record_lines``.

    Args:
        text: The text, cut anywhere.
        name: What to call it in an error.
        vocabulary: As in ``read_record_lines``.
        special_tokens: Likewise.
        errors: What to do with a character that the vocabulary does not have.
        min_count: As in ``Vocabulary.from_text``.
        max_size: Likewise.
    """
    kept = deque(unix_lines(text))
    if vocabulary is None and any(piece.strip("\n") for piece in kept):
        vocabulary = vocabulary_of_lines(kept, ascii(name), special_tokens, min_count=min_count, max_size=max_size)
    elif vocabulary is None:
        vocabulary = Vocabulary("", special_tokens=special_tokens)
    framing(vocabulary)
    ends = sum(piece.count("\n") for piece in kept) + 1
    ids = np.empty(sum(map(len, kept)) + 2 * ends, dtype=vocabulary.dtype)
    offsets = np.zeros(ends + 1, dtype=np.int64)
    length = records = 0
    encoder = LineEncoder(vocabulary, errors, blank_lines="error", name=name)
    for some_ids, some_ends in encoder.encode(kept.popleft() for _ in range(len(kept))):  # each is freed once encoded
        ids[length : length + len(some_ids)] = some_ids
        offsets[records + 1 : records + 1 + len(some_ends)] = some_ends + length
        length, records = length + len(some_ids), records + len(some_ends)
    if not records:
        raise ValueError(f"{name!a}: records is empty: give at least one line")
    return Records(RecordsInMemory(ids[:length], offsets[: records + 1])), vocabulary
