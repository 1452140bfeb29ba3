"""A corpus as ids: a text, records, or a token file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.dataset import check_vocabulary_size
from charlm.data.framing import Framing
from charlm.data.passages import Passages, parts_of_passages, pieces_of_passages
from charlm.data.record_file import records_of_files
from charlm.data.record_sources import RecordsInMemory
from charlm.data.records import Records
from charlm.data.splitting import IDS_AT_ONCE
from charlm.data.vocabulary_of_texts import vocabulary_of_counted_texts, vocabulary_of_texts
from chartok import TokenFile, Vocabulary
from chartok.arguments import checked_texts, fraction, positive_integer
from chartok.files.reading import say_nothing
from chartok.record_lines import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from numpy.typing import NDArray

    from charlm.data.choices import Split
    from charlm.data.dataset import JoinedTexts, Piece
    from charlm.data.vocabulary_of_texts import CorpusKeywords
    from chartok import ReadingSettings
    from chartok.arguments import SpecialToken
    from chartok.files.reading import Note
    from chartok.files.sources import Source

LARGEST_COUNT = 1 << 32
"""Of one record; sums over a corpus stay exact in float64."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Corpus:
    """Texts to train or evaluate on, without PyTorch: records, or passages of one text, in memory or in a token file.

    Attributes:
        vocabulary: The vocabulary of the ids.
        records: The records, each from ``bos`` to ``eos``; None for a text.
        stream: The ids of a text, ``(N,)``, or the token file that has them; None for records.
        passages: The passages of the text that are in this corpus, all of it unless it was split.
        name: What to call it in errors: a path.

    Raises:
        ValueError: It is a text, and the vocabulary has ``eos``.
    """

    vocabulary: Vocabulary
    records: Records | None = None
    stream: NDArray[np.integer[Any]] | TokenFile | None = None
    passages: Passages = dataclasses.field(default_factory=lambda: Passages.whole(0))
    name: str | None = None

    def __post_init__(self) -> None:
        if self.records is None:
            _check_may_be_one_text(self.vocabulary, "this" if self.name is None else f"{self.name!a}: this")

    @classmethod
    def of_text(
        cls,
        text: str,
        roles: Iterable[SpecialToken] = (),
        *,
        name: str | None = None,
        argument: str = "text",
        **settings: Unpack[CorpusKeywords],
    ) -> Corpus:
        """Returns the corpus of one text.

        Args:
            text: The text.
            roles: The special tokens of a vocabulary that is made.
            name: What to call it in errors: a path.
            argument: The argument that it is, which errors name where there is no path.
            settings: The fields of ``CorpusKeywords``.

        Raises:
            ValueError: The text is empty, or no character is left.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        if not text:
            raise ValueError(_named(name, f"{argument} is empty: give at least one character"))
        vocabulary = vocabulary_of_texts(text, roles, **settings)
        if name is None:
            _check_may_be_one_text(vocabulary, argument)
        ids = vocabulary.encode(text, Framing(vocabulary).errors)
        return cls(vocabulary=vocabulary, stream=ids, passages=Passages.whole(len(ids)), name=name)

    @classmethod
    def of_records(
        cls,
        records: Iterable[str] | Mapping[str, int],
        *,
        name: str | None = None,
        argument: str = "source",
        **settings: Unpack[CorpusKeywords],
    ) -> Corpus:
        """Returns the corpus of independent texts.

        Args:
            records: Strings; a mapping gives the count of each, which is that of each of its characters.
            name: What to call it in errors: a path.
            argument: The argument that they are, which errors name.
            settings: The fields of ``CorpusKeywords``.

        Raises:
            ValueError: There are none, one is empty, or a count is below 1.
            TypeError: One is not a ``str``, or a count is not an integer.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        weights = _weights(records, argument) if isinstance(records, Mapping) else None
        texts = list(checked_texts(records, argument))
        if not texts:
            raise ValueError(_named(name, f"{argument} is empty: give at least one record"))
        if not all(texts):
            raise ValueError(_named(name, f"{argument}[{texts.index('')}] is empty: leave empty records out"))
        if weights is None:
            vocabulary = vocabulary_of_texts(texts, ROLES, **settings)
        else:
            vocabulary = vocabulary_of_counted_texts(texts, weights.tolist(), ROLES, **settings)
        source = RecordsInMemory.of(*Framing(vocabulary).to_count(texts))
        return cls(vocabulary=vocabulary, records=Records(source, weights), name=name)

    @classmethod
    def of_record_files(
        cls,
        sources: Source | Iterable[Source],
        reading: ReadingSettings,
        note: Note = say_nothing,
        **settings: Unpack[CorpusKeywords],
    ) -> Corpus:
        """Returns the corpus of the records of files, without a string for each line.

        Args:
            sources: As for ``chartok.read_records``.
            reading: How to read them.
            note: Called with what is worth knowing about them.
            settings: The fields of ``CorpusKeywords``.

        Raises:
            OSError: A file cannot be read, like the other errors of ``chartok.read_records``.
            ValueError: There is no record, or no character is left.
            UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        """
        given = settings.get("vocabulary")
        errors = "replace" if given is None else Framing(given).errors
        records, vocabulary = records_of_files(sources, reading=reading, note=note, errors=errors, **settings)
        return cls(vocabulary=vocabulary, records=records)

    @classmethod
    def of_tokens(
        cls,
        tokens: TokenFile,
        roles: Iterable[SpecialToken] = (),
        *,
        vocabulary: Vocabulary | None = None,
        extends: Vocabulary | None = None,
    ) -> Corpus:
        """Returns the corpus of a token file.

        Args:
            tokens: The file, of one text or of records.
            roles: The special tokens that the vocabulary of the corpus has, after those of the file.
            vocabulary: That of a model, which gives every id of the file the same meaning; None takes that of the file.
            extends: A vocabulary whose symbols and special tokens are added to that of the file.

        Raises:
            ValueError: The vocabulary gives an id another meaning, or it is a file of records that has none.
        """
        own = tokens.vocabulary
        if vocabulary is None and extends is not None:
            vocabulary = own.extend(
                "", symbols=extends.symbols, special_tokens=[*dict.fromkeys([*extends.special_tokens, *roles])]
            )
        elif vocabulary is None:
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
        """Returns the SHA-256, in hexadecimal, of the texts as ids: the same in memory and in any file."""
        if self.records is not None:
            described = f"{self.vocabulary.fingerprint} {self.records.fingerprint()}"
            return hashlib.sha256(described.encode()).hexdigest()
        digest = hashlib.sha256(f"{self.vocabulary.fingerprint} {self.passages.lengths.tolist()}".encode())
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

    def split(self, share: float, *, seed: int | None = 0, how: Split | None = None) -> tuple[Corpus, Corpus]:
        """Returns the first part and what is held out.

        Args:
            share: The share of the characters or records in the first part.
            seed: Determines which records or blocks are drawn.
            how: What is held out of a text, by default its tail; records are always drawn at random, and the same
                ones together.

        Raises:
            ValueError: The fraction is not between 0 and 1, a part would be empty, or ``how`` is given for records.
        """
        fraction("train_fraction", share)
        if self.records is not None:
            if how is not None:
                raise ValueError(f"split is for a text, and records are always drawn at random: leave out {how!a}")
            try:
                first, rest = self.records.split(share, seed=seed)
            except ValueError as error:
                raise self.error(str(error)) from None
            return dataclasses.replace(self, records=first), dataclasses.replace(self, records=rest)
        parts = self.passages.split(share, seed=seed, how=how or "tail")
        if min(map(len, parts)) < 2:  # noqa: PLR2004 - of one character nothing can be predicted
            raise self.error(
                f"a fraction of {share} of a text of length {len(self):,} leaves a part with fewer than two "
                "characters: give more"
            )
        return dataclasses.replace(self, passages=parts[0]), dataclasses.replace(self, passages=parts[1])

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Returns the texts in order, about ``ids`` ids at a time; see ``charlm.data.dataset.SupportsParts``."""
        if self.records is not None:
            return self.records.parts(ids)
        return parts_of_passages(self._read, self.passages, ids)

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

    def pieces(self, targets: int | None, overlap: int) -> Iterator[Piece]:
        """Returns all texts a piece at a time; see ``charlm.data.dataset.SupportsPieces``."""
        if self.records is not None:
            return self.records.pieces(targets)
        return pieces_of_passages(self._read, self.passages, targets, overlap)

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            ValueError: The vocabulary is larger.
        """
        check_vocabulary_size(self.vocabulary, size)


def _named(name: str | None, message: str) -> str:
    return message if name is None else f"{name!a}: {message}"


def _check_may_be_one_text(vocabulary: Vocabulary, what: str) -> None:
    """Checks that a vocabulary is not one of records.

    Raises:
        ValueError: It is.
    """
    if Framing(vocabulary).is_of_records:
        raise ValueError(
            f"{what} is one text, and its vocabulary has eos, which ends records: give records, one text each (as a "
            "list, with records=True, --records), or a vocabulary without eos"
        )


def _weights(records: Mapping[str, int], argument: str) -> NDArray[np.int64]:
    """Returns the count of each record."""
    counts = [positive_integer(f"{argument}[{record!a}]", count) for record, count in records.items()]
    for record, count in zip(records, counts, strict=True):
        if count > LARGEST_COUNT:
            raise ValueError(f"{argument}[{record!a}] must be at most {LARGEST_COUNT}, got {count}")
    return np.array(counts, dtype=np.int64)
