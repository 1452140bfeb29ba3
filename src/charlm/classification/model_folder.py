"""Models in a folder beside the description of what they are for; a save that fails leaves what was there.

Each model file is named by its SHA-256, so that no new one takes the place of one that the old description names. The
description is written last, and then the models that it does not name are removed. One process at a time saves.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import secrets
from typing import TYPE_CHECKING

from charlm.errors import CheckpointCorruptError
from charlm.files.run_lock import RunLock
from charlm.lm import CharLM
from chartok.arguments import file_path
from chartok.files.atomic import replace_file
from chartok.files.opening import open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import torch

SHA256 = re.compile(r"[0-9a-f]{64}")
OF_SAVE = re.compile(r"[0-9a-f]{64}\.safetensors|\.new-[0-9a-f]{16}\.safetensors|\.chartok-[0-9a-f]{16}\.tmp")
"""What a save writes besides the description, also one that was interrupted."""
LOCK = "save.lock"
"""There while a process saves."""


def save_with_models(
    path: str | os.PathLike[str],
    description: str,
    models: Iterable[CharLM],
    describe: Callable[[list[str]], bytes],
    *,
    compact: bool = False,
) -> None:
    """Writes models and a description to a folder, whose earlier ones are kept until all is written.

    Args:
        path: The folder, which need not exist.
        description: The name of the description.
        models: The models.
        describe: Returns the description, given the SHA-256 of the file of each model.
        compact: As for ``CharLM.save``, for each model.

    Raises:
        OSError: It cannot be written, another process is writing to it, or the folder has something else in it.
        ValueError: As for ``CharLM.save``.
    """
    folder = file_path("path", path)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with RunLock(folder / LOCK):
            _save(folder, description, models, describe, compact=compact)
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):  # it may have the new files, where flushing it has failed
                folder.rmdir()
        raise


def _save(
    folder: Path,
    description: str,
    models: Iterable[CharLM],
    describe: Callable[[list[str]], bytes],
    *,
    compact: bool,
) -> None:
    before = {entry.name for entry in folder.iterdir()} - {LOCK}
    if description not in before and not all(map(OF_SAVE.fullmatch, before)):
        raise FileExistsError(errno.EEXIST, "the folder has something else in it: give a new one", os.fspath(folder))
    content = None
    try:
        digests = [_save_model(model, folder, compact=compact) for model in models]
        content = describe(digests)
        with replace_file(folder / description, follow_links=False) as file:
            file.write(content)
    except BaseException:
        if not _is(folder / description, content):
            _remove(entry for entry in folder.iterdir() if entry.name not in before)
        raise
    _remove(entry for entry in folder.iterdir() if entry.stem not in digests)


def load_models(
    folder: Path, digests: Sequence[object], description: str, *, device: str | torch.device
) -> Iterator[CharLM]:
    """Yields the models in a folder, each checked to be what the description describes.

    Args:
        folder: The folder.
        digests: The SHA-256 of the file of each model.
        description: The name of the description, for errors.
        device: As for ``CharLM.load``.

    Raises:
        OSError: A file cannot be read.
        CheckpointCorruptError: A digest is none, or a model file is damaged or another.
        CheckpointVersionError: It was written by a newer version.
    """
    for digest in digests:
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            raise CheckpointCorruptError(f"{str(folder / description)!a} must give the SHA-256 of each model")
        path = folder / f"{digest}.safetensors"
        if _sha256(path) != digest:
            raise CheckpointCorruptError(
                f"{str(path)!a} is not the file that {description} describes: its SHA-256 differs"
            )
        yield CharLM.load(path, device=device)


def _save_model(model: CharLM, folder: Path, *, compact: bool) -> str:
    """Writes a model, and returns the SHA-256 of its file."""
    new = folder / f".new-{secrets.token_hex(8)}.safetensors"
    model.save(new, compact=compact)
    digest = _sha256(new)
    new.replace(folder / f"{digest}.safetensors")
    return digest


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(io.DEFAULT_BUFFER_SIZE):
            digest.update(block)
    return digest.hexdigest()


def _is(path: Path, content: bytes | None) -> bool:
    """Returns whether a file has a content: it may be in place though flushing its folder has failed."""
    return content is not None and path.is_file() and path.read_bytes() == content


def _remove(entries: Iterable[Path]) -> None:
    """Removes what saves have written; what cannot be removed, as it is open elsewhere, the next save tries again."""
    for entry in [*entries]:
        if OF_SAVE.fullmatch(entry.name):
            with contextlib.suppress(OSError):
                entry.unlink()
