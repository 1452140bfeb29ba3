"""The folder of a run: the names and locations of its files, and operations on the whole folder.

Training writes a run folder and everything else reads it: models are loaded from it, a report shows it, and the command
line asks whether it contains a run. So this module is in ``files``, not ``training``, and needs neither NumPy nor
PyTorch::

    RUN/
      run.json                            the training text, the settings, and the machine
      log.jsonl                           one line of JSON per entry
      checkpoints/step-0000002000/        see CheckpointFolder
      model.safetensors                   the best model of the run so far
      report.html                         a page that shows all of it
      play.html                           a page that has the model in it
      run.lock                            there while a process writes to the folder

A folder may come from anyone, and what is in it under one of these names may be a link to a file of the user's. Reading
follows links, as a cache of models needs. Writing never does: it replaces the link.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Self

from charlm.files.run_description import RunDescription
from charlm.files.run_lock import RunLock
from chartok.files.atomic import check_not_read, replace_file
from chartok.files.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODEL = "model.safetensors"
_CHECKPOINTS = "checkpoints"


class RunFolder(os.PathLike[str]):
    """The paths of the files of a run, whether or not they exist yet.

    Args:
        path: The folder; it need not exist.

    Raises:
        ValueError: ``path`` is empty, which is not the current folder: that is ``.``.

    Example:
        >>> RunFolder("runs/names").checkpoint_path(500).as_posix()
        'runs/names/checkpoints/step-0000000500'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not os.fspath(path):
            raise ValueError("path is empty: give the name of a folder")
        self.path: Path = Path(path)
        self.model_path: Path = self.path / _MODEL
        """The best model of the run so far."""
        self.log_path: Path = self.path / "log.jsonl"
        self.report_path: Path = self.path / "report.html"
        self.play_path: Path = self.path / "play.html"
        self.description_path: Path = self.path / "run.json"
        self._checkpoints = self.path / _CHECKPOINTS
        self._lock = RunLock(self.path / "run.lock")

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """Returns the folder at a path; a ``RunFolder`` stays the same object, which its caller may have locked."""
        return path if isinstance(path, cls) else cls(path)

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Creates the folder and keeps every other process, thread and ``RunFolder`` from writing to it.

        A folder that is new and still empty when the block raises an exception is removed.

        Raises:
            BlockingIOError: Another one is writing to it; says which.
            OSError: The folder or its lock cannot be created, or its ``checkpoints`` is a link, which would lead
                what is written and removed to another place; or there is a file of this name.
        """
        if self.path.is_file():
            raise NotADirectoryError(errno.ENOTDIR, "is a file, and a run needs a folder", os.fspath(self.path))
        is_new = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with self._lock:
                self._check_checkpoints()
                yield
        except BaseException:
            if is_new:
                with contextlib.suppress(OSError):
                    self.path.rmdir()
            raise

    def _check_checkpoints(self) -> None:
        if self._checkpoints.is_symlink():
            why = "is a symbolic link, which is not followed: remove it"
            raise NotADirectoryError(errno.ENOTDIR, why, os.fspath(self._checkpoints))

    def checkpoint_path(self, step: int) -> Path:
        """Returns the path of the checkpoint made after ``step`` steps, whether or not it exists."""
        return self._checkpoints / f"step-{step:010d}"

    def checkpoint_paths(self) -> list[Path]:
        """Returns the folders of all checkpoints, oldest first, valid or not."""
        return sorted(self._checkpoints.glob("step-" + "[0-9]" * 10))

    def newest_model_path(self) -> Path:
        """Returns the model file of the run, or, as after a kill before the first, that of its newest checkpoint."""
        checkpoints = [CheckpointFolder(path).model_path for path in reversed(self.checkpoint_paths())]
        return next(filter(Path.exists, [self.model_path, *checkpoints]), self.model_path)

    def holds_a_run(self) -> bool:
        """Returns whether there is a checkpoint or a model, which another run must not overwrite."""
        return self.model_path.exists() or bool(self.checkpoint_paths())

    def refuse_a_run(self, advice: str) -> None:
        """Checks that a new run can start here.

        Args:
            advice: What to do if it cannot, in terms that the reader of the error knows.

        Raises:
            FileExistsError: The folder already contains a run.
        """
        if self.holds_a_run():
            raise FileExistsError(errno.EEXIST, f"the folder already contains a run; {advice}", os.fspath(self.path))

    def refuse_to_replace(self, destination: str | os.PathLike[str]) -> None:
        """Checks that a file that is to be written is none from which the model, its log and its description are read.

        Args:
            destination: The file. The path of the folder may also be that of a model file, as commands take both.

        Raises:
            ValueError: It is.
        """
        models = [self.path, self.model_path, self.newest_model_path()]
        check_not_read(destination, [*models, self.log_path, self.description_path])

    def write_model(self, data: bytes) -> None:
        """Writes the model of the run; an existing one is replaced atomically.

        Args:
            data: What ``charlm.files.serializing.serialized_model`` returned.

        Raises:
            OSError: The file cannot be written.
        """
        _replace(self.model_path, data)

    def write_description(self, description: RunDescription) -> None:
        """Writes ``run.json``; an existing one is replaced atomically.

        Raises:
            OSError: The file cannot be written.
        """
        _replace(self.description_path, description.to_json())

    def read_description(self) -> RunDescription | None:
        """Returns the description in ``run.json``; None if there is no such file.

        Raises:
            OSError: It cannot be read.
            ValueError: It is not the description of a run, or is of a newer version; names the file.
        """
        if not self.description_path.is_file():
            return None
        try:
            return RunDescription.from_json(read_json(self.description_path))
        except ValueError as error:
            raise ValueError(f"{os.fspath(self.description_path)!a} is not a run description: {error}") from None


def _replace(path: Path, data: bytes) -> None:
    with replace_file(path, follow_links=False) as file:
        file.write(data)


class CheckpointFolder:
    """The paths of the files of one checkpoint.

    ``model.safetensors`` is an ordinary model file, ``training.safetensors`` contains all other tensors of the state,
    and ``manifest.json`` everything else, with the SHA-256 of the two files and of itself.

    Args:
        path: The folder; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not os.fspath(path):
            raise ValueError("path is empty: give the name of a folder")
        self.path: Path = Path(path)
        self.model_path: Path = self.path / _MODEL
        self.tensors_path: Path = self.path / "training.safetensors"
        self.manifest_path: Path = self.path / "manifest.json"

    def temporary(self) -> CheckpointFolder:
        """Returns a sibling folder that is never mistaken for a checkpoint, in which to write or delete one."""
        return CheckpointFolder(self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp"))

    def leftovers(self) -> list[Path]:
        """Returns the temporary sibling folders, of this checkpoint or of others."""
        return list(self.path.parent.glob(".step-*.tmp"))


def run_of_model(path: str | os.PathLike[str]) -> RunFolder:
    """Returns the folder of the run to which a model file belongs, if it belongs to one.

    Args:
        path: The model that a run has come to, or that of a checkpoint.

    Example:
        >>> run_of_model("/runs/names/checkpoints/step-0000000500/model.safetensors").path.as_posix()
        '/runs/names'
    """
    folder = Path(path).absolute().parent
    return RunFolder(folder.parents[1] if folder.parent.name == _CHECKPOINTS else folder)


def set_aside(path: Path, why: str) -> None:
    """Renames a file or folder that is in the way, so that it is never lost: ``WHY-1a2b3c4d-NAME``.

    Args:
        path: The file or folder to rename.
        why: A word that describes it, such as ``damaged``.

    Raises:
        OSError: It cannot be renamed.
    """
    path.rename(path.with_name(f"{why}-{secrets.token_hex(4)}-{path.name}"))
