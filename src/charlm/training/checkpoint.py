"""The state of a training run on disk: written atomically, and verified to the last bit when read.

``RunFolder`` gives the paths of checkpoints, and ``CheckpointFolder`` the files of one and their contents.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch

from charlm.errors import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError
from charlm.files.model_file import parse_model_file
from charlm.files.run_folder import CheckpointFolder, RunFolder, set_aside
from charlm.files.tensor_file import parse_tensor_file
from chartok import __version__
from chartok.files.atomic import Naming, sync_folder
from chartok.files.envelope import check_seal, check_version, sealed
from chartok.files.opening import open_file
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from charlm.files.model_file import ModelFile

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A verified checkpoint.

    Attributes:
        path: Its folder, which contains a model file.
        model: The contents of its model file.
        values: What was saved besides tensors; JSON values.
        tensors: The tensors saved besides the model, by name.
    """

    path: Path
    model: ModelFile
    values: dict[str, Any]
    tensors: dict[str, Tensor]

    def state(self) -> dict[str, Any]:
        """Returns the state of the run: the values, and all tensors under ``tensors``."""
        weights = {f"model.{name}": tensor for name, tensor in self.model.tensors.items()}
        return self.values | {"tensors": weights | self.tensors}

    def check_step(self, step: int) -> None:
        """Checks that it is the checkpoint of a step.

        Raises:
            ValueError: Its name is that of another one.
        """
        if self.path.name != RunFolder(self.path.parents[1]).checkpoint_path(step).name:
            raise ValueError(f"its state is that of step {step}")


def write_checkpoint(
    path: Path, *, model: bytes, tensors: dict[str, Tensor], values: dict[str, Any], kept: int, best: int
) -> None:
    """Writes a checkpoint and, once it is on disk, removes those no longer needed.

    Args:
        path: Its folder; the parent folder is created if missing.
        model: The bytes of a model file.
        tensors: The other tensors.
        values: Everything else; JSON values.
        kept: How many of the newest to keep.
        best: The step of one to keep in any case.

    Raises:
        OSError: It could not be written, or there is a valid checkpoint of this step. Everything there before is
            unchanged.
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
        if os.path.lexists(path):  # damaged, or the run would not have reached this step again
            _set_aside_damaged(path)
        temporary.path.rename(path)
        sync_folder(path.parent)
    except BaseException as error:
        shutil.rmtree(temporary.path, ignore_errors=True)
        if isinstance(error, OSError) and Path(error.filename or temporary.path).is_relative_to(temporary.path):
            error.filename, error.filename2 = os.fspath(path), None
        raise
    _remove_old(path, kept, best)


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Returns a checkpoint, after verifying every byte.

    Args:
        path: Its folder.

    Raises:
        OSError: A file is missing or cannot be read.
        CheckpointCorruptError: A file is damaged; names it.
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
            tensors={name: stored.tensor() for name, stored in parse_tensor_file(tensors).tensors.items()},
        )
    except CheckpointVersionError as error:
        raise CheckpointVersionError(f"{os.fspath(path)!a}: {error}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a valid checkpoint: {error}") from error


def read_model(path: str | os.PathLike[str]) -> bytes:
    """Returns the model file of a checkpoint, after verifying it.

    Args:
        path: The folder of the checkpoint.

    Raises:
        OSError: A file is missing or cannot be read.
        CheckpointCorruptError: It is damaged.
    """
    folder = CheckpointFolder(path)
    try:
        entries = _checked_manifest(folder.manifest_path)["files"]
        return _checked_bytes(folder.model_path, entries[folder.model_path.name])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a valid checkpoint: {error}") from error


def newest_checkpoint(run_folder: str | os.PathLike[str]) -> Checkpoint:
    """Returns the newest valid checkpoint of a run; a warning names each newer one that is damaged.

    Args:
        run_folder: The folder of the run.

    Raises:
        FileNotFoundError: There is no checkpoint.
        CheckpointCorruptError: None is valid; says what is wrong with the newest.
        CheckpointVersionError: The newest was written by a newer version.
    """
    paths = RunFolder(run_folder).checkpoint_paths()
    if not paths:
        raise FileNotFoundError(2, "there is no checkpoint in this folder", os.fspath(run_folder))
    damages: list[str] = []
    for path in reversed(paths):
        try:
            checkpoint = read_checkpoint(path)
        except (CheckpointCorruptError, OSError) as error:
            damages.append(str(error))
            continue
        for damage in damages:
            warnings.warn(f"a checkpoint is damaged, falling back to {path.name}: {damage}", stacklevel=2)
        return checkpoint
    raise CheckpointCorruptError(f"no checkpoint in {os.fspath(run_folder)!a} is valid: {damages[0]}")


@contextlib.contextmanager
def naming_the_checkpoint(path: Path) -> Iterator[None]:
    """Names the checkpoint in errors that the block raises about an invalid state.

    Raises:
        CheckpointCorruptError: The block raised an error about a wrong or missing value.
    """
    try:
        yield
    except (CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError):
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointCorruptError(f"{os.fspath(path)!a} has no valid state of a run: {error!r}") from error


def _manifest(files: dict[str, bytes], values: dict[str, Any]) -> bytes:
    entries = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    content = {"version": VERSION, "library": __version__, "files": entries, "values": values}
    return _as_json(sealed(content, encode=_as_json))


def _checked_manifest(path: Path) -> Mapping[str, Any]:
    """Returns the content of a manifest, after checking the version of the checkpoint and the seal."""
    data = read_json(path)
    content = check_version(parse_json(data), VERSION, path.name, error=ValueError, newer=CheckpointVersionError)
    check_seal(content, path.name, error=ValueError, encode=_as_json)
    if _as_json(content) != data:  # a flipped bit in whitespace changes no value
        raise ValueError(f"{path.name} is not what was written: its whitespace or key order differs")
    return content


def _as_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _checked_bytes(path: Path, entry: dict[str, Any]) -> bytes:
    """Returns the content of a file, read and hashed once; a file of the wrong size is not read into memory."""
    with open_file(path) as file, Naming(os.fspath(path)):
        if os.fstat(file.fileno()).st_size == entry["bytes"]:
            data = file.read()
            if hashlib.sha256(data).hexdigest() == entry["sha256"]:
                return data
    raise ValueError(f"{path.name} is not what was written: its size or SHA-256 differs")


def _set_aside_damaged(path: Path) -> None:
    try:
        read_checkpoint(path)
    except (CheckpointCorruptError, OSError):
        set_aside(path, "damaged")
    else:
        raise FileExistsError(errno.EEXIST, "another trainer has written this checkpoint", os.fspath(path))


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove_old(newest: Path, kept: int, best: int) -> None:
    """Removes all but the newest, the best, and those of later steps, which are damaged if the run fell back."""
    run = RunFolder(newest.parents[1])
    done = [path for path in run.checkpoint_paths() if path <= newest]
    for path in done[:-kept]:
        if path != run.checkpoint_path(best):
            with contextlib.suppress(OSError):  # renamed first: half of a checkpoint must not look like one
                path.rename(CheckpointFolder(path).temporary().path)
    for leftover in CheckpointFolder(newest).leftovers():
        if leftover.is_symlink():
            leftover.unlink()
        else:
            shutil.rmtree(leftover, ignore_errors=True)
