"""What a run writes while it trains: its log, its checkpoints, and in the end its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charlm.files.model_file import check_sizes, serialized_model
from charlm.runtime import distributed
from charlm.training.checkpoint import write_checkpoint
from charlm.training.log import LogEntry, append_entry, open_log, sync_log

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.files.run_folder import RunFolder
    from charlm.models.base import LanguageModel
    from chartok import Vocabulary


class RunWriter:
    """Writes to the folder of a run; of several processes the first one alone.

    Args:
        folder: The folder, made where it is missing.
        model: Whose weights the model files hold.
        vocabulary: What they say that its ids mean.
        kept: How many of the newest checkpoints stay.

    Attributes:
        saved_step: After which step the newest checkpoint was made; -1 before there is one.

    Raises:
        ValueError: There is no vocabulary, or it is not of the size that the model has.
    """

    def __init__(self, folder: RunFolder, model: LanguageModel, vocabulary: Vocabulary | None, *, kept: int) -> None:
        if vocabulary is None:
            raise ValueError("a folder holds model files, and these the vocabulary: give the trainer vocabulary=")
        check_sizes(model, vocabulary)
        self.folder = folder
        self.saved_step: int = -1
        self._model = model
        self._vocabulary = vocabulary
        self._kept = kept
        self._writes = distributed.rank() == 0

    def open_log(self, entries: int) -> list[LogEntry]:
        """Returns the entries that the run goes on after; none to the processes that do not write.

        Args:
            entries: How many the run has made; see ``log.open_log``.

        Raises:
            OSError: The folder or the log cannot be made or written.
        """
        if not self._writes:
            return []
        self.folder.path.mkdir(parents=True, exist_ok=True)
        return open_log(self.folder.log_path, entries)

    def append(self, entry: LogEntry) -> None:
        """Adds an entry to the log.

        Raises:
            OSError: It cannot be written.
        """
        if self._writes:
            append_entry(self.folder.log_path, entry)

    def save(self, state: dict[str, Any], *, step: int, best_step: int) -> None:
        """Writes a new checkpoint, with the model as its weights are now.

        Args:
            state: That of the run.
            step: Its place in the run.
            best_step: The step of a checkpoint that stays in any case.

        Raises:
            OSError: It could not be written; the checkpoints before are as they were.
        """
        if self._writes:
            sync_log(self.folder.log_path)
            write_checkpoint(
                self.folder.checkpoint_path(step),
                model=serialized_model(self._model, self._vocabulary),
                tensors=state["tensors"],
                values={name: value for name, value in state.items() if name != "tensors"},
                kept=self._kept,
                best=best_step,
            )
        self.saved_step = step

    def best_checkpoint(self, best_step: int) -> Path | None:
        """Returns the folder of the checkpoint of a step; None where there is none."""
        path = self.folder.checkpoint_path(best_step)
        return path if best_step and path.exists() else None

    def keep_model(self, best_step: int) -> None:
        """Makes the model of the best checkpoint, or else of the newest, that of the run.

        Raises:
            OSError: It cannot be written.
        """
        if self._writes:
            newest = self.folder.checkpoint_path(self.saved_step)
            self.folder.keep_model(self.best_checkpoint(best_step) or newest)
