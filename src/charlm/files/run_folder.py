"""The folder of a run: what each file in it is called, where it lies, and what is done with it as a whole.

A run folder is written by training and read by all others: a model is loaded from it, a report shows it, a command line
asks whether a run is there. So it stands among the files and not in ``training``, and needs NumPy and PyTorch for
nothing::

    RUN/
      run.json                            what was learned from, how, and on which machine
      log.jsonl                           one line of JSON for each entry
      checkpoints/step-0000002000/        see CheckpointFolder
      model.safetensors                   the model that the run has come to
      report.html                         a page that shows it all
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
    """Where the files of a run are, whether or not they are there yet.

    Args:
        path: The folder; it need not exist.

    Example:
        >>> RunFolder("runs/names").checkpoint_path(500).as_posix()
        'runs/names/checkpoints/step-0000000500'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self.model_path: Path = self.path / _MODEL
        """The model that the run has come to, written when it ends."""
        self.log_path: Path = self.path / "log.jsonl"
        self.report_path: Path = self.path / "report.html"
        self.description_path: Path = self.path / "run.json"
        self._checkpoints = self.path / _CHECKPOINTS

    def checkpoint_path(self, step: int) -> Path:
        """Returns where the checkpoint that is made after ``step`` steps is, or would be."""
        return self._checkpoints / f"step-{step:010d}"

    def checkpoint_paths(self) -> list[Path]:
        """Returns the folders of all checkpoints, oldest first, sound or not."""
        return sorted(self._checkpoints.glob("step-" + "[0-9]" * 10))

    def newest_model_path(self) -> Path:
        """Returns the model file of a run that has ended, or else that of its newest checkpoint."""
        checkpoints = [CheckpointFolder(path).model_path for path in reversed(self.checkpoint_paths())]
        return next(filter(Path.exists, [self.model_path, *checkpoints]), self.model_path)

    def holds_a_run(self) -> bool:
        """Returns whether there is a checkpoint or a model: what another run must not write over."""
        return self.model_path.exists() or bool(self.checkpoint_paths())

    def refuse_a_run(self, advice: str) -> None:
        """Checks that a new run can begin here.

        Args:
            advice: What to do where it cannot, in the terms of whoever reads the error.

        Raises:
            FileExistsError: A run is here already.
        """
        if self.holds_a_run():
            raise FileExistsError(errno.EEXIST, f"a run is here already; {advice}", os.fspath(self.path))

    def keep_model(self, checkpoint: Path) -> None:
        """Makes the model of a checkpoint the model of the run; an older one stays whole until then.

        Args:
            checkpoint: The folder of the checkpoint.

        Raises:
            OSError: It cannot be read, or not be written here.
        """
        with replace_file(self.model_path) as file:
            file.write(CheckpointFolder(checkpoint).model_path.read_bytes())

    def write_description(self, description: RunDescription) -> None:
        """Writes ``run.json``; an older one stays whole until the new one is.

        Raises:
            OSError: The file cannot be written.
        """
        with replace_file(self.description_path) as file:
            file.write(description.to_json())

    def read_description(self) -> RunDescription | None:
        """Returns what ``run.json`` says; None where there is no such file.

        Raises:
            OSError: It cannot be read.
            ValueError: It describes no run, or one of a newer version; names the file.
        """
        if not self.description_path.is_file():
            return None
        try:
            return RunDescription.from_json(read_json(self.description_path))
        except ValueError as error:
            raise ValueError(f"{os.fspath(self.description_path)!a} describes no run: {error}") from None


class CheckpointFolder:
    """Where the files of one checkpoint are.

    ``model.safetensors`` is a model file like any other, ``training.safetensors`` holds every other tensor of the
    state, and ``manifest.json`` the values that are no tensors, with the SHA-256 of the two files and of itself.

    Args:
        path: The folder; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self.model_path: Path = self.path / _MODEL
        self.tensors_path: Path = self.path / "training.safetensors"
        self.manifest_path: Path = self.path / "manifest.json"

    def temporary(self) -> CheckpointFolder:
        """Returns a folder beside this one that nobody takes for a checkpoint: where one is made, or taken apart."""
        return CheckpointFolder(self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp"))

    def leftovers(self) -> list[Path]:
        """Returns the temporary folders that lie beside this one, of this checkpoint or of others."""
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
    """Renames a file or folder that stands in the way, so that it is never lost: ``WHY-1a2b3c4d-NAME``.

    Args:
        path: What is to be renamed.
        why: A word for what it is, such as ``damaged``.

    Raises:
        OSError: It cannot be renamed.
    """
    path.rename(path.with_name(f"{why}-{secrets.token_hex(4)}-{path.name}"))
