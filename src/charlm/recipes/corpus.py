"""A corpus as ids: a text, records, or a token file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.dataset import JoinedTexts, check_vocabulary_size, pieces_of_records, pieces_of_text
from charlm.data.framing import Framing
from charlm.data.permutation import shuffled
from chartok import Vocabulary
from chartok.arguments import checked_texts, fraction, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.data.dataset import Dataset
    from chartok import TokenFile
    from chartok.arguments import SpecialToken

LARGEST_COUNT = 1 << 32
"""Of one record; sums over a corpus stay exact in float64."""
EXCERPT_CHARACTERS = 1_000
EXCERPT_RECORDS = 50
"""The maximum size of an excerpt."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Corpus:
    """Texts to train or evaluate on, without PyTorch.

    Attributes:
        vocabulary: The vocabulary of the ids; with an ``eos`` token, each text is a record.
        texts: One text, or the records, each from ``bos`` to ``eos``; None for a token file.
        tokens: A token file, and the start and stop of the ids in this corpus; None if ids are in memory.
    """

    vocabulary: Vocabulary
    texts: JoinedTexts | None = None
    tokens: tuple[TokenFile, int, int] | None = None

    @classmethod
    def of_text(cls, text: str, roles: Iterable[SpecialToken]) -> Corpus:
        """Returns the corpus of one text.

        Raises:
            ValueError: It is empty.
        """
        if not text:
            raise ValueError("text is empty: give at least one character to train on")
        vocabulary = Vocabulary.from_text(text, special_tokens=roles)
        ids = vocabulary.encode(text)
        return cls(vocabulary=vocabulary, texts=JoinedTexts(ids, np.array([len(ids)])))

    @classmethod
    def of_records(cls, records: Iterable[str] | Mapping[str, int]) -> Corpus:
        """Returns the corpus of independent texts.

        Args:
            records: Strings; a mapping gives the count of each.

        Raises:
            ValueError: There are none, one is empty, or a count is below 1.
            TypeError: One is not a ``str``, or a count is not an integer.
        """
        weights = None
        if isinstance(records, Mapping):
            counts = [positive_integer(f"source[{record!a}]", count) for record, count in records.items()]
            for record, count in zip(records, counts, strict=True):
                if count > LARGEST_COUNT:
                    raise ValueError(f"source[{record!a}] must be at most {LARGEST_COUNT}, got {count}")
            weights = np.array(counts, dtype=np.int64)
        texts = list(checked_texts(records, "source"))
        if not texts:
            raise ValueError("source is empty: give at least one record to train on")
        if not all(texts):
            raise ValueError(f"source[{texts.index('')}] is empty: leave empty records out")
        vocabulary = Vocabulary.from_text(texts, special_tokens=["bos", "eos", "unk"])
        ids, lengths = Framing(vocabulary).to_count(texts)
        return cls(vocabulary=vocabulary, texts=JoinedTexts(ids, lengths, weights))

    @classmethod
    def of_tokens(cls, tokens: TokenFile) -> Corpus:
        """Returns the corpus of a token file."""
        return cls(vocabulary=tokens.vocabulary, tokens=(tokens, 0, len(tokens)))

    @property
    def is_of_records(self) -> bool:
        """Whether the texts are independent records."""
        return self.tokens is None and Framing(self.vocabulary).is_of_records

    @property
    def unit(self) -> str:
        """The unit in which its size is counted."""
        return "records" if self.is_of_records else "characters"

    def __len__(self) -> int:
        if self.tokens is not None:
            return self.tokens[2] - self.tokens[1]
        assert self.texts is not None  # noqa: S101 - one of the two is set
        return len(self.texts.lengths if self.is_of_records else self.texts.ids)

    @property
    def characters(self) -> int:
        """The number of characters in its texts."""
        if not self.is_of_records or self.texts is None:
            return len(self)
        return int((self.texts.lengths - 2).sum())  # without bos and eos

    def split(self, share: float, *, seed: int = 0) -> tuple[Corpus, Corpus]:
        """Returns the first part and the rest; records are drawn at random, with ``seed``.

        Raises:
            ValueError: The fraction is not between 0 and 1, or a part would be empty.
        """
        end = int(fraction("train_fraction", share) * len(self))
        fewest = 1 if self.is_of_records else 2  # of one character nothing can be predicted
        if not fewest <= end <= len(self) - fewest:
            too_small = "empty" if self.is_of_records else "with fewer than two"
            raise ValueError(f"a fraction of {share} of {len(self)} {self.unit} leaves a part {too_small}: give more")
        if self.tokens is not None:
            file, start, stop = self.tokens
            parts = [(file, start, start + end), (file, start + end, stop)]
            return Corpus(vocabulary=self.vocabulary, tokens=parts[0]), Corpus(
                vocabulary=self.vocabulary, tokens=parts[1]
            )
        assert self.texts is not None  # noqa: S101 - one of the two is there
        if self.is_of_records:
            order = shuffled(len(self), seed)
            return self._chosen(np.sort(order[:end])), self._chosen(np.sort(order[end:]))
        first, rest = self.texts.ids[:end], self.texts.ids[end:]
        return tuple(  # type: ignore[return-value]  # two
            Corpus(vocabulary=self.vocabulary, texts=JoinedTexts(ids, np.array([len(ids)]))) for ids in (first, rest)
        )

    def _chosen(self, records: NDArray[np.int64]) -> Corpus:
        assert self.texts is not None  # noqa: S101 - of records
        starts, lengths = np.cumsum(self.texts.lengths) - self.texts.lengths, self.texts.lengths[records]
        moved_by = starts[records] - (np.cumsum(lengths) - lengths)
        ids = self.texts.ids[np.repeat(moved_by, lengths) + np.arange(int(lengths.sum()))]
        weights = None if self.texts.weights is None else self.texts.weights[records]
        return Corpus(vocabulary=self.vocabulary, texts=JoinedTexts(ids, lengths, weights))

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all texts, concatenated, and the length of each, int64 ``(N,)``."""
        if self.tokens is not None:
            file, start, stop = self.tokens
            return file.read(start, stop), np.array([stop - start])
        assert self.texts is not None  # noqa: S101 - one of the two is set
        return self.texts.joined()

    @property
    def weights(self) -> NDArray[np.int64] | None:
        """The count of each text; None if each counts once."""
        return None if self.texts is None else self.texts.weights

    def pieces(
        self, targets: int | None, overlap: int
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Returns all texts a piece at a time; see ``charlm.data.dataset.Dataset``."""
        if self.tokens is not None:
            file, first, _ = self.tokens

            def read(start: int, stop: int) -> NDArray[np.integer[Any]]:
                return file.read(first + start, first + stop)

            return pieces_of_text(read, len(self), targets, overlap)
        ids, lengths = self.joined()
        if self.is_of_records:
            return pieces_of_records(ids, lengths, targets)
        return pieces_of_text(lambda start, stop: ids[start:stop], len(ids), targets, overlap)

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

        if self.is_of_records and self.texts is not None:
            return RecordDataset.of(self.texts, self.vocabulary)
        if self.tokens is not None:
            file, start, stop = self.tokens
            return TextDataset(as_stream(file).part(start, stop), block_size)
        return TextDataset(self.joined()[0], block_size)

    def excerpt(self) -> str:
        """Returns the beginning, as text."""
        if not self.is_of_records:
            ids = next(self.pieces(EXCERPT_CHARACTERS, 0), (np.zeros(0, dtype=np.int64), None, 0))[0]
            return self.vocabulary.decode(ids[:EXCERPT_CHARACTERS])
        ids, lengths = self.joined()
        ends = np.cumsum(lengths)[:EXCERPT_RECORDS].tolist()
        records = (ids[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=False))
        return "\n".join(self.vocabulary.decode(record) for record in records)[:EXCERPT_CHARACTERS]


def roles_of_text(family: str) -> list[SpecialToken]:
    """Returns the special tokens in the vocabulary of a text.

    A model trained by gradient descent on one text never sees ``bos`` and would learn nothing about it; a count model
    without information about it falls back to character frequencies.
    """
    return ["bos", "unk"] if family in ("ngram", "bigram") else ["unk"]
