"""What a model is trained on: the text or the records in files or in memory, or a token file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from charlm.recipes.corpus import Corpus
from chartok import ReadingSettings, TokenFile, read_counts, read_text
from chartok.arguments import flag
from chartok.files.reading import say_nothing
from chartok.files.sources import listed_sources
from chartok.token_file import is_token_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from charlm.data.vocabulary_of_texts import CorpusKeywords
    from chartok.arguments import SpecialToken
    from chartok.files.reading import Note
    from chartok.files.sources import Source

Texts: TypeAlias = str | os.PathLike[str] | Iterable[str] | Mapping[str, int]
"""A text, the file that contains one, or records, of which a mapping gives the count of each."""
ROLES_OF_TEXT: tuple[SpecialToken, ...] = ("bos", "unk")
"""The special tokens in the vocabulary of a text.

A count model, which never sees ``bos``, falls back to the frequencies of characters after it. In training by gradient
descent some windows begin with it; see ``TextDataset``.
"""
LONGEST_NAME = 4096
"""In characters; a longer text is not a file name."""


def corpus_of(source: Texts, argument: str = "source", **settings: Unpack[CorpusKeywords]) -> Corpus:
    """Returns the corpus of a text, of the file that a path names, or of records.

    Args:
        source: A text, a path, or records; a mapping gives the count of each.
        argument: What errors call it.
        settings: The fields of ``CorpusKeywords``.

    Raises:
        ValueError: It is empty, or a ``str`` that is the name of a file.
        TypeError: It is none of these.
        OSError: The file cannot be read.
    """
    if isinstance(source, os.PathLike):
        return corpus_of_files(source, **settings)
    if isinstance(source, str):
        _check_no_file_name(source, argument)
        return Corpus.of_text(source, ROLES_OF_TEXT, argument=argument, **settings)
    if isinstance(source, bytes | bytearray) or not isinstance(source, Iterable):
        raise TypeError(
            f"{argument} must be a text, a path, an iterable of records, or a mapping of records to their counts, got "
            f"{type(source).__name__}"
        )
    return Corpus.of_records(source, argument=argument, **settings)


def corpus_of_files(
    files: Source | Iterable[Source],
    *,
    records: bool = False,
    reading: ReadingSettings | None = None,
    note: Note = say_nothing,
    verify: bool = True,
    argument: str = "sources",
    **settings: Unpack[CorpusKeywords],
) -> Corpus:
    """Returns the corpus of files: of their text, of their records, or of a token file.

    Args:
        files: The files, folders, patterns or URLs.
        records: Whether they contain records.
        reading: How to read them; None is as by default.
        note: Called with what is worth knowing about them.
        verify: Whether to look for damage in a token file.
        argument: What errors about ``files`` call them.
        settings: The fields of ``CorpusKeywords``.

    Raises:
        ValueError: They are empty, or settings are given that are not for a token file.
        OSError: One cannot be read.
    """
    reading = ReadingSettings() if reading is None else reading
    flag("records", records)
    several = listed_sources(files, argument)
    name = " ".join(os.fspath(file) for file in several)
    token_file = token_file_of(several, reading, records=records)
    if token_file is None and records and reading.counts:
        return dataclasses.replace(Corpus.of_records(read_counts(several, reading, note=note), **settings), name=name)
    if token_file is None and records:
        of_files = Corpus.of_record_files(several, reading, note, **settings)
        return dataclasses.replace(of_files, name=name)
    if token_file is None:
        return Corpus.of_text(read_text(several, reading, note=note), ROLES_OF_TEXT, name=name, **settings)
    if settings.get("vocabulary") is None:
        _check_default(name, settings)
    tokens = TokenFile(token_file)
    if verify:
        tokens.verify()
    return Corpus.of_tokens(
        tokens, ROLES_OF_TEXT, vocabulary=settings.get("vocabulary"), extends=settings.get("extends")
    )


def _check_default(name: str, settings: CorpusKeywords) -> None:
    """Checks that nothing is asked of the vocabulary of a token file.

    Raises:
        ValueError: It is.
    """
    for setting, default in (("symbols", ()), ("unit", "character"), ("min_count", 1), ("max_size", None)):
        if settings.get(setting, default) != default:
            raise ValueError(f"{name!a} is a token file, which has its vocabulary: give {setting} to prepare")


def is_token_source(files: Sequence[Source]) -> bool:
    """Returns whether a token file was given in place of a text."""
    return len(files) == 1 and Path(files[0]).is_file() and is_token_file(files[0])


def token_file_of(files: Sequence[Source], reading: ReadingSettings, *, records: bool) -> Source | None:
    """Returns the token file that was given in place of a text; None if it is a text.

    Raises:
        ValueError: Settings say how to read the text, or that there are records, and it holds one text.
        OSError: The file cannot be read.
    """
    if not is_token_source(files):
        return None
    name = os.fspath(files[0])
    if reading != ReadingSettings():
        raise ValueError(f"{name!a} is a token file, whose text has been read already: leave out how to read it")
    if records:
        with TokenFile(name) as tokens:
            if tokens.records is None:
                raise ValueError(f"{name!a} holds one text: write its lines as records with charlm prepare --records")
    return files[0]


def _check_no_file_name(text: str, argument: str) -> None:
    """Checks that a text is not the name of a file, which would mean that its content was intended.

    Raises:
        ValueError: It is.
    """
    if not text or "\n" in text or len(text) > LONGEST_NAME:
        return
    try:
        exists = Path(text).exists()
    except (OSError, ValueError):  # too long for the system, or with a NUL
        return
    if exists:
        raise ValueError(
            f"{argument} {text!a} is the name of a file or a folder: use Path({text!a}) for the text in it; fit_file "
            "and update_file read files, with records too"
        )
