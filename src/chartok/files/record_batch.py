"""Records of a file, as many as are read at a time, with where each of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chartok.errors import UnknownCharacterError

if TYPE_CHECKING:
    from collections.abc import Sequence


class RecordBatch(NamedTuple):
    """Some records of a file.

    Attributes:
        texts: What they say.
        numbers: What part of the file each is, from 1 on; those that are left out are counted.
        part: What is counted, such as ``line``.
        source: The name of the file.
        bytes_read: The number of bytes that have been read.

    Example:
        >>> batch = RecordBatch(["ada", "", "bob"], range(1, 4), "line", "names.txt", 9)
        >>> batch.where(2)
        "line 3 of 'names.txt'"
        >>> batch.selected([0, 2]).numbers
        [1, 3]
    """

    texts: list[str]
    numbers: Sequence[int]
    part: str
    source: str
    bytes_read: int

    def where(self, index: int) -> str:
        """Returns where one of the records is, in words."""
        return f"{self.part} {self.numbers[index]} of {self.source!a}"

    def located(self, error: UnknownCharacterError) -> UnknownCharacterError:
        """Returns an error about one of the records, by its index, as one about that part of the file."""
        number = self.numbers[error.text_index or 0] - 1
        return UnknownCharacterError(
            error.character, error.position, error.vocabulary_size, number, path=self.source, part=self.part
        )

    def selected(self, indices: Sequence[int]) -> RecordBatch:
        """Returns some of the records."""
        texts, numbers = [self.texts[index] for index in indices], [self.numbers[index] for index in indices]
        return self._replace(texts=texts, numbers=numbers)
