"""The folder of a run: the names and locations of its files, and operations on the whole folder.

Training writes a run folder and everything else reads it: models are loaded from it, a report shows it, and the command
line asks whether it contains a run. So this module is in ``files``, not ``training``, and needs neither NumPy nor
PyTorch::

    RUN/
      run.json                            the training text, the settings, and the machine
      log.jsonl                           one line of JSON per entry
      checkpoints/step-0000002000/        see CheckpointFolder
      model.safetensors                   the final model of the run
      report.html                         a page that shows all of it
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from charlm.files.run_description import RunDescription
from chartok.files.atomic import replace_file
from chartok.files.strict_json import read_json

_MODEL = "model.safetensors"
_CHECKPOINTS = "checkpoints"


class RunFolder:
    """The paths of the files of a run, whether or not they exist yet.

    Args:
        path: The folder; it need not exist.

    Example:
        >>> RunFolder("runs/names").checkpoint_path(500).as_posix()
        'runs/names/checkpoints/step-0000000500'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self.model_path: Path = self.path / _MODEL
        """The final model of the run, written when it finishes."""
        self.log_path: Path = self.path / "log.jsonl"
        self.report_path: Path = self.path / "report.html"
        self.description_path: Path = self.path / "run.json"
        self._checkpoints = self.path / _CHECKPOINTS

    def checkpoint_path(self, step: int) -> Path:
        """Returns the path of the checkpoint made after ``step`` steps, whether or not it exists."""
        return self._checkpoints / f"step-{step:010d}"

    def checkpoint_paths(self) -> list[Path]:
        """Returns the folders of all checkpoints, oldest first, valid or not."""
        return sorted(self._checkpoints.glob("step-" + "[0-9]" * 10))

    def newest_model_path(self) -> Path:
        """Returns the model file of the run if it has finished, or else that of its newest checkpoint."""
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

    def keep_model(self, checkpoint: Path) -> None:
        """Makes the model of a checkpoint the model of the run; an existing one is replaced atomically.

        Args:
            checkpoint: The folder of the checkpoint.

        Raises:
            OSError: It cannot be read, or cannot be written here.
        """
        with replace_file(self.model_path) as file:
            file.write(CheckpointFolder(checkpoint).model_path.read_bytes())

    def write_description(self, description: RunDescription) -> None:
        """Writes ``run.json``; an existing one is replaced atomically.

        Raises:
            OSError: The file cannot be written.
        """
        with replace_file(self.description_path) as file:
            file.write(description.to_json())

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


class CheckpointFolder:
    """The paths of the files of one checkpoint.

    ``model.safetensors`` is an ordinary model file, ``training.safetensors`` contains all other tensors of the state,
    and ``manifest.json`` everything else, with the SHA-256 of the two files and of itself.

    Args:
        path: The folder; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
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
