"""A corpus as ids: a text, records, or a token file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from charlm.data.dataset import JoinedTexts, check_vocabulary_size
from charlm.data.framing import Framing
from charlm.data.record_file import records_of_files
from charlm.data.records import Records, RecordsInMemory
from charlm.data.splitting import IDS_AT_ONCE, Passages, pieces_of_passages
from charlm.evaluation.scoring import Evaluation
from chartok import TokenFile, Vocabulary
from chartok.arguments import checked_texts, fraction, positive_integer
from chartok.files.reading import say_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.data.choices import Split
    from charlm.data.dataset import Dataset
    from charlm.data.limits import TooLong
    from chartok import ReadingSettings
    from chartok.arguments import SpecialToken, Unit
    from chartok.files.reading import Note
    from chartok.files.sources import Source

LARGEST_COUNT = 1 << 32
"""Of one record; sums over a corpus stay exact in float64."""
EXCERPT_CHARACTERS = 1_000
EXCERPT_RECORDS = 50
"""The maximum size of an excerpt."""


class VocabularyLimits(TypedDict, total=False):
    """What the vocabulary of a text has, and what is left out of it; see ``Vocabulary.from_text``."""

    symbols: Iterable[str]
    unit: Unit
    min_count: int
    max_size: int | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Corpus:
    """Texts to train or evaluate on, without PyTorch: records, or passages of one text, in memory or in a token file.

    Attributes:
        vocabulary: The vocabulary of the ids.
        records: The records, each from ``bos`` to ``eos``; None for a text.
        stream: The ids of a text, ``(N,)``, or the token file that has them; None for records.
        passages: The passages of the text that are in this corpus, all of it unless it was split.
        name: What to call it in errors: a path.
    """

    vocabulary: Vocabulary
    records: Records | None = None
    stream: NDArray[np.integer[Any]] | TokenFile | None = None
    passages: Passages = dataclasses.field(default_factory=lambda: Passages.whole(0))
    name: str | None = None

    @classmethod
    def of_text(
        cls,
        text: str,
        roles: Iterable[SpecialToken] = (),
        *,
        vocabulary: Vocabulary | None = None,
        symbols: Iterable[str] = (),
        unit: Unit = "character",
        min_count: int = 1,
        max_size: int | None = None,
        name: str | None = None,
    ) -> Corpus:
        """Returns the corpus of one text.

        Args:
            text: The text.
            roles: The special tokens of its vocabulary.
            vocabulary: That of a model, in which a character that it lacks counts as ``unk``; None makes one.
            symbols: Symbols of several characters; see ``Vocabulary.from_text``.
            unit: Likewise.
            min_count: Characters that occur less often count as ``unk``; see ``Vocabulary.from_text``.
            max_size: The maximum number of ids; the least frequent characters count as ``unk``.
            name: What to call it in errors: a path.

        Raises:
            ValueError: The text is empty, or no character is left.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        if not text:
            raise ValueError(_named(name, "text is empty: give at least one character"))
        if vocabulary is None:
            vocabulary = Vocabulary.from_text(
                text, symbols=symbols, unit=unit, min_count=min_count, max_size=max_size, special_tokens=roles
            )
        ids = vocabulary.encode(text, Framing(vocabulary).errors)
        return cls(vocabulary=vocabulary, stream=ids, passages=Passages.whole(len(ids)), name=name)

    @classmethod
    def of_records(
        cls,
        records: Iterable[str] | Mapping[str, int],
        *,
        vocabulary: Vocabulary | None = None,
        symbols: Iterable[str] = (),
        unit: Unit = "character",
        min_count: int = 1,
        max_size: int | None = None,
        name: str | None = None,
    ) -> Corpus:
        """Returns the corpus of independent texts.

        Args:
            records: Strings; a mapping gives the count of each.
            vocabulary: As for ``of_text``.
            symbols: Likewise.
            unit: Likewise.
            min_count: Likewise; a record that counts several times counts with each of its characters.
            max_size: Likewise.
            name: Likewise.

        Raises:
            ValueError: There are none, one is empty, or a count is below 1.
            TypeError: One is not a ``str``, or a count is not an integer.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        weights = _weights(records) if isinstance(records, Mapping) else None
        texts = list(checked_texts(records, "source"))
        if not texts:
            raise ValueError(_named(name, "source is empty: give at least one record"))
        if not all(texts):
            raise ValueError(_named(name, f"source[{texts.index('')}] is empty: leave empty records out"))
        if vocabulary is None:
            counted: Iterable[str] = texts
            if weights is not None and (min_count, max_size) != (1, None):
                counted = (text for text, weight in zip(texts, weights.tolist(), strict=True) for _ in range(weight))
            vocabulary = Vocabulary.from_text(
                counted,
                symbols=symbols,
                unit=unit,
                min_count=min_count,
                max_size=max_size,
                special_tokens=["bos", "eos", "unk"],
            )
        source = RecordsInMemory.of(*Framing(vocabulary).to_count(texts))
        return cls(vocabulary=vocabulary, records=Records(source, weights), name=name)

    @classmethod
    def of_record_files(
        cls,
        sources: Source | Iterable[Source],
        settings: ReadingSettings,
        note: Note = say_nothing,
        *,
        vocabulary: Vocabulary | None = None,
        **limits: Unpack[VocabularyLimits],
    ) -> Corpus:
        """Returns the corpus of the records of files, without a string for each line.

        Args:
            sources: As for ``chartok.read_records``.
            settings: How to read them.
            note: Called with what is worth knowing about them.
            vocabulary: As for ``of_text``.
            limits: ``symbols``, ``unit``, ``min_count`` and ``max_size``, as for ``of_text``.

        Raises:
            OSError: A file cannot be read, like the other errors of ``chartok.read_records``.
            ValueError: There is no record, or no character is left.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        errors = "replace" if vocabulary is None else Framing(vocabulary).errors
        records, vocabulary = records_of_files(
            sources, vocabulary, settings=settings, note=note, errors=errors, **limits
        )
        return cls(vocabulary=vocabulary, records=records)

    @classmethod
    def of_tokens(
        cls, tokens: TokenFile, roles: Iterable[SpecialToken] = (), *, vocabulary: Vocabulary | None = None
    ) -> Corpus:
        """Returns the corpus of a token file.

        Args:
            tokens: The file, of one text or of records.
            roles: The special tokens that the vocabulary of the corpus has, after those of the file.
            vocabulary: That of a model, which gives every id of the file the same meaning; None takes that of the file.

        Raises:
            ValueError: The vocabulary gives an id another meaning, or it is a file of records that has none.
        """
        own = tokens.vocabulary
        if vocabulary is None:
            vocabulary = own.extend("", special_tokens=roles)
        elif not np.array_equal(vocabulary.remap(own), np.arange(own.size)):
            raise ValueError(
                f"the vocabulary of {tokens.path!a} differs from that of the model: prepare the text again, with the "
                "model's"
            )
        if tokens.records is not None:
            return cls(vocabulary=vocabulary, records=Records(tokens), name=tokens.path)
        passages = Passages.whole(len(tokens))
        return cls(vocabulary=vocabulary, stream=tokens, passages=passages, name=tokens.path)

    @property
    def is_of_records(self) -> bool:
        """Whether the texts are independent records."""
        return self.records is not None

    @property
    def unit(self) -> str:
        """The unit in which its size is counted."""
        if self.is_of_records:
            return "records"
        return "characters" if self.vocabulary.longest_symbol == 1 else "ids"

    def __len__(self) -> int:
        return len(self.passages if self.records is None else self.records)

    @property
    def characters(self) -> int:
        """The number of characters in its texts."""
        if self.vocabulary.longest_symbol > 1:
            return sum(len(self.vocabulary.decode(ids)) for ids in self._chunks())
        return len(self) if self.records is None else self.records.characters

    def in_characters(self, evaluation: Evaluation) -> Evaluation:
        """Returns the evaluation of a model on this corpus, in which each id counted as one character, by characters.

        Scored are all symbols but the first of each passage, and the ends of records.
        """
        if self.vocabulary.longest_symbol == 1:
            return evaluation
        if self.records is not None:
            characters = self.characters + len(self)
        else:
            firsts = [self._read(start, start + 1) for start, stop in self.passages.pairs() if start < stop]
            characters = self.characters - sum(len(self.vocabulary.decode(first)) for first in firsts)
        nats = evaluation.nats_per_character * evaluation.characters
        return Evaluation.of_symbols(nats, evaluation.characters, characters=characters)

    @property
    def longest(self) -> int:
        """The number of ids in the longest text or passage."""
        return int(self.passages.lengths.max(initial=0)) if self.records is None else self.records.longest

    @property
    def unknown(self) -> int:
        """The number of characters that the vocabulary does not have."""
        unk = Framing(self.vocabulary).unk
        return 0 if unk is None else sum(int(np.count_nonzero(ids == unk)) for ids in self._chunks())

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the texts as ids."""
        if self.records is not None:
            described = f"{self.vocabulary.fingerprint} {self.records.fingerprint()}"
            return hashlib.sha256(described.encode()).hexdigest()
        digest = hashlib.sha256(f"{self.vocabulary.fingerprint} {self.passages.pairs()}".encode())
        if isinstance(self.stream, TokenFile):
            digest.update(self.stream.sha256.encode())
            return digest.hexdigest()
        for ids in self._chunks():
            digest.update(ids.astype("<u4").data)
        return digest.hexdigest()

    def _chunks(self) -> Iterator[NDArray[np.integer[Any]]]:
        if self.records is not None:
            yield from (part.ids for part in self.records.parts(IDS_AT_ONCE))
            return
        for start, stop in self.passages.pairs():
            for begin in range(start, stop, IDS_AT_ONCE):
                yield self._read(begin, min(begin + IDS_AT_ONCE, stop))

    def error(self, message: str) -> ValueError:
        """Returns an error about this corpus, which it names."""
        return ValueError(_named(self.name, message))

    def limited(self, max_length: int | None, too_long: TooLong) -> Corpus:
        """Returns the corpus with what ``Records.limited`` makes of long records.

        Raises:
            ValueError: As ``Records.limited`` does; or this is a text.
        """
        if max_length is None:
            return self
        if self.records is None:
            raise self.error("max_length applies only to records: a text is cut into windows of block_size")
        try:
            return dataclasses.replace(self, records=self.records.limited(max_length, too_long))
        except ValueError as error:
            raise self.error(str(error)) from None

    def split(self, share: float, *, seed: int = 0, how: Split = "tail") -> tuple[Corpus, Corpus]:
        """Returns the first part and what is held out.

        Args:
            share: The share of the characters or records in the first part.
            seed: Determines which records or blocks are drawn.
            how: What is held out of a text; records are always drawn at random, and the same ones together.

        Raises:
            ValueError: The fraction is not between 0 and 1, a part would be empty, or ``how`` is not for records.
        """
        fraction("train_fraction", share)
        if self.records is not None:
            if how != "tail":
                raise ValueError(f"split must be 'tail' for records, which are always drawn at random, got {how!a}")
            try:
                first, rest = self.records.split(share, seed=seed)
            except ValueError as error:
                raise self.error(str(error)) from None
            return dataclasses.replace(self, records=first), dataclasses.replace(self, records=rest)
        parts = self.passages.split(share, seed=seed, how=how)
        if min(map(len, parts)) < 2:  # noqa: PLR2004 - of one character nothing can be predicted
            raise self.error(
                f"a fraction of {share} of {len(self)} characters leaves a part with fewer than two: give more"
            )
        return dataclasses.replace(self, passages=parts[0]), dataclasses.replace(self, passages=parts[1])

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Yields whole texts in order, about ``ids`` ids at a time."""
        if self.records is not None:
            yield from self.records.parts(ids)
            return
        yield JoinedTexts(*self.joined())

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all texts, concatenated, and the length of each, int64 ``(N,)``."""
        if self.records is not None:
            return self.records.joined()
        read = [self._read(start, stop) for start, stop in self.passages.pairs()]
        return read[0] if len(read) == 1 else np.concatenate(read), self.passages.lengths

    @property
    def weights(self) -> NDArray[np.int64] | None:
        """The count of each text; None if each counts once."""
        return None if self.records is None else self.records.weights

    def _read(self, start: int, stop: int) -> NDArray[np.integer[Any]]:
        if isinstance(self.stream, TokenFile):
            return self.stream.read(start, stop)
        assert self.stream is not None  # noqa: S101 - of a text
        return self.stream[start:stop]

    def pieces(
        self, targets: int | None, overlap: int
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Returns all texts a piece at a time; see ``charlm.data.dataset.Dataset``."""
        if self.records is not None:
            return self.records.pieces(targets)
        return pieces_of_passages(self._read, self.passages, targets, overlap)

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            ValueError: The vocabulary is larger.
        """
        check_vocabulary_size(self.vocabulary, size)

    def dataset(self, block_size: int, *, packing: bool = False) -> Dataset:
        """Returns the corpus as a dataset to train on, which needs PyTorch.

        Args:
            block_size: The largest number of inputs of an example; a longer record is cut into windows.
            packing: Whether to put records one after the other, without padding, into windows that may span several.

        Raises:
            ValueError: It is shorter than a window; or it is a text, and ``packing`` is set.
        """
        from charlm.data.record_dataset import RecordDataset  # noqa: PLC0415 - needs PyTorch
        from charlm.data.streams import as_stream  # noqa: PLC0415 - likewise
        from charlm.data.text_dataset import TextDataset  # noqa: PLC0415 - likewise

        try:
            if self.records is not None:
                dataset = RecordDataset.of(self.records, self.vocabulary, block_size=block_size)
                return dataset.packed(block_size) if packing else dataset
            if packing:
                raise ValueError("packing applies only to records: the windows of a text have no padding")  # noqa: TRY301
            assert self.stream is not None  # noqa: S101 - of a text
            pairs = self.passages.pairs()
            if len(pairs) == 1:
                return TextDataset(as_stream(self.stream).part(*pairs[0]), block_size)
            return TextDataset(self.stream, block_size, passages=pairs)
        except ValueError as error:
            raise self.error(str(error)) from None

    def excerpt(self) -> str:
        """Returns the beginning, as text."""
        if self.records is None:
            ids = next(self.pieces(EXCERPT_CHARACTERS, 0), (np.zeros(0, dtype=np.int64), None, 0))[0]
            return self.vocabulary.decode(ids[:EXCERPT_CHARACTERS])
        starts, lengths = self.records.bounds(np.arange(min(len(self), EXCERPT_RECORDS)))
        spans = zip(starts.tolist(), np.minimum(lengths, EXCERPT_CHARACTERS).tolist(), strict=True)
        several = [self.records.source.read(start, start + length) for start, length in spans]
        return "\n".join(map(self.vocabulary.decode, several))[:EXCERPT_CHARACTERS]


def _named(name: str | None, message: str) -> str:
    return message if name is None else f"{name!a}: {message}"


def _weights(records: Mapping[str, int]) -> NDArray[np.int64]:
    """Returns the count of each record."""
    counts = [positive_integer(f"source[{record!a}]", count) for record, count in records.items()]
    for record, count in zip(records, counts, strict=True):
        if count > LARGEST_COUNT:
            raise ValueError(f"source[{record!a}] must be at most {LARGEST_COUNT}, got {count}")
    return np.array(counts, dtype=np.int64)


def roles_of_text(family: str) -> list[SpecialToken]:
    """Returns the special tokens in the vocabulary of a text.

    A model trained by gradient descent on one text never sees ``bos`` and would learn nothing about it; a count model
    without information about it falls back to character frequencies.
    """
    return ["bos", "unk"] if family in ("ngram", "bigram") else ["unk"]
