"""What a run folder says of the run beside models and records: what was learned from, how, and on which machine."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from chartok import __version__
from chartok.files.atomic import replace_file
from chartok.files.envelope import check_version
from chartok.files.strict_json import parse_json, read_json

FILE_NAME = "run.json"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RunDescription:
    """What was learned from, how, and on which machine.

    Attributes:
        text: The path of the text, as it was given.
        characters: How many characters it has.
        symbols: How many different ones.
        excerpt: The beginning of the validation part.
        settings: What was asked for; JSON values.
        machine: What ``machine`` returned.
        began: When the run began, in UTC, as ISO 8601.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> description = RunDescription(
        ...     text="input.txt", characters=9, symbols=3, excerpt="abc", settings={"model": "ngram"}
        ... )
        >>> description.write(folder)
        >>> RunDescription.read(folder) == description
        True
    """

    text: str
    characters: int
    symbols: int
    excerpt: str
    settings: dict[str, Any]
    machine: dict[str, str] = dataclasses.field(default_factory=dict)
    began: str = dataclasses.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Writes ``run.json``; an older one stays whole until the new one is.

        Args:
            folder: That of the run.

        Raises:
            OSError: The file cannot be written.
        """
        content = {"version": VERSION, **dataclasses.asdict(self)}
        with replace_file(Path(folder) / FILE_NAME) as file:
            file.write((json.dumps(content, indent=1) + "\n").encode())

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Self:
        """Returns what ``write`` wrote.

        Args:
            folder: That of the run.

        Raises:
            OSError: There is no such file, or it cannot be read.
            ValueError: It describes no run, or one of a newer version.
        """
        path = Path(folder) / FILE_NAME
        try:
            return cls(**_checked(parse_json(read_json(path))))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{os.fspath(path)!a} describes no run: {error}") from None


def _checked(content: object) -> dict[str, Any]:
    """Returns the values of a description that is one."""
    content = check_version(content, VERSION, "a description of a run", error=ValueError)
    types = {"text": str, "characters": int, "symbols": int, "excerpt": str, "settings": dict, "machine": dict}
    for name, kind in (types | {"began": str}).items():
        if type(content.get(name)) is not kind:
            raise ValueError(f"{name} is no {kind.__name__}")
    return {name: value for name, value in content.items() if name != "version"}


def machine(device: torch.device) -> dict[str, str]:
    """Returns what the figures of a run depend on.

    Args:
        device: Where it computes.
    """
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return {
        "device": name,
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "chartok": __version__,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
