"""Compressed data: recognized by its first bytes, and read as what it was."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from chartok.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from chartok.files.decoding import Readable
    from chartok.files.reading import Compression

COMPRESSED_BYTES = 1 << 16
"""How much compressed data is read at a time: what follows a stream in it is copied."""
MAGIC: dict[bytes, Compression] = {
    b"\x1f\x8b\x08": "gzip",
    **{b"BZh%d1AY&SY" % level: "bz2" for level in range(1, 10)},
    **{b"BZh%d\x17rE8P\x90" % level: "bz2" for level in range(1, 10)},  # of nothing
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""The first bytes of compressed data."""


def compression_of(start: bytes) -> Compression:
    """Returns how data that begins so is compressed.

    Example:
        >>> compression_of(b"BZh91AY&SY..."), compression_of(b"text")
        ('bz2', 'none')
    """
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "none")


class DecompressedFile:
    """Compressed data that is read as what it was: one stream of it, or several one after the other.

    Python's own files of this kind take damage after the first stream for its end.

    Args:
        file: The compressed data, open for reading.
        name: What to call it in an error.
        compression: How it is compressed.

    Raises:
        ModuleNotFoundError: It is compressed by zstd, and there is no module that reads it.
    """

    def __init__(self, file: Readable, name: str, compression: Compression) -> None:
        self._file = file
        self._name = name
        self._compression = compression
        self._new_decompressor, self._damage = _decompressor(name, compression)
        self._decompressor: Any = None
        self._unread = b""
        self._is_start = True

    def read(self, size: int) -> bytes:
        """Returns up to ``size`` bytes; nothing at the end.

        Raises:
            SourceError: The data is truncated, damaged, or compressed in another way.
            OSError: It cannot be read.
        """
        data = b""
        while not data:
            if self._decompressor is None and not self._begin():
                break
            data = self._decompressed(size)
            if self._decompressor.eof:
                self._unread = self._decompressor.unused_data
                self._decompressor = None
        return data

    def _begin(self) -> bool:
        """Begins the next stream, after any zeros that pad the last; returns whether there is one."""
        padding = b"" if self._is_start else b"\0"
        while not (start := self._unread.lstrip(padding)):
            self._unread = self._file.read(COMPRESSED_BYTES)
            if not self._unread:
                return False
        self._unread, self._is_start = start, False
        self._decompressor = self._new_decompressor()
        return True

    def _decompressed(self, size: int) -> bytes:
        if not self._unread and self._decompressor.needs_input:
            self._unread = self._file.read(COMPRESSED_BYTES)
            if not self._unread:
                raise SourceError(f"{self._name!a} is truncated: its {self._compression} data has no end")
        unread, self._unread = self._unread, b""
        try:
            data: bytes = self._decompressor.decompress(unread, size)
        except self._damage as error:
            raise SourceError(f"{self._name!a} is not {self._compression} data, or is damaged: {error}") from None
        return data


class _GzipDecompressor:
    """``zlib`` with the methods of the other modules."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)  # with the header and the checksum of gzip
        self._is_filled = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        made = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._is_filled = len(made) == max_length
        return made

    @property
    def needs_input(self) -> bool:
        return not (self._is_filled or self._inner.unconsumed_tail)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _decompressor(name: str, compression: Compression) -> tuple[Callable[[], Any], type[Exception]]:
    """Returns what makes a decompressor, and what that raises if the data is damaged."""
    match compression:
        case "gzip":
            return _GzipDecompressor, zlib.error
        case "bz2":
            import bz2  # noqa: PLC0415 - like the others, only where there is such data

            return bz2.BZ2Decompressor, OSError
        case "xz":
            import lzma  # noqa: PLC0415

            return lzma.LZMADecompressor, lzma.LZMAError
        case _:
            zstd = _zstd(name)
            return zstd.ZstdDecompressor, zstd.ZstdError


def _zstd(name: str) -> Any:  # noqa: ANN401 - a module
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415 - Python 3.14 has it
    except ImportError:
        try:
            from backports import zstd  # noqa: PLC0415
        except ImportError:
            raise ModuleNotFoundError(
                f"{name!a} is compressed by zstd, which Python reads from 3.14 on: pip install 'chartok[zstd]'"
            ) from None
    return zstd
