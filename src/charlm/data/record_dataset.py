"""Records as training data: one example per record, each with a start and an end."""

from __future__ import annotations

import copy
import hashlib
import os
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from charlm.data.dataset import IGNORE_INDEX, check_vocabulary_size
from charlm.data.folds import Folds, FoldTexts
from charlm.data.packed_records import PackedRecords
from charlm.data.prompts import with_prompts_up_to
from charlm.data.record_file import records_of_files
from charlm.data.record_texts import records_of_texts
from charlm.data.records import Records
from charlm.data.shown import ShownRecords
from charlm.data.splitting import folds_of_records
from charlm.data.streams import as_stream
from charlm.data.text_dataset import TextDataset
from charlm.data.windows import Windows
from chartok import ReadingSettings, TokenFile, Vocabulary
from chartok.arguments import positive_integer
from chartok.files.reading import say_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from charlm.data.dataset import JoinedTexts, Piece
    from charlm.data.limits import TooLong
    from chartok.files.reading import Note, ReadingKeywords

LONGEST_WINDOW = 1024
"""The number of inputs from which on a record is cut into windows, unless ``block_size`` says otherwise."""
MOST_REPEATED = 1 << 27
"""How often records that count several times may count in all: each time takes 8 bytes."""


class RecordDataset(ShownRecords, Dataset[tuple[Tensor, Tensor]]):
    """Independent texts (names, molecules, log lines), one example each.

    The inputs of a record are ``bos`` and its ids, its targets the ids and ``eos``: the model learns how a record
    begins and where it ends. A batch is padded to its own longest example; padding targets are ``-100``, which the loss
    and scores ignore.

    A record that needs more than ``block_size`` inputs is several examples: consecutive windows, each of which begins
    with the last character of the one before as context, so that every character, and the end, is a target once.

    Args:
        records: The texts, each at least one character long, or a ``TokenFile`` of records, which stays on disk.
        vocabulary: Must have a ``bos`` and an ``eos`` token; None builds one from the characters of the records.
        block_size: The largest number of inputs of an example; by default what the longest record needs, its length
            plus 1, but at most 1,024.
        max_length: The most characters of a record; None for no limit.
        too_long: What to do with a longer one. ``"split"`` trains on it in windows of at most ``max_length + 1``
            inputs, ``"truncate"`` takes its beginning, which gets no ``eos``, since it does not end there, ``"skip"``
            leaves it out, and ``"error"`` refuses it.
        prompts: What precedes each record, which is then the answer to it: the inputs have both, and the targets of the
            prompt are masked, so that training and validation loss count the answer alone.
        prompt_end: The same where the records have the prompts in them: the prompt of each is everything up to the
            first occurrence of this string, and the string itself, such as ``"="``.

    Attributes:
        vocabulary: What the ids mean.
        block_size: The largest number of inputs of an example.
        records: The records as ids.

    Raises:
        ValueError: There is no record, one is empty, or longer than ``max_length`` under ``"error"``; names the record.
            Or the vocabulary has no ``bos`` or ``eos`` or is not that of the token file, or that is of one text. Or a
            record has no ``prompt_end``, or nothing follows its prompt; names the record.
        UnknownCharacterError: A character is not in the vocabulary; names the record.
        TypeError: ``records`` is a single ``str`` or not iterable, or a record is not a ``str``.

    Example:
        >>> dataset = RecordDataset(["ab", "b"])
        >>> dataset.vocabulary
        Vocabulary('ab', special_tokens={'bos': 2, 'eos': 3})
        >>> dataset[1]
        (tensor([2, 1]), tensor([1, 3]))
        >>> inputs, targets = dataset.batch(torch.tensor([0, 1]), torch.device("cpu"))
        >>> inputs, targets
        (tensor([[2, 0, 1],
                [2, 1, 3]]), tensor([[   0,    1,    3],
                [   1,    3, -100]]))
        >>> RecordDataset(["1+1=2"], prompt_end="=")[0][1]
        tensor([-100, -100, -100, -100,    2,    5])
    """

    has_ignored_targets = True

    def __init__(
        self,
        records: Iterable[str] | TokenFile,
        vocabulary: Vocabulary | None = None,
        *,
        block_size: int | None = None,
        max_length: int | None = None,
        too_long: TooLong = "split",
        prompts: Iterable[str] | None = None,
        prompt_end: str | None = None,
    ) -> None:
        if prompts is not None and prompt_end is not None:
            raise ValueError(
                "prompt_end finds the prompts in the records, and prompts gives them: leave one of them out"
            )
        if not isinstance(records, TokenFile):
            held, own = records_of_texts(records, vocabulary, prompts=prompts)
        elif prompts is not None:
            raise ValueError(
                f"the records of {records.path!a} have their prompts in them: give prompt_end, not prompts"
            )
        elif vocabulary not in (None, records.vocabulary):
            raise ValueError(f"vocabulary is not that of {records.path!a}: leave it out, or prepare the file with it")
        else:
            held, own = Records(records), records.vocabulary
        self._hold(held, own, block_size, max_length, too_long, prompt_end)

    def _hold(
        self,
        records: Records,
        vocabulary: Vocabulary,
        block_size: int | None,
        max_length: int | None = None,
        too_long: TooLong = "split",
        prompt_end: str | None = None,
    ) -> None:
        if prompt_end is not None:
            records = with_prompts_up_to(records, prompt_end, vocabulary)
        most = LONGEST_WINDOW if block_size is None else positive_integer("block_size", block_size)
        if max_length is None and too_long != "split":
            raise ValueError("too_long says what to do with a record above max_length: give max_length as well")
        if max_length is not None:
            records = records.limited(max_length, too_long)
            most = min(most, max_length + 1) if too_long == "split" else most
        self.vocabulary = vocabulary
        self.records: Records = records
        self._windows = Windows(records, most)
        self.block_size: int = most if block_size is not None else min(most, self._windows.longest)

    @classmethod
    def of(cls, records: Records, vocabulary: Vocabulary, *, block_size: int | None = None) -> Self:
        """Returns a dataset of records given as ids, each repeated by its weight.

        Args:
            records: At least one.
            vocabulary: What the ids mean.
            block_size: As for the class.

        Raises:
            ValueError: They count too many times in all.
        """
        times = len(records) if records.weights is None else int(records.weights.sum())
        if records.weights is not None and times > MOST_REPEATED:
            raise ValueError(
                f"records that count {times:,} times in all are too many to train on: at most {MOST_REPEATED:,}; "
                "count them with an n-gram model, or divide their numbers"
            )
        dataset = cls.__new__(cls)
        dataset._hold(records.repeated(), vocabulary, block_size)  # noqa: SLF001 - the constructor's other half
        return dataset

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        vocabulary: Vocabulary | None = None,
        *,
        block_size: int | None = None,
        max_length: int | None = None,
        too_long: TooLong = "split",
        prompt_end: str | None = None,
        note: Note = say_nothing,
        **reading: Unpack[ReadingKeywords],
    ) -> Self:
        r"""Returns the records of a file: its lines, as ``chartok.read_records`` returns them.

        Args:
            path: The file.
            vocabulary: As for the class.
            block_size: Likewise.
            max_length: Likewise.
            too_long: Likewise.
            prompt_end: Likewise.
            note: Called with what is worth knowing about the file, one line each.
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
        records, own = records_of_files(
            path, vocabulary, reading=ReadingSettings(**reading), note=note, special_tokens=["bos", "eos"]
        )
        dataset = cls.__new__(cls)
        try:
            dataset._hold(records, own, block_size, max_length, too_long, prompt_end)  # noqa: SLF001 - the constructor's other half
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)!a}: {error}") from None
        return dataset

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def examples_per_epoch(self) -> int:
        """The number of examples."""
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
        """Returns several examples as int64 inputs and targets, each ``(B, T)``, on ``device``.

        Args:
            indices: Which examples, int64 ``(B,)``, each at least 0.
            device: The device of the result.

        Returns:
            T is the number of inputs of the longest of them.
        """
        starts, widths, masked = self._windows.spans(indices.numpy())
        columns = np.arange(int(widths.max(initial=0)) + 1)
        is_filled = columns <= widths[:, None]
        rows = np.full(is_filled.shape, self.vocabulary.special_tokens["eos"], dtype=np.int64)
        rows[is_filled] = self.records.source.spans(starts, widths + 1)
        is_target = is_filled[:, 1:] if masked is None else is_filled[:, 1:] & (columns[:-1] >= masked[:, None])
        targets = np.where(is_target, rows[:, 1:], IGNORE_INDEX)
        return torch.from_numpy(rows[:, :-1]).to(device), torch.from_numpy(targets).to(device)

    def widths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of inputs of each example, int64 ``(B,)``."""
        return self._windows.spans(indices).inputs

    def folds(self, number: int, *, context: int) -> Folds:  # noqa: ARG002 - of a text
        """Returns a division of the records in which equal ones share a fold; see ``charlm.data.folds.HasFolds``.

        Args:
            number: How many folds, at most 256.
            context: Not used: every record starts without context.
        """
        fold_of_records = folds_of_records(self.records, number)

        def of(indices: NDArray[np.int64]) -> NDArray[np.int64]:
            return fold_of_records[self._windows.records(indices)].astype(np.int64)

        return Folds([FoldTexts(self.records.chosen(fold_of_records == fold)) for fold in range(number)], of)

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all records, ``bos`` and ``eos`` included, and the length of each, int64 ``(N,)``."""
        return self.records.joined()

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Yields whole records in order, about ``ids`` ids at a time."""
        return self.records.parts(ids)

    def pieces(
        self,
        targets: int | None,
        overlap: int,  # noqa: ARG002 - of a text
    ) -> Iterator[Piece]:
        """Returns whole records, in pieces of about ``targets`` targets each.

        Args:
            targets: The approximate number of targets; None leaves it to the records.
            overlap: Not used: every record starts without context.
        """
        return self.records.pieces(targets)

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            ValueError: The vocabulary is larger.
        """
        check_vocabulary_size(self.vocabulary, size)

    def split(self, fraction: float, *, seed: int | None = 0) -> tuple[Self, Self]:
        """Returns two datasets: some of the records, drawn at random, and the rest, each in the original order.

        Args:
            fraction: The share of the records in the first, above 0 and below 1; rounded down to whole records.
            seed: Determines which records are drawn; None draws a new one, which the logger ``charlm`` tells.

        Raises:
            ValueError: ``fraction`` is not between 0 and 1, or a part would be empty.
            TypeError: ``seed`` is not an integer.

        Example:
            >>> train, validation = RecordDataset(["ada", "bob", "eve", "kim"]).split(0.75, seed=0)
            >>> len(train), len(validation)
            (3, 1)
        """
        first, rest = self.records.split(fraction, seed=seed)
        return self._with(first), self._with(rest)

    def _with(self, records: Records) -> Self:
        some = copy.copy(self)
        some.records, some._windows = records, Windows(records, self.block_size)  # noqa: SLF001 - its own kind
        return some

    def packed(self, block_size: int) -> TextDataset:
        """Returns the records concatenated, ``bos`` before and ``eos`` after each, as one stream without padding.

        A window may begin in one record and end in another. The ids of a whole token file stay on disk; those of a part
        of one, as after ``split``, are read into memory.

        Args:
            block_size: The number of ids in a window.

        Raises:
            ValueError: All records together are shorter than a window; or a window could be in a prompt alone.
        """
        source = self.records.source
        if isinstance(source, TokenFile) and self.records.is_whole:
            stream = as_stream(source)
        else:
            stream = as_stream(self.records.joined()[0])
        if self.records.prompts is None:
            return TextDataset(stream, block_size)
        return PackedRecords.of(self.records, stream, block_size)

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the records, their prompts and their vocabulary."""
        own = f"{self.vocabulary.fingerprint} {self.block_size} {self.records.fingerprint()}"
        return hashlib.sha256(own.encode()).hexdigest()
