"""What every reader that is tried with damaged files has: how it reads, what it may raise, and how files are damaged.

Damage comes in two kinds: to the bytes, which a checksum finds, and to what stands in a file whose checksum somebody
has made anew, which the checks behind it must find.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from charlm import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError
from mutations import as_json, mutated, mutated_json

CORRUPT = (CheckpointCorruptError, CheckpointVersionError, CheckpointMismatchError)
SIGNED = ", signed"
"""How the names end of readers whose damaged files have right checksums."""

Read: TypeAlias = Callable[[Path], object]
Damage: TypeAlias = Callable[[random.Random], bytes]
"""Makes a damaged file."""


class Reader(NamedTuple):
    """A way to read a file, and damaged files for it."""

    read: Read
    documented: tuple[type[Exception], ...]
    damaged: Damage
    share: float = 1
    """Of the executions of a fast reader: a slow one gets fewer."""
    sound: bytes = b""
    """The file as it was written; empty where a signature must be made with the damage."""
    has_checksum: bool = False
    """Over all of it, so that no bit may change."""


def of_bytes(
    sound: bytes, read: Read, *documented: type[Exception], share: float = 1, has_checksum: bool = False
) -> Reader:
    return Reader(read, documented, lambda generator: mutated(sound, generator), share, sound, has_checksum)


def of_values(values: Any, read: Read, *documented: type[Exception], share: float = 1) -> Reader:
    return Reader(read, documented, lambda generator: as_json(mutated_json(values, generator)), share)


def of_several(files: list[bytes], read: Read, *documented: type[Exception], share: float = 1) -> Reader:
    """What reads files of several kinds."""
    return Reader(read, documented, lambda generator: mutated(generator.choice(files), generator), share)


def under_its_name(read: Read, name: str, *beside: Path) -> Read:
    """Returns what reads a folder in which the damaged file has a name, beside sound files."""

    def read_there(path: Path) -> object:
        folder = path.with_suffix(".folder")
        if not folder.exists():
            folder.mkdir()
            for file in beside:
                (folder / file.name).write_bytes(file.read_bytes())
        path.replace(folder / name)
        return read(folder)

    return read_there


def under_a_suffix(read: Read, suffix: str) -> Read:
    """Returns what reads a file by the end of its name."""

    def read_so(path: Path) -> object:
        return read(path.replace(path.with_suffix(suffix)))

    return read_so
