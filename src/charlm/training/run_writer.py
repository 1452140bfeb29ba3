"""Writes the log, the checkpoints and the model of a run."""

from __future__ import annotations

import warnings
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from charlm.errors import CheckpointCorruptError
from charlm.files.model_arrays import check_storable
from charlm.files.serializing import check_pair, serialized_model
from charlm.runtime import distributed
from charlm.training.checkpoint import read_model, write_checkpoint
from charlm.training.log import LogEntry, append_entry, open_log, sync_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from charlm.files.run_folder import RunFolder
    from charlm.models.base import LanguageModel
    from chartok import Vocabulary


class RunWriter:
    """Writes to the folder of a run; of several processes, only the first writes.

    Args:
        folder: The folder; created if missing.
        model: The model to save.
        vocabulary: Its vocabulary.
        kept: How many of the newest checkpoints to keep.
        saved_step: The step of the checkpoint from which a run is resumed; -1 for a new run.

    Attributes:
        saved_step: The step of the newest checkpoint; -1 before there is one.

    Raises:
        ValueError: There is no vocabulary, its size differs from the model's, or a file could not hold the model.
    """

    def __init__(
        self,
        folder: RunFolder,
        model: LanguageModel,
        vocabulary: Vocabulary | None,
        *,
        kept: int,
        saved_step: int = -1,
    ) -> None:
        if vocabulary is None:
            raise ValueError("folder needs vocabulary=, which every model file in it contains")
        check_pair(model, vocabulary)
        check_storable(model)
        self.folder = folder
        self.saved_step: int = saved_step
        self._model = model
        self._vocabulary = vocabulary
        self._kept = kept
        self._model_step = -1  # of the checkpoint that the model of the run is known to come from
        self._writes = distributed.rank() == 0

    def open_log(self, entries: int) -> list[LogEntry]:
        """Returns the entries after which the run continues; none in processes that do not write.

        Args:
            entries: How many the run has made; see ``log.open_log``.

        Raises:
            FileExistsError: The folder already contains a run, and this is a new one.
            OSError: The folder or the log cannot be created or written.
        """
        if not self._writes:
            return []
        with self.locked():
            return open_log(self.folder.log_path, entries)

    def locked(self) -> AbstractContextManager[None]:
        """Keeps others from writing to the folder for a ``with`` block.

        Raises:
            BlockingIOError: Another process or trainer is writing to it.
            FileExistsError: It already contains a run, and this is a new one.
        """
        return self._checked_lock() if self._writes else nullcontext()

    @contextmanager
    def _checked_lock(self) -> Iterator[None]:
        with self.folder.locked():
            if self.saved_step < 0:
                self.folder.refuse_a_run("continue it with Trainer.resume, or use another folder")
            yield

    def append(self, entry: LogEntry) -> None:
        """Adds an entry to the log.

        Raises:
            OSError: It cannot be written.
        """
        if self._writes:
            append_entry(self.folder.log_path, entry)

    def save(self, state: dict[str, Any], *, step: int, best_step: int) -> Path:
        """Returns a new checkpoint, with the current weights of the model, after writing the model of the run too.

        Args:
            state: The state of the run.
            step: The step at which it was taken.
            best_step: The step of a checkpoint to keep in any case.

        Raises:
            OSError: It could not be written; earlier checkpoints are unchanged, and so is the model of the run.
        """
        path = self.folder.checkpoint_path(step)
        with self.locked():
            if self._writes:
                sync_log(self.folder.log_path)
                write_checkpoint(
                    path,
                    model=serialized_model(self._model, self._vocabulary),
                    tensors=state["tensors"],
                    values={name: value for name, value in state.items() if name != "tensors"},
                    kept=self._kept,
                    best=best_step,
                )
            self.saved_step = step
            self.keep_model(best_step)
        return path

    def best_checkpoint(self, best_step: int) -> Path | None:
        """Returns the folder of the checkpoint of a step; None if there is none."""
        path = self.folder.checkpoint_path(best_step)
        return path if best_step and path.exists() else None

    def keep_model(self, best_step: int) -> None:
        """Makes the model of the best checkpoint, or else of the newest, the model of the run, if it is not yet.

        It is written after the checkpoint: a run that is killed in between goes on, and the next save makes up for it.

        Warns:
            UserWarning: The checkpoint is damaged; the model of the run stays as it is.

        Raises:
            OSError: It cannot be written.
        """
        step = best_step if self.best_checkpoint(best_step) else self.saved_step
        if not self._writes or step == self._model_step:
            return
        try:
            self.folder.write_model(read_model(self.folder.checkpoint_path(step)))
        except CheckpointCorruptError as error:
            warnings.warn(f"the model of the run stays as it is: {error}", stacklevel=4)
        self._model_step = step
