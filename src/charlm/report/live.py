"""The report on a run that is still going: rewritten at each entry of its log."""

from __future__ import annotations

import errno
import math
import os
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from charlm.files.model_facts import told_sizes
from charlm.recipes import events
from charlm.report.document import Document
from charlm.report.learning import learning
from charlm.report.page import write_report
from charlm.report.reported_run import about_model
from charlm.report.samples import samples
from charlm.report.settings import settings
from charlm.training.log import read_log
from chartok.files.atomic import replace_file
from chartok.markup import shown_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from charlm.files.run_folder import RunFolder
    from charlm.recipes.events import Event
    from charlm.training.log import LogEntry

SHARE_OF_TIME = 0.01
"""How much of the time of a run writing may take; an entry that comes too soon is shown with the next."""


class LiveReport:
    """Writes the report of a run at each entry of its log, and the whole of it at the end.

    Until then the page shows what the log has, and reloads itself; after a run that has stopped early it says where.
    A page that cannot be written does not end the run.

    Args:
        folder: The folder of the run.

    Raises:
        IsADirectoryError: There is a folder where the report belongs.
    """

    def __init__(self, folder: RunFolder) -> None:
        path = folder.report_path
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(
                errno.EISDIR, "is a folder, and the report belongs there: move it away", os.fspath(path)
            )
        self._folder = folder
        self._step = 0
        self._entries: list[LogEntry] = []
        self._n_grams: int | None = None
        self._began: events.TrainingBegan | None = None
        self._is_complete = False
        self._has_warned = False
        self._next_write = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leaves a page that does not reload itself, whatever has ended the run."""
        if self._began is not None and not self._is_complete:
            self._write(is_live=False)

    def __call__(self, event: Event) -> None:
        """Takes an event of the run.

        Warns:
            UserWarning: The report cannot be written; only the first time.
        """
        if isinstance(event, events.Counted):
            self._n_grams = event.n_grams
        elif isinstance(event, events.TrainingBegan):
            self._began, self._step = event, event.first_step
            self._entries = self._entries_up_to(event.first_step)
            self._write(is_live=True)
        elif isinstance(event, events.StepDone):
            self._step = event.step
        elif isinstance(event, events.EntryMade):
            self._entries.append(event.entry)
            if time.monotonic() >= self._next_write:
                self._write(is_live=True)
        elif isinstance(event, events.Saved) and self._began is not None:
            with self._failing_softly():
                write_report(self._folder.path)
                self._is_complete = True

    def _entries_up_to(self, step: int) -> list[LogEntry]:
        """Returns the entries that a run which is resumed at a step has made before."""
        path = self._folder.log_path
        return [entry for entry in read_log(path) if entry.step <= step] if path.is_file() else []

    def _write(self, *, is_live: bool) -> None:
        started = time.monotonic()
        with self._failing_softly(), replace_file(self._folder.report_path, follow_links=False) as file:
            file.write(self._document(is_live=is_live).to_html().encode("utf-8"))
        ended = time.monotonic()
        self._next_write = ended + (ended - started) / SHARE_OF_TIME

    @contextmanager
    def _failing_softly(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(f"the report of the run cannot be written: {error}", stacklevel=5)

    def _document(self, *, is_live: bool) -> Document:
        began, description = self._began, self._folder.read_description()
        assert began is not None  # noqa: S101 - nothing is written before
        source = "" if description is None else f" on {shown_name(description.text)}"
        steps = "" if began.total_steps is None else f" of {began.total_steps:,}"
        entries = self._entries
        figures = told_sizes({"family": began.family, "parameters": began.parameters, "n_grams": self._n_grams})
        figures["steps"] = f"{self._step:,}{steps}"
        losses = [entry.validation_loss for entry in entries if entry.validation_loss is not None]
        if losses:
            figures["bits per character, validation"] = f"{min(losses) / math.log(2):.3f}"
        stopped = "" if is_live else f", stopped after step {self._step:,}"
        first = f"No entry yet: the first comes at step {began.next_entry:,}."
        without = first if is_live else "The run ended before the first entry of its log."
        return Document(
            name=shown_name(self._folder.path.resolve().name),
            lead=f"{about_model(began.family, {})} in training{source}{stopped}.",
            figures=figures,
            sections=[learning(entries, without=without), samples([], entries), settings(None, description)],
            is_live=is_live,
        )
