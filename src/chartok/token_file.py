r"""Ids on disk: a header that describes them, and the ids themselves, read by window.

Layout: the eight bytes ``CHARTOK\n``, the length of the header in eight bytes (little-endian), the SHA-256 of the
header in 32 bytes, the header (JSON, padded with spaces to a multiple of 64 bytes), the ids (little-endian).
The header holds the version of this layout, the dtype, the number of ids, their SHA-256, and the vocabulary.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from chartok.arguments import natural_number
from chartok.errors import TokenFileError, VocabularyError
from chartok.files.atomic import Naming, is_special, replace_file
from chartok.files.envelope import check_version
from chartok.files.opening import OpenedFile
from chartok.files.pread import pread
from chartok.files.strict_json import LONGEST, parse_json
from chartok.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

MAGIC = b"CHARTOK\n"
VERSION = 1
PREFIX = len(MAGIC) + 8 + 32
ALIGNMENT = 64
IDS_AT_ONCE = 1 << 20
"""How many ids are hashed at a time."""


class TokenFile:
    """The ids of a text on disk, read by window; memory does not grow with the file.

    Opening only checks the header and the length; ``verify`` reads every id and finds any damage.

    Reading uses ``pread``: if the file is truncated meanwhile, an error is raised, where a memory map would crash the
    process. A token file can be pickled; the copy reopens the file and checks that it is the same.

    Args:
        path: The file that ``encode_file`` wrote.

    Attributes:
        path: The file.
        vocabulary: What the ids mean.
        dtype: How they are stored: ``vocabulary.dtype``, little-endian.
        sha256: The SHA-256 of the ids, in hexadecimal, as recorded in the header.

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
        self.path: str = os.fspath(path)
        self._naming = Naming(self.path)
        self._opened: OpenedFile | None = OpenedFile(self.path)
        try:
            self._state = _state(os.fstat(self._opened.descriptor))
            with self._naming:
                header, self._start = self._checked_header(self._opened.descriptor)
            self.vocabulary: Vocabulary = Vocabulary.from_dict(header["vocabulary"])
            self.dtype: np.dtype[np.unsignedinteger[Any]] = self.vocabulary.dtype.newbyteorder("<")
            self._length = _checked_length(header, self.dtype, self._state[2] - self._start)
            self.sha256: str = str(header["sha256"])
        except (TokenFileError, VocabularyError, KeyError) as error:
            self.close()
            raise TokenFileError(f"{self.path!a} is not a valid token file: {error}") from None
        except BaseException:
            self.close()
            raise

    def _checked_header(self, descriptor: int) -> tuple[Mapping[str, Any], int]:
        prefix = pread(descriptor, PREFIX, 0)
        if len(prefix) < PREFIX or not prefix.startswith(MAGIC):
            raise TokenFileError("it does not start with the marker of one")
        length = int.from_bytes(prefix[len(MAGIC) : len(MAGIC) + 8], "little")
        if not 0 < length <= min(LONGEST, self._state[2] - PREFIX):
            raise TokenFileError(f"its header has an impossible length, {length} bytes")
        encoded = pread(descriptor, length, PREFIX)
        if hashlib.sha256(encoded).digest() != prefix[-32:]:
            raise TokenFileError("its header does not match its SHA-256")
        try:
            header = parse_json(encoded)
        except ValueError as error:
            raise TokenFileError(f"its header cannot be read: {error}") from None
        return check_version(header, VERSION, "a token file", error=TokenFileError), PREFIX + length

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
        opened = self._held()
        parts = self._parts(opened, start, stop)
        self._check_unchanged(opened)
        return np.frombuffer(bytearray().join(parts), dtype=self.dtype).astype(self.vocabulary.dtype, copy=False)

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
        opened = self._held()
        size = width * self.dtype.itemsize
        offsets = (starts * self.dtype.itemsize + self._start).tolist()
        with self._naming:
            ids = bytearray().join([pread(opened.descriptor, size, offset) for offset in offsets])
        self._check_unchanged(opened)
        if len(ids) != size * len(offsets):
            raise self._changed()
        windows = np.frombuffer(ids, dtype=self.dtype).reshape(len(offsets), width)
        return windows.astype(self.vocabulary.dtype, copy=False)

    def verify(self) -> None:
        """Reads every id and checks them against the SHA-256 in the header.

        No other check notices an id changed to another valid one: call this once before a long run.

        Raises:
            OSError: They cannot be read.
            TokenFileError: They are not the ids that were written.
        """
        opened = self._held()
        is_whole = self._matches_its_hash(opened)
        self._check_unchanged(opened)
        if not is_whole:
            raise TokenFileError(f"{self.path!a} is damaged: its ids do not match its SHA-256")

    def close(self) -> None:
        """Closes the file, once no other thread reads it; reading it afterwards is an error."""
        self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self.sha256)

    def __repr__(self) -> str:
        return f"TokenFile({self.path!a}, {self._length} ids)"

    def check_unchanged(self) -> None:
        """Checks that the file is the one that was opened, and that nothing has written to it.

        Compares the inode, the size, and the times of the last change of the content and of anything. The last cannot
        be set back, but a new link or other permissions move it too: then the ids are checked against their SHA-256.

        Raises:
            TokenFileError: It was truncated, replaced, removed or changed.
            ValueError: It has been closed.
        """
        self._check_unchanged(self._held())

    def _held(self) -> OpenedFile:
        """Returns the open file, which stays open for as long as the caller holds it."""
        opened = self._opened
        if opened is None:
            raise ValueError(f"{self.path!a} has been closed")
        return opened

    def _parts(self, opened: OpenedFile, start: int, stop: int) -> list[bytes]:
        """Returns the bytes of the ids from ``start`` to ``stop``, in parts: one call reads at most two gibibytes."""
        first, last = (self._start + position * self.dtype.itemsize for position in (start, stop))
        parts = []
        while first < last:
            with self._naming:
                parts.append(pread(opened.descriptor, last - first, first))
            first += len(parts[-1])
            if not parts[-1]:
                raise self._changed()
        return parts

    def _matches_its_hash(self, opened: OpenedFile) -> bool:
        digest = hashlib.sha256()
        for start in range(0, self._length, IDS_AT_ONCE):
            for part in self._parts(opened, start, min(start + IDS_AT_ONCE, self._length)):
                digest.update(part)
        return digest.hexdigest() == self.sha256

    def _check_unchanged(self, opened: OpenedFile) -> None:
        """Checks the file as ``check_unchanged`` does; what was read before it is what was written."""
        try:
            # Path.stat takes five times as long, and this runs once per batch.
            state = _state(os.stat(self.path))  # noqa: PTH116
        except FileNotFoundError:
            raise self._changed() from None
        if state == self._state:
            return
        if state[:-1] != self._state[:-1] or not self._matches_its_hash(opened):
            self._state = (0, 0, 0, 0, 0)  # for good
            raise self._changed()
        self._state = state

    def _changed(self) -> TokenFileError:
        return TokenFileError(f"{self.path!a} was replaced, removed or changed since it was opened: reopen it")


def is_token_file(path: str | os.PathLike[str]) -> bool:
    """Returns whether a file starts like a token file; False for a pipe, from which nothing is consumed.

    Raises:
        OSError: It cannot be read.
    """
    if is_special(path):
        return False
    with Path(path).open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@contextlib.contextmanager
def write_token_file(path: str | os.PathLike[str], vocabulary: Vocabulary) -> Iterator[TokenFileWriter]:
    """Yields a writer for the ids; the file appears under its name if the block ends without an exception.

    Raises:
        OSError: It cannot be written; an existing file is left unchanged.
    """
    with replace_file(path) as file:
        writer = TokenFileWriter(file, vocabulary)
        yield writer
        writer.finish()


class TokenFileWriter:
    """Appends ids to a token file that is being written."""

    def __init__(self, file: IO[bytes], vocabulary: Vocabulary) -> None:
        self._file = file
        self._dtype = vocabulary.dtype.newbyteorder("<")
        self._header = {
            "version": VERSION,
            "dtype": self._dtype.str,
            "length": 0,
            "sha256": hashlib.sha256().hexdigest(),
            "vocabulary": vocabulary.to_dict(),
        }
        self._digest = hashlib.sha256()
        self._length = 0
        # Twenty bytes more than for an empty file: the number of ids is not known yet.
        needed = len(json.dumps(self._header)) + 20
        self._header_length = -(-(PREFIX + needed) // ALIGNMENT) * ALIGNMENT - PREFIX
        self._file.seek(PREFIX + self._header_length)

    def append(self, ids: NDArray[np.unsignedinteger[Any]]) -> None:
        """Writes ids of the vocabulary's dtype."""
        stored = np.ascontiguousarray(ids, dtype=self._dtype)
        self._file.write(stored.data)
        self._digest.update(stored.data)
        self._length += len(stored)

    def finish(self) -> None:
        """Writes the header."""
        self._header |= {"length": self._length, "sha256": self._digest.hexdigest()}
        encoded = json.dumps(self._header).encode().ljust(self._header_length)
        self._file.seek(0)
        self._file.write(MAGIC + len(encoded).to_bytes(8, "little") + hashlib.sha256(encoded).digest() + encoded)


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


def _checked_length(header: Mapping[str, Any], dtype: np.dtype[Any], size: int) -> int:
    if header["dtype"] != dtype.str:
        raise TokenFileError(f"its dtype is {header['dtype']!a}, but a vocabulary of its size needs {dtype.str!r}")
    length = header["length"]
    if type(length) is not int or length < 0:
        raise TokenFileError(f"its length must be a non-negative integer, got {length!a}")
    if size != length * dtype.itemsize:
        raise TokenFileError(f"its ids take {size} bytes, not the {length * dtype.itemsize} recorded in its header")
    return length


def _state(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
