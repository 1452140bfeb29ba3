"""Compressed data: recognized by its first bytes, and read as what it was."""

from __future__ import annotations

import zlib
from typing import IO, TYPE_CHECKING, Any, cast

from chartok.errors import SourceError

if TYPE_CHECKING:
    from chartok.files.reading import Compression

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
    """Compressed data that is read as what it was.

    Args:
        file: The compressed data, open for reading.
        name: What to call it in an error.
        compression: How it is compressed.

    Raises:
        ModuleNotFoundError: It is compressed by zstd, and there is no module that reads it.
    """

    def __init__(self, file: IO[bytes], name: str, compression: Compression) -> None:
        self._name = name
        self._compression = compression
        self._file, damage = _decompressor(file, name, compression)
        self._damage: tuple[type[Exception], ...] = (damage, zlib.error)

    def read(self, size: int) -> bytes:
        """Returns up to ``size`` bytes; nothing at the end.

        Raises:
            SourceError: The data is truncated, damaged, or compressed in another way.
            OSError: It cannot be read.
        """
        try:
            return self._file.read(size)
        except EOFError as error:
            raise SourceError(f"{self._name!a} is truncated: {error}") from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise self._damaged(error) from None
        except self._damage as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> SourceError:
        return SourceError(f"{self._name!a} is not {self._compression} data, or is damaged: {error}")


def _decompressor(file: IO[bytes], name: str, compression: Compression) -> tuple[IO[bytes], type[Exception]]:
    """Returns a file of what the data was, and what it raises if the data is damaged."""
    match compression:
        case "gzip":
            import gzip  # noqa: PLC0415 - like the others, only where there is such data

            return cast("IO[bytes]", gzip.GzipFile(fileobj=file)), gzip.BadGzipFile
        case "bz2":
            import bz2  # noqa: PLC0415

            return bz2.BZ2File(file), ValueError
        case "xz":
            import lzma  # noqa: PLC0415

            return lzma.LZMAFile(file), lzma.LZMAError
        case _:
            zstd = _zstd(name)
            return zstd.ZstdFile(file), zstd.ZstdError


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
