"""A corpus as ids: a text, records, or a token file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.dataset import JoinedTexts, check_vocabulary_size, pieces_of_text
from charlm.data.framing import Framing
from charlm.data.record_file import records_of_lines
from charlm.data.records import Records, RecordsInMemory
from chartok import Vocabulary
from chartok.arguments import checked_texts, fraction, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.data.dataset import Dataset
    from charlm.data.limits import TooLong
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
        vocabulary: The vocabulary of the ids.
        ids: One text in memory, ``(N,)``; None for records, and for a token file.
        tokens: A token file of one text, and the start and stop of the ids in this corpus; None otherwise.
        records: The records, each from ``bos`` to ``eos``, in memory or in a token file; None for a text.
    """

    vocabulary: Vocabulary
    ids: NDArray[np.integer[Any]] | None = None
    tokens: tuple[TokenFile, int, int] | None = None
    records: Records | None = None

    @classmethod
    def of_text(cls, text: str, roles: Iterable[SpecialToken]) -> Corpus:
        """Returns the corpus of one text.

        Raises:
            ValueError: It is empty.
        """
        if not text:
            raise ValueError("text is empty: give at least one character to train on")
        vocabulary = Vocabulary.from_text(text, special_tokens=roles)
        return cls(vocabulary=vocabulary, ids=vocabulary.encode(text))

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
        source = RecordsInMemory.of(*Framing(vocabulary).to_count(texts))
        return cls(vocabulary=vocabulary, records=Records(source, weights))

    @classmethod
    def of_lines(cls, text: Iterable[str], name: str) -> Corpus:
        """Returns the corpus of the lines of a text, each a record.

        Args:
            text: The text, cut anywhere.
            name: What to call it in an error.

        Raises:
            ValueError: There is no line, or one is empty.
        """
        records, vocabulary = records_of_lines(text, name)
        return cls(vocabulary=vocabulary, records=records)

    @classmethod
    def of_tokens(cls, tokens: TokenFile) -> Corpus:
        """Returns the corpus of a token file, of one text or of records.

        Raises:
            ValueError: It has no record.
        """
        if tokens.records is None:
            return cls(vocabulary=tokens.vocabulary, tokens=(tokens, 0, len(tokens)))
        return cls(vocabulary=tokens.vocabulary, records=Records(tokens))

    @property
    def is_of_records(self) -> bool:
        """Whether the texts are independent records."""
        return self.records is not None

    @property
    def unit(self) -> str:
        """The unit in which its size is counted."""
        return "records" if self.is_of_records else "characters"

    def __len__(self) -> int:
        if self.records is not None:
            return len(self.records)
        return self._stop - self._start

    @property
    def characters(self) -> int:
        """The number of characters in its texts."""
        return len(self) if self.records is None else self.records.characters

    def limited(self, max_length: int | None, too_long: TooLong) -> Corpus:
        """Returns the corpus with what ``Records.limited`` makes of long records.

        Raises:
            ValueError: As ``Records.limited`` does; or this is a text.
        """
        if max_length is None:
            return self
        if self.records is None:
            raise ValueError("max_length applies only to records: a text is cut into windows of block_size")
        return replace(self, records=self.records.limited(max_length, too_long))

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
        if self.records is not None:
            first, rest = self.records.split(end, seed=seed)
            return replace(self, records=first), replace(self, records=rest)
        return self._part(0, end), self._part(end, len(self))

    @property
    def _start(self) -> int:
        return 0 if self.tokens is None else self.tokens[1]

    @property
    def _stop(self) -> int:
        if self.tokens is not None:
            return self.tokens[2]
        assert self.ids is not None  # noqa: S101 - one of the three is set
        return len(self.ids)

    def _part(self, start: int, stop: int) -> Corpus:
        if self.tokens is not None:
            return replace(self, tokens=(self.tokens[0], self._start + start, self._start + stop))
        assert self.ids is not None  # noqa: S101 - one of the three is set
        return replace(self, ids=self.ids[start:stop])

    def _read(self, start: int, stop: int) -> NDArray[np.integer[Any]]:
        """Returns some ids of a text."""
        if self.tokens is not None:
            return self.tokens[0].read(self._start + start, self._start + stop)
        assert self.ids is not None  # noqa: S101 - one of the three is set
        return self.ids[start:stop]

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Yields whole texts in order, about ``ids`` ids at a time."""
        if self.records is not None:
            yield from self.records.parts(ids)
        else:
            yield JoinedTexts(self._read(0, len(self)), np.array([len(self)]))

    def pieces(
        self, targets: int | None, overlap: int
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Returns all texts a piece at a time; see ``charlm.data.dataset.Dataset``."""
        if self.records is not None:
            return self.records.pieces(targets)
        return pieces_of_text(self._read, len(self), targets, overlap)

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            ValueError: The vocabulary is larger.
        """
        check_vocabulary_size(self.vocabulary, size)

    def needed(self, block_size: int) -> int:
        """Returns how many inputs an example needs, at most ``block_size``: no more than the longest record does."""
        if self.records is None:
            return block_size
        longest = max(int(lengths.max()) for _, lengths in self.records.bounds_in_parts())
        return min(block_size, longest - 1)

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

        if self.records is not None:
            dataset = RecordDataset.of(self.records, self.vocabulary, block_size=block_size)
            return dataset.packed(block_size) if packing else dataset
        if packing:
            raise ValueError("packing applies only to records: the windows of a text have no padding")
        if self.tokens is not None:
            file, start, stop = self.tokens
            return TextDataset(as_stream(file).part(start, stop), block_size)
        return TextDataset(self._read(0, len(self)), block_size)

    def excerpt(self) -> str:
        """Returns the beginning, as text."""
        if self.records is None:
            return self.vocabulary.decode(self._read(0, min(len(self), EXCERPT_CHARACTERS)))
        places = np.arange(min(len(self), EXCERPT_RECORDS))
        starts, lengths = self.records.bounds(places)
        spans = zip(starts.tolist(), np.minimum(lengths, EXCERPT_CHARACTERS).tolist(), strict=True)
        several = [self.records.source.read(start, start + length) for start, length in spans]
        return "\n".join(map(self.vocabulary.decode, several))[:EXCERPT_CHARACTERS]


def roles_of_text(family: str) -> list[SpecialToken]:
    """Returns the special tokens in the vocabulary of a text.

    A model trained by gradient descent on one text never sees ``bos`` and would learn nothing about it; a count model
    without information about it falls back to character frequencies.
    """
    return ["bos", "unk"] if family in ("ngram", "bigram") else ["unk"]
