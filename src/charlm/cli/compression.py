"""Compression on the command line: ``compress`` and ``decompress``."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from charlm.cli.mistakes import STANDARD_OUTPUT, UsageError
from charlm.cli.output import print_json, print_line
from charlm.errors import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError
from charlm.files.compressed_file import compress as compressed
from charlm.files.compressed_file import decompress as decompressed
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from chartok.files.atomic import check_not_read, replace_file
from chartok.files.sources import STANDARD_INPUT, shown_source

if TYPE_CHECKING:
    from charlm.cli import file_flags

    Settings: TypeAlias = file_flags.Compress | file_flags.Decompress

SUFFIX = ".ctk"


def compress(settings: file_flags.Compress) -> None:
    """Writes a file, compressed."""
    out = _out(settings, f"{settings.file}{SUFFIX}")
    content = _read(settings)
    written = compressed(content, _model(settings))
    _write(out, written)
    if out == STANDARD_OUTPUT:
        return
    if settings.json:
        print_json(file=out, bytes=len(content), compressed_bytes=len(written))
        return
    share = f", {8 * len(written) / len(content):.3f} bits per byte" if content else ""
    print_line(f"{len(content):,} bytes in {len(written):,}{share}: saved to {out}")


def decompress(settings: file_flags.Decompress) -> None:
    """Writes the file that was compressed."""
    gives_a_name = settings.file.endswith(SUFFIX) and Path(settings.file).name != SUFFIX
    if settings.out is None and settings.file != STANDARD_INPUT and not gives_a_name:
        raise ValueError(f"{settings.file!a} is not a name that ends in {SUFFIX}: give --out too")
    out = _out(settings, settings.file.removesuffix(SUFFIX))
    written = _read(settings)
    try:
        content = decompressed(written, _model(settings))
    except (CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError) as error:
        shown = shown_source(settings.file)
        raise type(error)(f"{shown}: {error}") from None
    _write(out, content)
    if out == STANDARD_OUTPUT:
        return
    if settings.json:
        print_json(file=out, bytes=len(content), compressed_bytes=len(written))
    else:
        print_line(f"{len(content):,} bytes: saved to {out}")


def _out(settings: Settings, by_default: str) -> str:
    """Returns the name of the file to write: what was asked for, or else a new one.

    Raises:
        ValueError: Nothing was asked for, and the name of the source gives none; or standard output is to carry both
            the file and JSON.
        FileExistsError: No name was given, and the file exists.
        OSError: It is to be standard output, which is closed.
    """
    if str(settings.out) == STANDARD_OUTPUT and sys.__stdout__ is None:
        raise OSError(errno.EBADF, "is closed, and the file is to go there: give --out a name", "standard output")
    if settings.json and str(settings.out) == STANDARD_OUTPUT:
        raise UsageError("standard output carries the file: leave --json out, or give --out another name")
    if settings.out is None:
        if settings.file == STANDARD_INPUT:
            raise UsageError("standard input has no name: give --out too, or --out - for standard output")
        if Path(by_default).exists():
            raise FileExistsError(errno.EEXIST, "the file exists: give it as --out to replace it", by_default)
        return by_default
    if settings.file != STANDARD_INPUT:
        check_not_read(settings.out, [settings.file])
    if settings.model is not None:
        RunFolder(settings.model).refuse_to_replace(settings.out)
    return str(settings.out)


def _read(settings: Settings) -> bytes:
    return sys.stdin.buffer.read() if settings.file == STANDARD_INPUT else Path(settings.file).read_bytes()


def _model(settings: Settings) -> CharLM | None:
    return None if settings.model is None else CharLM.load(settings.model)


def _write(out: str, content: bytes) -> None:
    if out == STANDARD_OUTPUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with replace_file(out) as file:
        file.write(content)
