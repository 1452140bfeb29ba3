"""The log of a training run: its entries, and the file that stores them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, get_type_hints

from charlm.files.run_folder import RunFolder, set_aside
from chartok.arguments import file_path, finite_number, natural_number
from chartok.files.atomic import Naming, replace_file
from chartok.files.opening import open_file
from chartok.files.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 1e300
"""In absolute value: more than any run reaches, and small enough that a chart of it does not overflow."""
LONGEST_SAMPLE = 240
"""In characters; as JSON, up to twelve times as many bytes."""
LONGEST_LINE = 1 << 12
"""In bytes; longer than an entry."""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """The progress of a run.

    Attributes:
        step: The number of optimizer steps done.
        train_loss: The mean loss of the batches since the previous entry, in nats per character.
        validation_loss: The exact loss on the validation data, in nats per character; None if it was not due.
        learning_rate: The learning rate of the last step.
        gradient_norm: The norm of the gradient of the last step, before it was clipped; None if it overflowed.
        characters_per_second: The training speed since the previous entry, evaluation excluded.
        elapsed_seconds: The time spent in training steps since the run began, evaluation excluded.
        peak_memory_bytes: The peak memory allocated on the GPU, or else used by this process; 0 if the system does not
            report it.
        sample: A short text that the model generated when it was evaluated, up to 240 characters, or a few records, one
            a line; None if it was not due, the run does not know what the ids mean, or the model gives none a
            probability.
    """

    step: int
    train_loss: float
    validation_loss: float | None
    learning_rate: float
    gradient_norm: float | None
    characters_per_second: float
    elapsed_seconds: float
    peak_memory_bytes: int
    sample: str | None = None


def append_entry(path: Path, entry: LogEntry) -> None:
    """Adds an entry to a file as a line of JSON.

    Args:
        path: The file; created if missing.
        entry: The entry to add.

    Raises:
        OSError: The file cannot be written.
    """
    with Naming(os.fspath(path)), open(path, "a", encoding="utf-8", newline="", opener=_without_links) as file:
        file.write(_line(entry))


def read_log(path: str | os.PathLike[str]) -> list[LogEntry]:
    """Returns the log of a run, oldest entry first.

    Args:
        path: The log file of the run, or its folder.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is not an entry, or not UTF-8; names it. A truncated last line is ignored.
    """
    path = file_path("path", path)
    return [*_entries(RunFolder(path).log_path if path.is_dir() else path)]


def _entries(path: Path) -> Iterator[LogEntry]:
    """Yields the entries in a file."""
    with open_file(path) as file, Naming(os.fspath(path)):
        for number, line in enumerate(iter(partial(file.readline, LONGEST_LINE), b""), start=1):
            if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                return
            try:
                entry = LogEntry(**_checked(parse_json(line)))
            except (ValueError, TypeError) as error:
                raise ValueError(f"line {number} of {os.fspath(path)!a} is not a log entry: {error}") from None
            yield entry


def _checked(content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Returns the values of an entry after validating them."""
    if not isinstance(content, dict):
        raise TypeError(f"expected a JSON object, got {type(content).__name__}")
    sample = content.get("sample")
    if not (sample is None or isinstance(sample, str)):
        raise TypeError(f"sample must be a str or null, got {type(sample).__name__}")
    for name, kind in get_type_hints(LogEntry).items():
        value: Any = content.get(name)
        if name == "sample":
            continue
        if kind is int:
            natural_number(name, value)
        elif kind is float or value is not None:
            finite_number(name, value)
        if value is not None and abs(value) > LARGEST:
            raise ValueError(f"{name} must be from -{LARGEST:g} to {LARGEST:g}, got {value}")
    return content


def open_log(path: Path, number: int) -> list[LogEntry]:
    """Returns the first entries of a file after truncating it to them, so that more can be appended.

    Only what comes after them is dropped, entries of steps that will be repeated and what a crash has left behind: a
    file that does not begin with ``number`` entries is renamed, and an empty one started.

    Args:
        path: The file; created if missing.
        number: How many entries the run had made.

    Raises:
        OSError: The file cannot be read or written.
    """
    entries: list[LogEntry] = []
    if path.exists() and path.stat().st_size:
        with contextlib.suppress(ValueError):
            entries = [*islice(_entries(path), number)]
        if len(entries) < number or not number:
            set_aside(path, "earlier")
            entries = []
    with replace_file(path, follow_links=False) as file:
        for entry in entries:
            file.write(_line(entry).encode())
    return entries


def sync_log(path: Path) -> None:
    """Flushes the entries in a file to disk."""
    with Naming(os.fspath(path)), open(path, "rb+", opener=_without_links) as file:
        os.fsync(file.fileno())


def _without_links(path: str, flags: int) -> int:
    """Opens a file in the folder of a run, which may come from anyone."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _line(entry: LogEntry) -> str:
    return json.dumps(dataclasses.asdict(entry), allow_nan=False) + "\n"
