"""Records as training data: one example per record, each with a start and an end."""

from __future__ import annotations

import copy
import hashlib
import os
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from charlm.data.dataset import IGNORE_INDEX, JoinedTexts, check_vocabulary_size, pieces_of_records
from charlm.data.splitting import split_records
from charlm.data.text_dataset import TextDataset
from chartok import ReadingSettings, UnknownCharacterError, Vocabulary, read_records
from chartok.arguments import check_several, joined_texts, positive_integer
from chartok.ragged import encode_joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    from numpy.typing import NDArray

    from chartok.files.reading import ReadingKeywords


MOST_REPEATED = 1 << 27
"""How often records that count several times may count in all: each time takes 16 bytes."""


class RecordDataset(Dataset[tuple[Tensor, Tensor]]):
    """Independent texts (names, molecules, log lines), one example each.

    The inputs of a record are ``bos`` and its ids, its targets the ids and ``eos``: the model learns how a record
    begins and where it ends. Both are padded to ``block_size``; padding targets are ``-100``, which the loss and scores
    ignore.

    Args:
        records: The texts, each at least one character long.
        vocabulary: Must have a ``bos`` and an ``eos`` token; None builds one from the characters of the records.
        block_size: The number of inputs of an example; by default what the longest record needs, its length plus 1.

    Attributes:
        vocabulary: What the ids mean.
        block_size: The number of inputs of an example.

    Raises:
        ValueError: There is no record, one is empty or longer than ``block_size - 1``, or the vocabulary has no
            ``bos`` or ``eos``; names the record.
        UnknownCharacterError: A character is not in the vocabulary; names the record.
        TypeError: ``records`` is a single ``str`` or not iterable, or a record is not a ``str``.

    Example:
        >>> dataset = RecordDataset(["ab", "b"])
        >>> dataset.vocabulary
        Vocabulary('ab', special_tokens={'bos': 2, 'eos': 3})
        >>> inputs, targets = dataset[1]
        >>> inputs, targets
        (tensor([2, 1, 3]), tensor([   1,    3, -100]))
    """

    has_padding = True

    def __init__(
        self, records: Iterable[str], vocabulary: Vocabulary | None = None, *, block_size: int | None = None
    ) -> None:
        check_several(records, "records")
        texts = list(records)
        joined = joined_texts(texts, "records")
        if block_size is not None:
            positive_integer("block_size", block_size)
        _check_lengths(texts, block_size)
        if vocabulary is None:
            vocabulary = Vocabulary.from_text(joined, special_tokens=["bos", "eos"])
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(f"vocabulary must be a Vocabulary, got {type(vocabulary).__name__}")
        for role in ("bos", "eos"):
            if role not in vocabulary.special_tokens:
                raise ValueError(f"records need a {role} token: make the vocabulary with special_tokens=['bos', 'eos']")
        special = vocabulary.special_tokens
        ids, lengths = encode_joined(vocabulary, texts, bos=special["bos"], eos=special["eos"])
        self._hold(JoinedTexts(ids, lengths), vocabulary, block_size)

    def _hold(self, records: JoinedTexts, vocabulary: Vocabulary, block_size: int | None = None) -> None:
        ids, lengths = records.joined()
        starts = np.cumsum(lengths) - lengths
        if records.weights is not None and int(records.weights.sum()) > MOST_REPEATED:
            raise ValueError(
                f"records that count {int(records.weights.sum()):,} times in all are too many to train on: "
                f"at most {MOST_REPEATED:,}; count them with an n-gram model, or divide their numbers"
            )
        if records.weights is not None:  # a record that counts several times is repeated, over the same ids
            starts, lengths = np.repeat(starts, records.weights), np.repeat(lengths, records.weights)
        self.vocabulary = vocabulary
        self.block_size: int = int(lengths.max()) - 1 if block_size is None else int(block_size)
        self._ids = torch.from_numpy(ids)
        self._starts = torch.from_numpy(starts)
        self._lengths = torch.from_numpy(lengths)

    @classmethod
    def of(cls, records: JoinedTexts, vocabulary: Vocabulary) -> Self:
        """Returns a dataset of records given as ids, each from ``bos`` to ``eos`` and repeated by its weight.

        Args:
            records: At least one.
            vocabulary: What the ids mean.
        """
        dataset = cls.__new__(cls)
        dataset._hold(records, vocabulary)  # noqa: SLF001 - the constructor's other half
        return dataset

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        vocabulary: Vocabulary | None = None,
        *,
        block_size: int | None = None,
        **reading: Unpack[ReadingKeywords],
    ) -> Self:
        r"""Returns the records of a file: its lines, as ``chartok.read_records`` returns them.

        Args:
            path: The file.
            vocabulary: As for the class.
            block_size: As for the class.
            reading: How to read the file: the settings of ``chartok.ReadingSettings``.

        Raises:
            OSError: The file cannot be read, like the other errors of ``chartok.read_records``.
            UnknownCharacterError: A character is not in the vocabulary; names the file and the line.
            ValueError: As for the class; names the file too.

        Example:
            >>> import tempfile
            >>> from pathlib import Path
            >>> path = Path(tempfile.mkdtemp()) / "names.txt"
            >>> _ = path.write_text("ada\nbob\n", encoding="utf-8")
            >>> len(RecordDataset.from_file(path))
            2
        """
        records = read_records(path, ReadingSettings(**reading))
        try:
            return cls(records, vocabulary, block_size=block_size)
        except UnknownCharacterError as error:
            raise UnknownCharacterError(
                error.character, error.position, error.vocabulary_size, error.text_index, path=os.fspath(path)
            ) from None
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)!a}: {error}") from None

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def examples_per_epoch(self) -> int:
        """The number of records."""
        return len(self)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"record {index} is out of range: the dataset has length {len(self)}")
        inputs, targets = self.batch(torch.tensor([index % len(self)]), torch.device("cpu"))
        return inputs[0], targets[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        inputs, targets = self.batch(torch.as_tensor(indices), torch.device("cpu"))
        return list(zip(inputs, targets, strict=True))

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns several records as int64 inputs and targets, each ``(B, block_size)``, on ``device``.

        Args:
            indices: Which records, int64 ``(B,)``, each at least 0.
            device: The device of the result.
        """
        columns = torch.arange(self.block_size + 1)
        is_filled = columns < self._lengths[indices, None]
        places = (self._starts[indices, None] + columns).clamp_(max=len(self._ids) - 1)
        eos = self.vocabulary.special_tokens["eos"]
        rows = torch.where(is_filled, self._ids[places].long(), eos)
        targets = rows[:, 1:].masked_fill(~is_filled[:, 1:], IGNORE_INDEX)
        return rows[:, :-1].to(device), targets.to(device)

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all records, ``bos`` and ``eos`` included, and the length of each, int64 ``(N,)``."""
        return self._joined().numpy(), self._lengths.numpy()

    def pieces(
        self,
        targets: int | None,
        overlap: int,  # noqa: ARG002 - of a text
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Returns whole records, in pieces of about ``targets`` targets each.

        Args:
            targets: The approximate number of targets; None returns everything at once.
            overlap: Not used: every record starts without context.

        Returns:
            The ids of the records, the length of each, and 0.
        """
        return pieces_of_records(*self.joined(), targets)

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            ValueError: The vocabulary is larger.
        """
        check_vocabulary_size(self.vocabulary, size)

    def split(self, fraction: float, *, seed: int = 0) -> tuple[Self, Self]:
        """Returns two datasets: some of the records, drawn at random, and the rest, each in the original order.

        A record that occurs several times is in one of the two alone.

        Args:
            fraction: The share of the records in the first, above 0 and below 1; rounded down to whole records, or the
                nearest to that where some occur several times.
            seed: Determines which records are drawn.

        Raises:
            ValueError: ``fraction`` is not between 0 and 1, or a part would be empty.
            TypeError: ``seed`` is not an integer.

        Example:
            >>> train, validation = RecordDataset(["ada", "bob", "eve", "kim"]).split(0.75, seed=0)
            >>> len(train), len(validation)
            (3, 1)
        """
        first, rest = split_records(self, None, fraction, seed=seed)
        return self._chosen(torch.from_numpy(first)), self._chosen(torch.from_numpy(rest))

    def _chosen(self, indices: Tensor) -> Self:
        chosen = copy.copy(self)
        chosen._starts, chosen._lengths = self._starts[indices], self._lengths[indices]  # noqa: SLF001 - its own kind
        return chosen

    def packed(self, block_size: int) -> TextDataset:
        """Returns the records concatenated, ``bos`` before and ``eos`` after each, as one stream without padding.

        A window may begin in one record and end in another.

        Args:
            block_size: The number of ids in a window.

        Raises:
            ValueError: All records together are shorter than a window.
        """
        return TextDataset(self._joined(), block_size)

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the records and their vocabulary."""
        digest = hashlib.sha256(f"{self.vocabulary.fingerprint} {self.block_size}".encode())
        digest.update(self._joined().numpy().astype("<i8").data)
        return digest.hexdigest()

    def _joined(self) -> Tensor:
        """Returns the ids of these records only, concatenated; a split shares the ids of the whole dataset."""
        moved_by = self._starts - (self._lengths.cumsum(0) - self._lengths)
        return self._ids[torch.repeat_interleave(moved_by, self._lengths).add_(torch.arange(int(self._lengths.sum())))]


def _check_lengths(texts: list[str], block_size: int | None) -> None:
    if not texts:
        raise ValueError("records is empty: give at least one text")
    lengths = list(map(len, texts))
    if not min(lengths):
        raise ValueError(f"records[{lengths.index(0)}] is empty: leave empty records out")
    longest = max(lengths)
    if block_size is not None and longest > block_size - 1:
        index = lengths.index(longest)
        raise ValueError(
            f"records[{index}] has {longest} characters, but a block_size of {block_size} leaves room for only "
            f"{block_size - 1} after bos: {texts[index][:40]!a}"
        )
