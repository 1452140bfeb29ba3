"""The state of a training run on disk: written whole or not at all, checked to the last bit when it is read.

A run folder holds its checkpoints as ``checkpoints/step-0000000500`` and so on, folders of three files:
``model.safetensors``, a model file like any other; ``training.safetensors``, every other tensor of the state; and
``manifest.json``, the values that are no tensors and the SHA-256 of the two files and of itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
from safetensors import SafetensorError

from charlm.errors import CheckpointCorruptError, CheckpointVersionError
from charlm.files.model_file import CHECKPOINTS, FILE_NAME
from chartok import __version__
from chartok.files.atomic import sync_folder
from chartok.files.envelope import check_seal, check_version, sealed
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

VERSION = 1
MANIFEST = "manifest.json"
TENSORS = "training.safetensors"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint that was found sound.

    Attributes:
        path: Its folder, which holds a model file.
        values: What was saved beside the tensors; JSON values.
        tensors: What was saved beside the model, by name.
    """

    path: Path
    values: dict[str, Any]
    tensors: dict[str, Tensor]


def checkpoint_paths(run_folder: str | os.PathLike[str]) -> list[Path]:
    """Returns the checkpoints of a run, oldest first, sound or not."""
    return sorted((Path(run_folder) / CHECKPOINTS).glob("step-" + "[0-9]" * 10))


def checkpoint_path(run_folder: str | os.PathLike[str], step: int) -> Path:
    """Returns where the checkpoint that is made after ``step`` steps of a run is, or would be."""
    return Path(run_folder) / CHECKPOINTS / f"step-{step:010d}"


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
    folder = path.parent
    files = {FILE_NAME: model, TENSORS: safetensors.torch.save(tensors)}
    files[MANIFEST] = _manifest(files, values)
    temporary = folder / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        for name, content in files.items():
            _write(temporary / name, content)
        sync_folder(temporary)
        if path.exists():  # damaged, or the run would not have come to this step again
            path.rename(folder / f"damaged-{path.name}.{secrets.token_hex(4)}")
        temporary.rename(path)
        sync_folder(folder)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, OSError) and Path(error.filename or temporary).is_relative_to(temporary):
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
    path = Path(path)
    try:
        content = _checked_manifest(read_json(path / MANIFEST))
        for name in (FILE_NAME, TENSORS):
            _check_file(path / name, content["files"][name])
        return Checkpoint(path=path, values=content["values"], tensors=safetensors.torch.load_file(path / TENSORS))
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
    paths = checkpoint_paths(run_folder)
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


def _manifest(files: dict[str, bytes], values: dict[str, Any]) -> bytes:
    entries = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    content = {"version": VERSION, "library": __version__, "files": entries, "values": values}
    return _as_json(sealed(content, encode=_as_json))


def _checked_manifest(data: bytes) -> Mapping[str, Any]:
    content = check_version(parse_json(data), VERSION, MANIFEST, error=ValueError, newer=CheckpointVersionError)
    check_seal(content, MANIFEST, error=ValueError, encode=_as_json)
    if _as_json(content) != data:  # a flipped bit in white space changes no value
        raise ValueError(f"{MANIFEST} is not what was written: its white space or its order is another")
    return content


def _as_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _check_file(path: Path, entry: dict[str, Any]) -> None:
    with path.open("rb") as file:
        if path.stat().st_size != entry["bytes"] or hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
            raise ValueError(f"{path.name} is not what was written: its length or its SHA-256 is another")


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove_old(newest: Path, kept: int, best: int) -> None:
    """Removes all but the newest, the best, and those of later steps, which are damaged if the run came back here."""
    run_folder = newest.parents[1]
    done = [path for path in checkpoint_paths(run_folder) if path <= newest]
    for path in done[:-kept]:
        if path != checkpoint_path(run_folder, best):
            with contextlib.suppress(OSError):  # renamed first: half of a checkpoint must not look like one
                path.rename(path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp"))
    for leftover in newest.parent.glob(".step-*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
