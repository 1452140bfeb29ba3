"""The state of a training run on disk: written whole or not at all, checked to the last bit when it is read.

``RunFolder`` says where checkpoints are, and ``CheckpointFolder`` what the files of one are and hold.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
from safetensors import SafetensorError

from charlm.errors import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError
from charlm.files.model_file import parse_model_file
from charlm.files.run_folder import CheckpointFolder, RunFolder, set_aside
from chartok import __version__
from chartok.files.atomic import sync_folder
from chartok.files.envelope import check_seal, check_version, sealed
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from charlm.files.model_file import ModelFile

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint that was found sound.

    Attributes:
        path: Its folder, which holds a model file.
        model: What its model file holds.
        values: What was saved beside the tensors; JSON values.
        tensors: What was saved beside the model, by name.
    """

    path: Path
    model: ModelFile
    values: dict[str, Any]
    tensors: dict[str, Tensor]

    def state(self) -> dict[str, Any]:
        """Returns the state of the run: the values, and all tensors under ``tensors``."""
        weights = {f"model.{name}": tensor for name, tensor in self.model.tensors.items()}
        return self.values | {"tensors": weights | self.tensors}


def write_checkpoint(
    path: Path, *, model: bytes, tensors: dict[str, Tensor], values: dict[str, Any], kept: int, best: int
) -> None:
    """Writes a checkpoint and, when it has reached the disk, removes those no longer wanted.

    Args:
        path: Its folder; the one that holds it is made where it is missing.
        model: A model file.
        tensors: The rest of the tensors.
        values: What is no tensor; JSON values.
        kept: How many of the newest stay.
        best: The step of one that stays in any case.

    Raises:
        OSError: It could not be written. What was there before is as it was.
    """
    temporary = CheckpointFolder(path).temporary()
    files = {temporary.model_path: model, temporary.tensors_path: safetensors.torch.save(tensors)}
    files[temporary.manifest_path] = _manifest({file.name: content for file, content in files.items()}, values)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.path.mkdir()
        for file, content in files.items():
            _write(file, content)
        sync_folder(temporary.path)
        if path.exists():  # damaged, or the run would not have come to this step again
            set_aside(path, "damaged")
        temporary.path.rename(path)
        sync_folder(path.parent)
    except BaseException as error:
        shutil.rmtree(temporary.path, ignore_errors=True)
        if isinstance(error, OSError) and Path(error.filename or temporary.path).is_relative_to(temporary.path):
            error.filename, error.filename2 = os.fspath(path), None
        raise
    _remove_old(path, kept, best)


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Returns a checkpoint, every byte of which is as it was written.

    Args:
        path: Its folder.

    Raises:
        OSError: A file is missing or cannot be read.
        CheckpointCorruptError: A file is not what was written; names it.
        CheckpointVersionError: It was written by a newer version.
    """
    folder = CheckpointFolder(path)
    try:
        content = _checked_manifest(folder.manifest_path)
        model, tensors = (
            _checked_bytes(file, content["files"][file.name]) for file in (folder.model_path, folder.tensors_path)
        )
        return Checkpoint(
            path=folder.path,
            model=parse_model_file(model, folder.model_path),
            values=content["values"],
            tensors=safetensors.torch.load(tensors),
        )
    except CheckpointVersionError as error:
        raise CheckpointVersionError(f"{os.fspath(path)!a}: {error}") from None
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a sound checkpoint: {error}") from error


def newest_checkpoint(run_folder: str | os.PathLike[str]) -> Checkpoint:
    """Returns the newest sound checkpoint of a run; a warning names each newer one that is damaged.

    Args:
        run_folder: The run.

    Raises:
        FileNotFoundError: There is no checkpoint.
        CheckpointCorruptError: None is sound; says what is wrong with the newest.
        CheckpointVersionError: The newest was written by a newer version.
    """
    paths = RunFolder(run_folder).checkpoint_paths()
    if not paths:
        raise FileNotFoundError(2, "no checkpoint is in this folder", os.fspath(run_folder))
    damages: list[str] = []
    for path in reversed(paths):
        try:
            checkpoint = read_checkpoint(path)
        except (CheckpointCorruptError, OSError) as error:
            damages.append(str(error))
            continue
        for damage in damages:
            warnings.warn(f"a checkpoint is damaged, going back to {path.name}: {damage}", stacklevel=2)
        return checkpoint
    raise CheckpointCorruptError(f"no checkpoint in {os.fspath(run_folder)!a} is sound: {damages[0]}")


@contextlib.contextmanager
def naming_the_checkpoint(path: Path) -> Iterator[None]:
    """Says of what the block finds to be no state of a run in which checkpoint it is.

    Raises:
        CheckpointCorruptError: The block raised an error of a wrong or missing value.
    """
    try:
        yield
    except (CheckpointMismatchError, CheckpointVersionError):
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointCorruptError(f"{os.fspath(path)!a} holds no state of a run: {error!r}") from error


def _manifest(files: dict[str, bytes], values: dict[str, Any]) -> bytes:
    entries = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    content = {"version": VERSION, "library": __version__, "files": entries, "values": values}
    return _as_json(sealed(content, encode=_as_json))


def _checked_manifest(path: Path) -> Mapping[str, Any]:
    """Returns what a manifest says: the one place where the version of a checkpoint and its SHA-256 are checked."""
    data = read_json(path)
    content = check_version(parse_json(data), VERSION, path.name, error=ValueError, newer=CheckpointVersionError)
    check_seal(content, path.name, error=ValueError, encode=_as_json)
    if _as_json(content) != data:  # a flipped bit in white space changes no value
        raise ValueError(f"{path.name} is not what was written: its white space or its order is another")
    return content


def _as_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _checked_bytes(path: Path, entry: dict[str, Any]) -> bytes:
    """Returns what a file holds, read and hashed once; one of another length is not read into memory."""
    if path.stat().st_size == entry["bytes"]:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == entry["sha256"]:
            return data
    raise ValueError(f"{path.name} is not what was written: its length or its SHA-256 is another")


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove_old(newest: Path, kept: int, best: int) -> None:
    """Removes all but the newest, the best, and those of later steps, which are damaged if the run came back here."""
    run = RunFolder(newest.parents[1])
    done = [path for path in run.checkpoint_paths() if path <= newest]
    for path in done[:-kept]:
        if path != run.checkpoint_path(best):
            with contextlib.suppress(OSError):  # renamed first: half of a checkpoint must not look like one
                path.rename(CheckpointFolder(path).temporary().path)
    for leftover in CheckpointFolder(newest).leftovers():
        shutil.rmtree(leftover, ignore_errors=True)
