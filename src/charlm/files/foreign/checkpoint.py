"""Finds the weights of a checkpoint of another program, and refuses what is none before PyTorch is needed."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from charlm.errors import CheckpointCorruptError, ForeignFileError
from charlm.files.kinds import FOLDERS, PYTORCH, kind_of_file
from charlm.files.tensor_file import TensorFile, read_tensor_file
from chartok.arguments import file_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_REASON = 1000
"""In characters; a hostile file could make an error quote all of it."""
WEIGHTS = ("model.safetensors", *FOLDERS)
"""The names of the weights in a folder of ``transformers``, the best first."""


def weights_file(path: str | os.PathLike[str]) -> Path:
    """Returns the file of a checkpoint: in a folder that of its weights.

    Raises:
        OSError: The folder has none.
    """
    path = file_path("path", path)
    if not path.is_dir():
        return path
    for name in WEIGHTS:
        if (path / name).exists():
            return path / name
    raise FileNotFoundError(errno.ENOENT, f"there is none of {', '.join(WEIGHTS)} in this folder", os.fspath(path))


def foreign_tensor_file(path: Path) -> TensorFile | None:
    """Returns the contents of a safetensors file of another program; None for a file that ``torch.save`` wrote.

    Raises:
        OSError: It cannot be read.
        ForeignFileError: It is of another kind.
        CheckpointCorruptError: It is damaged, or a model file of charlm.
    """
    with explained(path):
        if kind_of_file(path) == PYTORCH:
            return None
        read = read_tensor_file(path)
        if "charlm" in read.metadata:
            raise ValueError("it is a model file of charlm already")
    return read


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """Names the file in what is raised."""
    try:
        yield
    except ForeignFileError as error:
        raise ForeignFileError(f"{os.fspath(file)!a} {error}") from None
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)[:LONGEST_REASON]
        raise CheckpointCorruptError(f"{os.fspath(file)!a} cannot be imported: {reason}") from error
