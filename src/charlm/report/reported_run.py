"""What a report knows of a run: its model, its log, its description, and a text that the model has scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.models.registry import FAMILIES
from charlm.training.log import LogEntry, read_log
from chartok.markup import shown_name

if TYPE_CHECKING:
    import os

    import torch

    from charlm.files.run_description import RunDescription

NAMES = {"ngram": "An n-gram model", "bigram": "A bigram model", "gpt": "A GPT", "classic-gpt": "A classic GPT"}
"""What families are called; others by their own name."""

SHORTEST = 0.1
"""The shortest time that is told exactly, in seconds."""


@dataclass(frozen=True, kw_only=True)
class ReportedRun:
    """A run, or a model file without one.

    Attributes:
        folder: Its folder, or the path of the model file.
        lm: The model.
        entries: The log, oldest entry first; empty for a model that counts.
        description: The text, the settings and the machine, where they are known.
    """

    folder: RunFolder
    lm: CharLM
    entries: list[LogEntry]
    description: RunDescription | None

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, device: str | torch.device) -> Self:
        """Returns what is in a run folder, or in a model file.

        Raises:
            OSError: It cannot be read.
            CheckpointCorruptError: The model file is damaged.
            ValueError: The log or the description is invalid.
        """
        folder = RunFolder(path)
        lm = CharLM.load(path, device=device)
        entries = read_log(folder.log_path) if folder.log_path.is_file() else []
        return cls(folder=folder, lm=lm, entries=entries, description=folder.read_description())

    @property
    def name(self) -> str:
        """The name of the folder or the file, as it is shown."""
        return shown_name(self.folder.path.resolve().name)

    @property
    def validation_loss(self) -> float | None:
        """The loss of the model on the validation part, in nats per character."""
        return validation_loss(self.entries, self.description)

    @property
    def seconds(self) -> float | None:
        """How long it took to train, or to count."""
        if self.entries:
            return self.entries[-1].elapsed_seconds
        return None if self.description is None else self.description.seconds

    @property
    def seconds_in_words(self) -> str:
        """The same in tenths of a second; empty if it is not known."""
        if self.seconds is None:
            return ""
        return f"{self.seconds:,.1f}" if self.seconds >= SHORTEST else f"< {SHORTEST}"

    @property
    def block_size(self) -> int | None:
        """How many ids the model sees at once; None if that has no limit."""
        return self.lm.predictor.block_size

    @property
    def held_out(self) -> list[str]:
        """The excerpt of the validation part, as one text or as records; empty if there is none."""
        if self.description is None or not self.description.excerpt:
            return []
        excerpt = self.description.excerpt
        return excerpt if isinstance(excerpt, list) else [excerpt]

    def in_words(self) -> str:
        """Returns what kind of model it is, and of which text."""
        about = about_model(self.lm.family, self.lm.settings)
        symbols = len(self.lm.vocabulary.symbols)
        learned = f"{'records' if self.lm.is_of_records else 'text'} with {symbols:,} different symbols"
        source = "" if self.description is None else f", trained on {shown_name(Path(self.description.text).name)}"
        return f"{about} of {learned}{source}."


def about_model(family: str, settings: dict[str, object]) -> str:
    """Returns what kind of model it is, with its article.

    Example:
        >>> about_model("ngram", {"order": 6}), about_model("mixture", {})
        ('An n-gram model of order 6', 'A mixture')
    """
    name = NAMES.get(family, f"A {family}" if family in FAMILIES else f"A model of the family {family}")
    return f"{name} of order {settings['order']}" if family == "ngram" else name


def validation_loss(entries: list[LogEntry], description: RunDescription | None) -> float | None:
    """Returns the loss of a run on the validation part: that of the finished model, or else the best so far."""
    if description is not None and description.validation_loss is not None:
        return description.validation_loss
    return min((entry.validation_loss for entry in entries if entry.validation_loss is not None), default=None)
