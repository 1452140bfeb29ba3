"""A corpus as ids: a text, records, or a token file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.dataset import JoinedTexts, check_vocabulary_size, pieces_of_records
from charlm.data.framing import Framing
from charlm.data.splitting import IDS_AT_ONCE, Passages, pieces_of_passages, split_records
from chartok import TokenFile, Vocabulary
from chartok.arguments import checked_texts, fraction, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.data.choices import Split
    from charlm.data.dataset import Dataset
    from chartok.arguments import SpecialToken

LARGEST_COUNT = 1 << 32
"""Of one record; sums over a corpus stay exact in float64."""
EXCERPT_CHARACTERS = 1_000
EXCERPT_RECORDS = 50
"""The maximum size of an excerpt."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Corpus:
    """Texts to train or evaluate on, without PyTorch: records, or passages of one text in memory or in a token file.

    Attributes:
        vocabulary: The vocabulary of the ids.
        records: The records, each from ``bos`` to ``eos``; None for a text.
        stream: The ids of a text, ``(N,)``, or the token file that has them; None for records.
        passages: The passages of the text that are in this corpus, all of it unless it was split.
        name: What to call it in errors: a path.
    """

    vocabulary: Vocabulary
    records: JoinedTexts | None = None
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
        min_count: int = 1,
        max_size: int | None = None,
        name: str | None = None,
    ) -> Corpus:
        """Returns the corpus of one text.

        Args:
            text: The text.
            roles: The special tokens of its vocabulary.
            vocabulary: That of a model, in which a character that it lacks counts as ``unk``; None makes one.
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
            vocabulary = Vocabulary.from_text(text, min_count=min_count, max_size=max_size, special_tokens=roles)
        ids = vocabulary.encode(text, Framing(vocabulary).errors)
        return cls(vocabulary=vocabulary, stream=ids, passages=Passages.whole(len(ids)), name=name)

    @classmethod
    def of_records(
        cls,
        records: Iterable[str] | Mapping[str, int],
        *,
        vocabulary: Vocabulary | None = None,
        min_count: int = 1,
        max_size: int | None = None,
        name: str | None = None,
    ) -> Corpus:
        """Returns the corpus of independent texts.

        Args:
            records: Strings; a mapping gives the count of each.
            vocabulary: As for ``of_text``.
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
                counted, min_count=min_count, max_size=max_size, special_tokens=["bos", "eos", "unk"]
            )
        ids, lengths = Framing(vocabulary).to_count(texts)
        return cls(vocabulary=vocabulary, records=JoinedTexts(ids, lengths, weights), name=name)

    @classmethod
    def of_tokens(
        cls, tokens: TokenFile, roles: Iterable[SpecialToken] = (), *, vocabulary: Vocabulary | None = None
    ) -> Corpus:
        """Returns the corpus of a token file.

        Args:
            tokens: The file.
            roles: The special tokens that the vocabulary of the corpus has, after those of the file.
            vocabulary: That of a model, which gives every id of the file the same meaning; None takes that of the file.

        Raises:
            ValueError: The vocabulary gives an id another meaning.
        """
        own = tokens.vocabulary
        if vocabulary is None:
            vocabulary = own.extend("", special_tokens=roles)
        elif not np.array_equal(vocabulary.remap(own), np.arange(own.size)):
            raise ValueError(
                f"the vocabulary of {tokens.path!a} differs from that of the model: prepare the text again, with the "
                "model's"
            )
        passages = Passages.whole(len(tokens))
        return cls(vocabulary=vocabulary, stream=tokens, passages=passages, name=tokens.path)

    @property
    def is_of_records(self) -> bool:
        """Whether the texts are independent records."""
        return self.records is not None

    @property
    def unit(self) -> str:
        """The unit in which its size is counted."""
        return "records" if self.is_of_records else "characters"

    def __len__(self) -> int:
        return len(self.passages) if self.records is None else len(self.records.lengths)

    @property
    def characters(self) -> int:
        """The number of characters in its texts."""
        if self.records is None:
            return len(self)
        return int((self.records.lengths - 2).sum())  # without bos and eos

    @property
    def longest(self) -> int:
        """The number of ids in the longest text or passage."""
        return int((self.passages if self.records is None else self.records).lengths.max(initial=0))

    @property
    def unknown(self) -> int:
        """The number of characters that the vocabulary does not have."""
        unk = Framing(self.vocabulary).unk
        return 0 if unk is None else sum(int(np.count_nonzero(ids == unk)) for ids in self._chunks())

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the texts as ids."""
        digest = hashlib.sha256(f"{self.vocabulary.fingerprint} {self.passages.pairs()}".encode())
        if isinstance(self.stream, TokenFile):
            digest.update(self.stream.sha256.encode())
            return digest.hexdigest()
        for ids in self._chunks():
            digest.update(ids.astype("<u4").data)
        return digest.hexdigest()

    def _chunks(self) -> Iterator[NDArray[np.integer[Any]]]:
        if self.records is not None:
            yield self.records.ids
            return
        for start, stop in self.passages.pairs():
            for begin in range(start, stop, IDS_AT_ONCE):
                yield self._read(begin, min(begin + IDS_AT_ONCE, stop))

    def error(self, message: str) -> ValueError:
        """Returns an error about this corpus, which it names."""
        return ValueError(_named(self.name, message))

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
                first, rest = split_records(self, self.weights, share, seed=seed)
            except ValueError as error:
                raise self.error(str(error)) from None
            return self._chosen(first), self._chosen(rest)
        parts = self.passages.split(share, seed=seed, how=how)
        if min(map(len, parts)) < 2:  # noqa: PLR2004 - of one character nothing can be predicted
            raise self.error(
                f"a fraction of {share} of {len(self)} characters leaves a part with fewer than two: give more"
            )
        return dataclasses.replace(self, passages=parts[0]), dataclasses.replace(self, passages=parts[1])

    def _chosen(self, indices: NDArray[np.int64]) -> Corpus:
        assert self.records is not None  # noqa: S101 - of records
        ids, lengths, weights = self.records.ids, self.records.lengths, self.records.weights
        starts, chosen = np.cumsum(lengths) - lengths, lengths[indices]
        moved_by = starts[indices] - (np.cumsum(chosen) - chosen)
        records = JoinedTexts(
            ids[np.repeat(moved_by, chosen) + np.arange(int(chosen.sum()))],
            chosen,
            None if weights is None else weights[indices],
        )
        return dataclasses.replace(self, records=records)

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all texts, concatenated, and the length of each, int64 ``(N,)``."""
        if self.records is not None:
            return self.records.joined()
        read = [self._read(start, stop) for start, stop in self.passages.pairs()]
        return read[0] if len(read) == 1 else np.concatenate(read), self.passages.lengths

    def _read(self, start: int, stop: int) -> NDArray[np.integer[Any]]:
        if isinstance(self.stream, TokenFile):
            return self.stream.read(start, stop)
        assert self.stream is not None  # noqa: S101 - of a text
        return self.stream[start:stop]

    @property
    def weights(self) -> NDArray[np.int64] | None:
        """The count of each text; None if each counts once."""
        return None if self.records is None else self.records.weights

    def pieces(
        self, targets: int | None, overlap: int
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Returns all texts a piece at a time; see ``charlm.data.dataset.Dataset``."""
        if self.records is not None:
            return pieces_of_records(*self.joined(), targets)
        return pieces_of_passages(self._read, self.passages, targets, overlap)

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            ValueError: The vocabulary is larger.
        """
        check_vocabulary_size(self.vocabulary, size)

    def dataset(self, block_size: int) -> Dataset:
        """Returns the corpus as a dataset to train on, which needs PyTorch.

        Args:
            block_size: The number of characters in a window; for records the longest determines it.

        Raises:
            ValueError: It is shorter than a window.
        """
        from charlm.data.record_dataset import RecordDataset  # noqa: PLC0415 - needs PyTorch
        from charlm.data.streams import as_stream  # noqa: PLC0415 - likewise
        from charlm.data.text_dataset import TextDataset  # noqa: PLC0415 - likewise

        try:
            if self.records is not None:
                return RecordDataset.of(self.records, self.vocabulary)
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
        ids, lengths = self.joined()
        ends = np.cumsum(lengths)[:EXCERPT_RECORDS].tolist()
        records = (ids[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=False))
        return "\n".join(self.vocabulary.decode(record) for record in records)[:EXCERPT_CHARACTERS]


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
