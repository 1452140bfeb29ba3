"""What a training run reports, and where it is shown and kept."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_type_hints

import torch
from tqdm import tqdm

from chartok.arguments import finite_number, natural_number
from chartok.files.atomic import Naming, replace_file
from chartok.files.strict_json import parse_json

if TYPE_CHECKING:
    from types import TracebackType

LOG = "log.jsonl"
"""What the log in a run folder is called."""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """Where a run stands.

    Attributes:
        step: Optimizer steps done.
        train_loss: Mean loss of the batches since the entry before, in nats a character.
        validation_loss: Exact loss on the validation data, in nats a character; None where it was not due.
        learning_rate: Of the last step.
        characters_per_second: Trained on since the entry before, evaluation not counted.
        elapsed_seconds: Spent in training steps since the run began, evaluation not counted.
        peak_memory_bytes: The most that was allocated so far on a GPU, or else that this process held; 0 where the
            system does not tell.
    """

    step: int
    train_loss: float
    validation_loss: float | None
    learning_rate: float
    characters_per_second: float
    elapsed_seconds: float
    peak_memory_bytes: int


def peak_memory(device: torch.device) -> int:
    """Returns the most bytes that were allocated so far on a GPU, or else that this process held.

    Args:
        device: Where the model is.

    Returns:
        Bytes; 0 where the system does not tell.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        resource: Any = importlib.import_module("resource")
    except ModuleNotFoundError:  # Windows
        return 0
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def append_entry(path: Path, entry: LogEntry) -> None:
    """Adds an entry to a file as a line of JSON.

    Args:
        path: The file; made where it is missing.
        entry: What to add.

    Raises:
        OSError: The file cannot be written.
    """
    with Naming(os.fspath(path)), path.open("a", encoding="utf-8", newline="") as file:
        file.write(_line(entry))


def read_log(path: str | os.PathLike[str]) -> list[LogEntry]:
    """Returns the log of a run, oldest entry first.

    Args:
        path: The file ``log.jsonl`` of the run, or its folder.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is no entry, or not UTF-8; names it. A last line that was cut short is left out.
    """
    path = Path(path)
    path = path / LOG if path.is_dir() else path
    *lines, _unfinished = path.read_bytes().split(b"\n")
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(LogEntry(**_checked(parse_json(line.decode("utf-8")))))
        except (ValueError, TypeError) as error:
            raise ValueError(f"line {number} of {os.fspath(path)!a} is no entry: {error}") from None
    return entries


def _checked(content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Returns the values of an entry that is one."""
    if not isinstance(content, dict):
        raise TypeError(f"a JSON object is expected, got {type(content).__name__}")
    for name, kind in get_type_hints(LogEntry).items():
        value: Any = content.get(name)
        if kind is int:
            natural_number(name, value)
        elif kind is float or value is not None:
            finite_number(name, value)
    return content


def open_log(path: Path, number: int) -> list[LogEntry]:
    """Returns the first entries of a file after leaving no others in it, so that more can be added.

    What the file held is never lost: where that is not ``number`` entries and perhaps some more, of steps that will
    be done again, the file is renamed, and an empty one begun.

    Args:
        path: The file; made where it is missing.
        number: How many entries the run had made.

    Raises:
        OSError: The file cannot be read or written.
    """
    entries: list[LogEntry] = []
    if path.exists() and path.stat().st_size:
        with contextlib.suppress(ValueError):
            entries = read_log(path)[:number]
        if len(entries) < number or not number:
            path.rename(path.with_name(f"earlier-{secrets.token_hex(4)}-{path.name}"))
            entries = []
    with replace_file(path) as file:
        for entry in entries:
            file.write(_line(entry).encode())
    return entries


def sync_log(path: Path) -> None:
    """Waits until the entries in a file are on the disk."""
    with Naming(os.fspath(path)), path.open("rb+") as file:
        os.fsync(file.fileno())


def _line(entry: LogEntry) -> str:
    return json.dumps(dataclasses.asdict(entry), allow_nan=False) + "\n"


class Progress:
    """Shows entries on standard error: a bar on a terminal, a line each where there is none.

    Args:
        max_steps: The length of the run; None where it is not known.
        first_step: Where it begins, more than 0 in a run that goes on.

    Example:
        >>> with Progress(max_steps=100) as show:  # pass ``show`` to a Trainer as ``on_log``
        ...     show(
        ...         LogEntry(
        ...             step=100, train_loss=2.5, validation_loss=None, learning_rate=0.1,
        ...             characters_per_second=1e6, elapsed_seconds=1.0, peak_memory_bytes=0,
        ...         )
        ...     )
    """

    def __init__(self, max_steps: int | None = None, *, first_step: int = 0) -> None:
        self._max_steps = max_steps
        self._bar = tqdm(total=max_steps, initial=first_step, unit="step", disable=None)
        self._losses: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def __call__(self, entry: LogEntry) -> None:
        """Shows an entry."""
        self._losses["train"] = f"{entry.train_loss:.4f}"
        if entry.validation_loss is not None:
            self._losses["validation"] = f"{entry.validation_loss:.4f}"
        shown = self._losses | {"speed": f"{entry.characters_per_second:,.0f}/s"}
        if self._bar.disable:
            of_all = "" if self._max_steps is None else f"/{self._max_steps}"
            line = "  ".join(f"{name} {value}" for name, value in shown.items())
            tqdm.write(f"step {entry.step}{of_all}  {line}", file=sys.stderr)
        else:
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update(entry.step - self._bar.n)


class TensorBoardLog:
    """Writes entries where TensorBoard finds them; needs the extra ``logs``.

    Args:
        folder: The folder for its files, such as the folder of the run.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed; says how to.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra, and slow to load
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("TensorBoard is missing: pip install 'chartok[logs]'") from error
        self._writer = SummaryWriter(os.fspath(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.close()

    def __call__(self, entry: LogEntry) -> None:
        """Writes an entry."""
        for name, value in dataclasses.asdict(entry).items():
            if name != "step" and value is not None:
                self._writer.add_scalar(name, value, entry.step)
