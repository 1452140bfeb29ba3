"""Reads hostile files in a process that can have little memory: ``little_memory.py BYTES FILE...``.

Each reader must refuse each file as it documents, and print its name; any other error ends the program.
"""

import resource
import sys
from collections.abc import Callable
from pathlib import Path

from charlm import ArpaFileError, CharLM, CheckpointCorruptError, load_arpa, load_model
from charlm.cli.config_file import ConfigFileError, read_flags
from charlm.cli.flags import COMMANDS
from charlm.files.run_folder import RunFolder
from charlm.training.checkpoint import read_checkpoint
from charlm.training.log import read_log
from chartok import TokenFile, TokenFileError, Vocabulary, VocabularyError

READERS: dict[str, tuple[Callable[[Path], object], type[Exception] | tuple[type[Exception], ...]]] = {
    "model": (load_model, CheckpointCorruptError),
    "language model": (CharLM.load, CheckpointCorruptError),
    "token file": (TokenFile, TokenFileError),
    "vocabulary": (Vocabulary.load, VocabularyError),
    "checkpoint": (lambda path: read_checkpoint(of_its_own(path, "manifest.json")), CheckpointCorruptError),
    "run": (lambda path: RunFolder(of_its_own(path, "run.json")).read_description(), ValueError),
    "log": (lambda path: read_log(of_its_own(path, "log.jsonl")), ValueError),
    "list of flags": (lambda path: read_flags(path, "train", COMMANDS), ConfigFileError),
    "ARPA file": (load_arpa, ArpaFileError),
}


def of_its_own(path: Path, name: str) -> Path:
    """Returns a folder in which a file has the name that a reader looks for."""
    folder = path.with_name(f"{path.name}-{name}")
    folder.mkdir(exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    (folder / name).hardlink_to(path)
    return folder


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
