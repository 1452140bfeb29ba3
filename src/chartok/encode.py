"""Encodes text of any size to token files, in constant memory."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from chartok.arguments import file_path, flag
from chartok.codepoints import count_characters, distinct_code_points, from_code_points
from chartok.errors import UnknownCharacterError
from chartok.files.reading import ReadingSettings, reading_settings, say_nothing
from chartok.files.sources import (
    Source,
    check_destination,
    check_two_readings,
    expand_sources,
    shown_sources,
    source_size,
)
from chartok.files.text import iterate_pieces, not_empty
from chartok.record_lines import ROLES, RecordEncoder, characters_of, record_pieces
from chartok.token_file import TokenFile
from chartok.token_writer import TokenFileWriter
from chartok.vocabulary import Vocabulary

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Unpack

    import numpy as np
    from numpy.typing import NDArray

    from chartok.arguments import Errors, SpecialToken
    from chartok.files.reading import Note, ReadingKeywords
    from chartok.files.text import Piece
    from chartok.record_lines import RecordPiece

_Result = TypeVar("_Result")

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes read so far and the total, None if it is not known."""


def encode_file(  # noqa: PLR0913 - which text, which vocabulary, and who is told
    source: Source | Iterable[Source],
    destination: str | os.PathLike[str],
    vocabulary: Vocabulary | None = None,
    *,
    records: bool = False,
    errors: Errors = "strict",
    min_count: int = 1,
    max_size: int | None = None,
    special_tokens: Iterable[SpecialToken] = (),
    progress: Progress | None = None,
    note: Note = say_nothing,
    settings: ReadingSettings = ReadingSettings(),
    **reading: Unpack[ReadingKeywords],
) -> TokenFile:
    """Returns the token file made from one or more texts, by default concatenated without a separator, or from records.

    Text is read in pieces, once, or twice if the vocabulary has to be built first. The file appears under its name
    once it is complete and on disk; until then, and whatever fails, an existing file is left unchanged.

    Args:
        source: Files, folders, patterns such as ``data/*.txt``, or URLs that fsspec can read.
        destination: The file to write.
        vocabulary: The vocabulary to encode with; None builds one from the text, as ``Vocabulary.from_text`` does. That
            of records has the special tokens ``bos``, ``eos`` and ``unk`` as well.
        records: Whether each line is a record of its own, with a start and an end, as ``read_records`` returns them.
        errors: What to do with a character that the vocabulary does not have, as in ``Vocabulary.encode``.
        min_count: Where the vocabulary is built, characters that occur less often are left out of it, for ``errors``.
        max_size: The maximum number of ids of a vocabulary that is built, as in ``Vocabulary.from_text``.
        special_tokens: What the vocabulary gets if it does not have it, after its other ids.
        progress: Called after each piece.
        note: Called with what is worth knowing about the sources, one line each.
        settings: How to read the sources.
        reading: Settings, which replace those of ``settings``.

    Raises:
        OSError: A source cannot be read, or the file cannot be written; errno and name are kept.
        FileDecodeError: A source is not valid in its encoding.
        UnknownCharacterError: A character has no id, under ``"strict"``; names the file and the position in it.
        SourceError: A source is no text, changed while it was read, or its compressed data is truncated or damaged.
        ValueError: The text is empty and there is no vocabulary; a setting is invalid, or is one for records;
            ``destination`` is one of the sources, or a pipe or a device; a source is a pipe or a device and there is no
            vocabulary; the vocabulary for records has no ``bos`` or no ``eos``.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name, text in (("a.txt", "ban"), ("b.txt", "ana")):
        ...     _ = (folder / name).write_text(text, encoding="utf-8")
        >>> tokens = encode_file(folder / "*.txt", folder / "all.tokens")
        >>> tokens.vocabulary.decode(tokens.read(0, len(tokens)))
        'banana'
    """
    settings = reading_settings(settings, **reading)
    settings = settings.for_records() if flag("records", records) else settings.for_text()
    sources = expand_sources(source, settings.pattern)
    check_destination(destination, sources)
    total = _bytes_to_read(sources, passes=1 if vocabulary is not None else 2)
    if vocabulary is None:
        check_two_readings(sources)
    passes = _Passes(sources=sources, settings=settings, progress=progress, total=total)
    if vocabulary is None:
        vocabulary = passes.vocabulary(
            records=records, min_count=min_count, max_size=max_size, special_tokens=special_tokens
        )
    else:
        vocabulary = _given(vocabulary, min_count, max_size, special_tokens)
    with TokenFileWriter(destination, vocabulary, records, errors=errors) as writer:
        if records:
            encoder = RecordEncoder(vocabulary, errors, settings=settings, note=note)
            for some_ids, ends in encoder.encode(passes.records(note)):
                writer.write(some_ids, ends)
        else:
            for ids in _encoded(passes.pieces(note), vocabulary, errors):
                writer.write(ids)
    return TokenFile(destination)


def encode_files(  # noqa: PLR0913 - which texts, which vocabulary, and who works
    sources: Source | Iterable[Source],
    folder: str | os.PathLike[str],
    vocabulary: Vocabulary | None = None,
    *,
    executor: Executor | None = None,
    records: bool = False,
    errors: Errors = "strict",
    min_count: int = 1,
    max_size: int | None = None,
    special_tokens: Iterable[SpecialToken] = (),
    note: Note = say_nothing,
    settings: ReadingSettings = ReadingSettings(),
    **reading: Unpack[ReadingKeywords],
) -> list[TokenFile]:
    """Returns one token file per source, all with the same vocabulary: the shards of a corpus, in order.

    The work can run on any ``concurrent.futures`` executor: a process pool, or a cluster whose workers see the same
    files. If a source fails, the shards that this call made are removed.

    Args:
        sources: Files, folders, patterns such as ``data/*.txt``, or URLs that fsspec can read.
        folder: Where the shards go; created if missing. Each shard is named after its number and source.
        vocabulary: As for ``encode_file``; None builds one from all sources first.
        executor: Runs the work; None runs it in this thread, one source after the other.
        records: As for ``encode_file``.
        errors: Likewise.
        min_count: Likewise, counted over all sources.
        max_size: Likewise.
        special_tokens: Likewise.
        note: Called with what is worth knowing about each source, one line each, once it is encoded.
        settings: How to read the sources.
        reading: Settings, which replace those of ``settings``.

    Raises:
        FileExistsError: A shard of that name already exists.
        OSError: As in ``encode_file``, like the other errors.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name, text in (("a.txt", "ban"), ("b.txt", "ana")):
        ...     _ = (folder / name).write_text(text, encoding="utf-8")
        >>> [Path(shard.path).name for shard in encode_files(folder / "*.txt", folder / "shards")]
        ['00000-a.tokens', '00001-b.tokens']
    """
    settings = reading_settings(settings, **reading)
    settings = settings.for_records() if flag("records", records) else settings.for_text()
    names = expand_sources(sources, settings.pattern)
    run = map if executor is None else partial(_run_in, executor)
    destinations = [
        file_path("folder", folder) / f"{number:05}-{_stem(name)}.tokens" for number, name in enumerate(names)
    ]
    for destination in destinations:
        if os.path.lexists(destination):  # a link to nothing would be followed
            raise FileExistsError(errno.EEXIST, "a shard of this name already exists", os.fspath(destination))
    if vocabulary is None:
        check_two_readings(names)
        limits: Any = {"min_count": min_count, "max_size": max_size}
        counts = min_count != 1 or max_size is not None
        find = partial(find_characters, settings=settings, records=records, count=counts)
        vocabulary = _vocabulary_of(run(find, names), shown_sources(names), limits, _roles(special_tokens, records))
    else:
        vocabulary = _given(vocabulary, min_count, max_size, special_tokens)
    Path(folder).mkdir(parents=True, exist_ok=True)
    encode = partial(_encode_shard, vocabulary=vocabulary, records=records, errors=errors, settings=settings)
    try:
        for notes in run(encode, names, [os.fspath(destination) for destination in destinations]):
            for line in notes:
                note(line)
        return [TokenFile(destination) for destination in destinations]
    except BaseException:
        for destination in destinations:
            destination.unlink(missing_ok=True)
        raise


def find_characters(
    source: str, settings: ReadingSettings = ReadingSettings(), *, records: bool = False, count: bool = False
) -> Counter[str]:
    """Returns the characters of a source, those of several of which can be added.

    Args:
        source: The source.
        settings: How to read it.
        records: Whether it holds records, whose ends are no characters.
        count: Whether to count how often each occurs, which takes longer; otherwise each counts once.
    """
    if records:
        texts = characters_of(record_pieces([source], settings, say_nothing))
    else:
        texts = (piece.text for piece in iterate_pieces([source], settings, say_nothing))
    return count_characters(texts) if count else Counter(from_code_points(distinct_code_points(texts)))


def _vocabulary_of(
    counts: Iterable[Counter[str]], name: str, limits: dict[str, Any], roles: list[SpecialToken]
) -> Vocabulary:
    """Returns the vocabulary of the characters that were found in several sources."""
    total = sum(counts, Counter[str]())
    if not total:
        raise ValueError(f"{name}: text is empty: a vocabulary needs at least one character")
    return Vocabulary.from_counts(total, special_tokens=roles, **limits)


def _roles(special_tokens: Iterable[SpecialToken], records: bool) -> list[SpecialToken]:  # noqa: FBT001 - of records
    """Returns the special tokens of a vocabulary that is built."""
    return [*dict.fromkeys([*(ROLES if records else ()), *special_tokens])]


def _given(
    vocabulary: Vocabulary, min_count: int, max_size: int | None, special_tokens: Iterable[SpecialToken]
) -> Vocabulary:
    """Returns a vocabulary that was given, with the special tokens that are asked for.

    Raises:
        ValueError: Something is asked that only a vocabulary that is built can have.
    """
    if min_count != 1 or max_size is not None:
        raise ValueError("min_count and max_size are for a vocabulary that is built: leave them out, or vocabulary")
    return vocabulary.extend("", special_tokens=special_tokens)


@dataclass(kw_only=True)
class _Passes:
    """Sources that are read once or twice, and the total number of bytes read so far."""

    sources: list[str]
    settings: ReadingSettings
    progress: Progress | None
    total: int | None
    done: int = 0

    def pieces(self, note: Note) -> Iterator[Piece]:
        """Yields the pieces of a text in one pass."""
        before = self.done
        for piece in iterate_pieces(self.sources, self.settings, note):
            self._tell(before + piece.bytes_read)
            yield piece

    def records(self, note: Note) -> Iterator[RecordPiece]:
        """Yields the records in one pass."""
        before = self.done
        for piece in record_pieces(self.sources, self.settings, note):
            self._tell(before + piece.bytes_read)
            yield piece

    def vocabulary(
        self, *, records: bool, min_count: int, max_size: int | None, special_tokens: Iterable[SpecialToken]
    ) -> Vocabulary:
        """Returns the vocabulary of the text or the records, in one pass."""
        found = characters_of(self.records(say_nothing)) if records else (p.text for p in self.pieces(say_nothing))
        text, roles = not_empty(found, shown_sources(self.sources)), _roles(special_tokens, records)
        return Vocabulary.from_text(text, min_count=min_count, max_size=max_size, special_tokens=roles)

    def _tell(self, done: int) -> None:
        self.done = done
        if self.progress is not None:
            self.progress(done, self.total)


def _encoded(
    pieces: Iterable[Piece], vocabulary: Vocabulary, errors: Errors
) -> Iterator[NDArray[np.unsignedinteger[Any]]]:
    """Yields the ids of a text that arrives in pieces of several sources; an error names the source."""
    encoder = vocabulary.incremental_encoder(errors)
    starts, done = list[tuple[int, str]](), 0
    try:
        for piece in pieces:
            if starts[-1:] != [(done - piece.position, piece.source)]:
                starts.append((done - piece.position, piece.source))
            done += len(piece.text)
            yield encoder.encode(piece.text)
        yield encoder.finish()
    except UnknownCharacterError as error:
        start, name = next(begun for begun in reversed(starts) if begun[0] <= error.position)
        raise UnknownCharacterError(error.character, error.position - start, vocabulary.size, path=name) from None


def _bytes_to_read(sources: list[str], *, passes: int) -> int | None:
    """Returns how many bytes the passes over the sources read, or None if the size of one is not known."""
    sizes = [source_size(name) for name in sources]
    return None if None in sizes else passes * sum(size for size in sizes if size is not None)


def _encode_shard(
    source: str, destination: str, *, vocabulary: Vocabulary, records: bool, errors: Errors, settings: ReadingSettings
) -> list[str]:
    """Writes one shard, and returns what is worth knowing about its source."""
    notes = list[str]()
    encode_file(
        source, destination, vocabulary, records=records, errors=errors, note=notes.append, settings=settings
    ).close()
    return notes


def _run_in(executor: Executor, work: Callable[..., _Result], *arguments: Iterable[str]) -> Iterator[_Result]:
    """Yields what ``executor.map`` would; after a failure, waits for running work, which may still write files."""
    futures = [executor.submit(work, *given) for given in zip(*arguments, strict=True)]
    try:
        yield from (future.result() for future in futures)
    finally:
        wait([future for future in futures if not future.cancel()])


def _stem(source: str) -> str:
    return Path(source.rpartition("/")[2]).stem
