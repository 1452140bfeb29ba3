r"""Ids on disk: a header that describes them, and the ids themselves, read by window.

Layout: the eight bytes ``CHARTOK\n``, the length of the header in eight bytes (little-endian), the SHA-256 of the
header in 32 bytes, the header (JSON, padded with spaces to a multiple of 64 bytes), the ids (little-endian).
The header holds the version of this layout, the dtype, the number of ids, the number of records (null for one text),
the SHA-256 of everything after the header, and the vocabulary.

In a file of records each has its ``bos`` and ``eos`` among the ids, and the ids are followed by where each record
begins, and where the last one ends, as int64 (little-endian).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from chartok.arguments import file_path, natural_number
from chartok.errors import TokenFileError, VocabularyError
from chartok.files.atomic import is_special
from chartok.files.envelope import check_version
from chartok.files.fixed import FixedFile
from chartok.files.strict_json import LONGEST, parse_json
from chartok.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MAGIC = b"CHARTOK\n"
VERSION = 1
PREFIX = len(MAGIC) + 8 + 32
ALIGNMENT = 64
RECORDS_AT_ONCE = 1 << 17
"""How many records are verified at a time."""
OFFSET = np.dtype("<i8")
"""How the beginning of a record is stored."""
SHORTEST_RECORD = 2
"""The ids of an empty record: its start and its end."""


class TokenFile:
    """The ids of a text or of records on disk, read by window; memory does not grow with the file.

    Opening only checks the header and the length; ``verify`` reads everything and finds any damage. What is read of
    where records begin is checked each time.

    If the file is truncated or changed meanwhile, an error is raised. A token file can be pickled; the copy reopens the
    file and checks that it is the same.

    Args:
        path: The file that ``encode_file`` wrote.

    Attributes:
        path: The file.
        vocabulary: What the ids mean.
        dtype: How they are stored: ``vocabulary.dtype``, little-endian.
        records: The number of records, whose ids include ``bos`` and ``eos``; None for the ids of one text.
        sha256: The SHA-256 of everything after the header, in hexadecimal, as recorded there.

    Raises:
        OSError: The file is missing, is a folder, or cannot be read.
        TokenFileError: It is not a token file, or is damaged or of a newer version.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from chartok import encode_file
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "input.txt").write_text("banana", encoding="utf-8")
        >>> with encode_file(folder / "input.txt", folder / "input.tokens") as tokens:
        ...     tokens.vocabulary, len(tokens), tokens.read(2, 6)
        (Vocabulary('abn'), 6, array([2, 0, 2, 0], dtype=uint8))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        file_path("path", path)
        self.path: str = os.fspath(path)
        self._file = FixedFile(self.path)
        try:
            header, self._start = _checked_header(self._file)
            self.vocabulary: Vocabulary = Vocabulary.from_dict(header["vocabulary"])
            self.dtype: np.dtype[np.unsignedinteger[Any]] = self.vocabulary.dtype.newbyteorder("<")
            self.records: int | None = _checked_records(header, self.vocabulary)
            self._length = _checked_length(header, self.dtype, self.records, self._file.size - self._start)
            self.sha256: str = str(header["sha256"])
            self._file.sealed = (self._start, self.sha256)
        except (TokenFileError, VocabularyError, KeyError) as error:
            self.close()
            raise TokenFileError(f"{self.path!a} is not a valid token file: {error}") from None
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self._length

    def read(self, start: int, stop: int) -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ids from ``start`` up to, but not including, ``stop``, shape ``(stop - start,)``.

        Raises:
            IndexError: The range is not within the file.
            OSError: It cannot be read.
            TokenFileError: The file was truncated, replaced or changed since it was opened.
        """
        if not 0 <= start <= stop <= self._length:
            raise IndexError(f"ids {start} to {stop} are out of range: {self.path!a} has {self._length} ids")
        first, last = (self._start + position * self.dtype.itemsize for position in (start, stop))
        return np.frombuffer(self._file.read(first, last), dtype=self.dtype).astype(self.vocabulary.dtype, copy=False)

    def windows(self, starts: NDArray[np.integer[Any]] | Sequence[int], width: int) -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ``width`` ids that begin at each start.

        Args:
            starts: Where the windows begin, shape ``(B,)``.
            width: The number of ids in a window.

        Returns:
            Shape ``(B, width)``.

        Raises:
            IndexError: A window is not within the file.
            OSError: It cannot be read.
            TokenFileError: The file was truncated, replaced or changed since it was opened.
            ValueError: ``width`` is negative, or ``starts`` is not one-dimensional.
            TypeError: They are not integers.
        """
        natural_number("width", width)
        starts = _checked_starts(starts)
        # Viewed as unsigned, a negative start is larger than any valid one.
        unsigned = starts.view(np.uint64)
        if len(starts) and (width > self._length or unsigned.item(unsigned.argmax()) > self._length - width):
            raise IndexError(
                f"windows of {width} ids starting at {starts.min()} to {starts.max()} are out of range: "
                f"{self.path!a} has {self._length} ids"
            )
        size = self.dtype.itemsize
        ids = self._file.scattered((starts * size + self._start).tolist(), [width * size] * len(starts))
        windows = np.frombuffer(ids, dtype=self.dtype).reshape(len(starts), width)
        return windows.astype(self.vocabulary.dtype, copy=False)

    def bounds(self, records: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where records begin among the ids, and how many ids each has, ``bos`` and ``eos`` included.

        Args:
            records: Which records, int64 ``(B,)``.

        Returns:
            Two int64 arrays, ``(B,)``.

        Raises:
            IndexError: There is no such record.
            OSError: The file cannot be read.
            TokenFileError: It is not a file of records, was changed since it was opened, or is damaged.
        """
        first = self._first_offset(int(records.min(initial=0)), int(records.max(initial=-1)) + 1)
        places = (records * OFFSET.itemsize + first).tolist()
        found = self._file.scattered(places, [2 * OFFSET.itemsize] * len(places))
        return self._checked_bounds(*np.frombuffer(found, dtype=OFFSET).reshape(-1, 2).T)

    def bounds_from(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns what ``bounds`` does for the records from ``start`` up to, but not including, ``stop``.

        Raises:
            IndexError: The range is not within the file.
            OSError: As in ``bounds``, like the other errors.
        """
        first = self._first_offset(start, stop)
        found = self._file.read(first + start * OFFSET.itemsize, first + (stop + 1) * OFFSET.itemsize)
        offsets = np.frombuffer(found, dtype=OFFSET)
        return self._checked_bounds(offsets[:-1], offsets[1:])

    def spans(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
        """Returns several spans of ids, concatenated: shape ``(lengths.sum(),)``.

        Args:
            starts: Where each begins, int64 ``(B,)``.
            lengths: How many ids each has, int64 ``(B,)``.

        Raises:
            IndexError: A span is not within the file.
            OSError: It cannot be read.
            TokenFileError: The file was truncated, replaced or changed since it was opened.
        """
        if len(starts) and (starts.min() < 0 or lengths.min() < 0 or (starts + lengths).max() > self._length):
            raise IndexError(f"spans are out of range: {self.path!a} has {self._length} ids")
        size = self.dtype.itemsize
        ids = self._file.scattered((starts * size + self._start).tolist(), (lengths * size).tolist())
        return np.frombuffer(ids, dtype=self.dtype).astype(self.vocabulary.dtype, copy=False)

    def verify(self) -> None:
        """Reads everything and checks it against the SHA-256 in the header, and where the records begin.

        No other check notices an id changed to another valid one: call this once before a long run.

        Raises:
            OSError: The file cannot be read.
            TokenFileError: It is not what was written.
        """
        if not self._file.matches_its_seal():
            raise TokenFileError(f"{self.path!a} is damaged: its ids do not match its SHA-256")
        for start in range(0, self.records or 0, RECORDS_AT_ONCE):
            starts, lengths = self.bounds_from(start, min(start + RECORDS_AT_ONCE, self.records or 0))
            is_first, is_last = not start, start + len(starts) == self.records
            if (is_first and starts[0]) or (is_last and starts[-1] + lengths[-1] != self._length):
                raise self._unsound_records()

    def close(self) -> None:
        """Closes the file, once no other thread reads it; reading it afterwards is an error."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self.sha256)

    def __repr__(self) -> str:
        of_records = "" if self.records is None else f" of {self.records} records"
        return f"TokenFile({self.path!a}, {self._length} ids{of_records})"

    def check_unchanged(self) -> None:
        """Checks that the file is the one that was opened, and that nothing has written to it.

        Raises:
            TokenFileError: It was truncated, replaced, removed or changed.
            ValueError: It has been closed.
        """
        self._file.check_unchanged()

    def _first_offset(self, start: int, stop: int) -> int:
        """Returns where in the file the beginning of record 0 is stored, once the records asked for exist."""
        if self.records is None:
            raise TokenFileError(f"{self.path!a} holds one text, not records: prepare it with records=True")
        if not 0 <= start <= stop <= self.records:
            raise IndexError(f"records {start} to {stop} are out of range: {self.path!a} has {self.records} records")
        return self._start + self._length * self.dtype.itemsize

    def _checked_bounds(
        self, starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where records begin and their lengths, which nothing but the file itself vouches for so far."""
        starts, stops = starts.astype(np.int64, copy=False), stops.astype(np.int64, copy=False)
        is_sound = (starts >= 0) & (starts <= stops) & (stops <= self._length) & (stops - starts >= SHORTEST_RECORD)
        if not is_sound.all():
            raise self._unsound_records()
        return starts, stops - starts

    def _unsound_records(self) -> TokenFileError:
        return TokenFileError(f"{self.path!a} is damaged: where its records begin makes no sense; prepare it again")


def is_token_file(path: str | os.PathLike[str]) -> bool:
    """Returns whether a file starts like a token file; False for a pipe, from which nothing is consumed.

    Raises:
        OSError: It cannot be read.
    """
    if is_special(path):
        return False
    with Path(path).open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _checked_header(file: FixedFile) -> tuple[Mapping[str, Any], int]:
    """Returns the header, and where it ends."""
    prefix = bytes(file.read(0, min(PREFIX, file.size)))
    if len(prefix) < PREFIX or not prefix.startswith(MAGIC):
        raise TokenFileError("it does not start with the marker of one")
    length = int.from_bytes(prefix[len(MAGIC) : len(MAGIC) + 8], "little")
    if not 0 < length <= min(LONGEST, file.size - PREFIX):
        raise TokenFileError(f"its header has an impossible length, {length} bytes")
    encoded = bytes(file.read(PREFIX, PREFIX + length))
    if hashlib.sha256(encoded).digest() != prefix[-32:]:
        raise TokenFileError("its header does not match its SHA-256")
    try:
        header = parse_json(encoded)
    except ValueError as error:
        raise TokenFileError(f"its header cannot be read: {error}") from None
    return check_version(header, VERSION, "a token file", error=TokenFileError), PREFIX + length


def _checked_starts(starts: NDArray[np.integer[Any]] | Sequence[int]) -> NDArray[np.int64]:
    array = np.asarray(starts)
    if array.ndim != 1:
        raise ValueError(f"starts must be one-dimensional, got shape {array.shape}")
    if array.dtype.kind not in "iu" and len(array):
        raise TypeError(f"starts must be integers, got {array.dtype} values")
    return array.astype(np.int64, copy=False)


def _reopen(path: str, sha256: str) -> TokenFile:
    file = TokenFile(path)
    if file.sha256 != sha256:
        file.close()
        raise TokenFileError(f"{path!a} is not the file that was pickled")
    return file


def _checked_records(header: Mapping[str, Any], vocabulary: Vocabulary) -> int | None:
    records = header["records"]
    if records is None:
        return None
    if type(records) is not int or records < 0:
        raise TokenFileError(f"its number of records must be null or a non-negative integer, got {records!a}")
    if missing := {"bos", "eos"} - set(vocabulary.special_tokens):
        raise TokenFileError(f"it has records, but its vocabulary has no {' and no '.join(sorted(missing))} token")
    return records


def _checked_length(header: Mapping[str, Any], dtype: np.dtype[Any], records: int | None, size: int) -> int:
    if header["dtype"] != dtype.str:
        raise TokenFileError(f"its dtype is {header['dtype']!a}, but a vocabulary of its size needs {dtype.str!r}")
    length = header["length"]
    if type(length) is not int or length < 0:
        raise TokenFileError(f"its length must be a non-negative integer, got {length!a}")
    needed = length * dtype.itemsize + (0 if records is None else (records + 1) * OFFSET.itemsize)
    if size != needed:
        raise TokenFileError(f"its ids take {size} bytes, not the {needed} recorded in its header")
    return length
