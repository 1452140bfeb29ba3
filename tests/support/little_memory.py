"""Reads hostile files in a process that can have little memory: ``little_memory.py BYTES FILE...``.

Each reader must refuse each file as it documents, and print its name; any other error ends the program.
"""

import resource
import sys
from collections.abc import Callable
from pathlib import Path

from charlm import CheckpointCorruptError, load_model
from charlm.training.checkpoint import read_checkpoint
from chartok import TokenFile, TokenFileError, Vocabulary, VocabularyError

READERS: dict[str, tuple[Callable[[Path], object], type[Exception] | tuple[type[Exception], ...]]] = {
    "model": (
        load_model,
        (CheckpointCorruptError, MemoryError),
    ),  # to map a file takes address space, which has the limit
    "token file": (TokenFile, TokenFileError),
    "vocabulary": (Vocabulary.load, VocabularyError),
    "checkpoint": (lambda path: read_checkpoint(path.with_name("checkpoint")), CheckpointCorruptError),
}


def main(growth: int, paths: list[Path]) -> None:
    """Limits the memory and reads."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    limit = pages * resource.getpagesize() + growth
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for path in paths:
        for name, (read, documented) in READERS.items():
            try:
                read(path)
            except documented:
                print(f"{path.name} is no {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
