"""How long programs take to start; each measurement starts a new process."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from comparison import Comparison


def comparisons() -> list[Comparison]:
    """Returns the comparisons."""
    return [
        Comparison(
            name="import chartok.vocabulary",
            ours=partial(_run, "-c", "import chartok.vocabulary"),
            rival_name="import numpy",
            rival=partial(_run, "-c", "import numpy"),
            target=1 / 1.3,
            samples=21,
        ),
        Comparison(
            name="import charlm",
            ours=partial(_run, "-c", "import charlm"),
            rival_name="import torch",
            rival=partial(_run, "-c", "import torch"),
            target=10,
            samples=3,
        ),
        Comparison(
            name="import charlm and access all names",
            ours=partial(_run, "-c", "from charlm import *"),
            rival_name="import torch",
            rival=partial(_run, "-c", "import torch"),
            target=1 / 1.3,
            samples=3,
        ),
        Comparison(
            name="charlm --help",
            ours=partial(_run, "-m", "charlm", "--help"),
            rival_name="import torch",
            rival=partial(_run, "-c", "import torch"),
            target=4,
            samples=3,
        ),
    ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
