"""Count models with NumPy alone: programs that start, score and exit, a single sample, and a busy machine."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from alone import alone
from busy import BusyProcesses
from charlm import CharLM
from comparison import Comparison
from generating import plain_loop
from scratch import scratch_folder
from tokenizing import sample_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

MILLION = 1_000_000
LINES = 100
CHARACTERS = 5_000
NEIGHBOURS = 8
PROGRAM = str(Path(__file__).with_name("load_and_score.py"))


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on an n-gram model of order 7 of a million characters."""
    folder = scratch_folder()
    text = sample_text(MILLION)
    lm = CharLM.fit(text)
    lm.save(folder / "model.safetensors")
    (folder / "lines.txt").write_text("\n".join(text.splitlines()[:LINES]), encoding="utf-8")
    cores = len(os.sched_getaffinity(0))
    share = NEIGHBOURS + 1
    held_out = text[: MILLION // 10]
    neighbours = BusyProcesses(NEIGHBOURS)
    atexit.register(neighbours.end)
    return [
        Comparison(
            name=f"charlm score, {LINES} lines, from a cold start",
            ours=partial(_run, "-m", "charlm", "score", folder / "model.safetensors", folder / "lines.txt"),
            rival_name="import numpy",
            rival=partial(_run, "-c", "import numpy"),
            target=1 / 2.5,
        ),
        Comparison(
            name="a new program that loads and scores a line",
            ours=partial(_run, PROGRAM, "charlm", folder / "model.safetensors"),
            rival_name="import torch",
            rival=partial(_run, "-c", "import torch"),
            target=4,
        ),
        Comparison(
            name="the same, memory over Python with NumPy",
            ours=partial(alone, PROGRAM, "charlm", folder / "model.safetensors"),
            rival_name="import torch",
            rival=partial(alone, PROGRAM, "torch"),
            target=2,
            samples=3,
            unit="bytes",
        ),
        Comparison(
            name=f"generate {CHARACTERS:,} characters in one stream",
            ours=partial(lm.generate, max_new_tokens=CHARACTERS),
            rival_name="plain loop, a tenth of them",
            rival=lambda: plain_loop(lm.model, _start(lm), CHARACTERS // 10),
            target=10,
        ),
        Comparison(
            name=f"score {len(held_out):,} characters {cores} times beside {NEIGHBOURS} busy processes",
            ours=partial(_beside, neighbours, lambda: [lm.log_probabilities(held_out) for _ in range(cores)]),
            rival_name=f"{share} times alone",
            rival=lambda: [lm.log_probabilities(held_out) for _ in range(share)],
            target=1 / 3,
            is_beside_others=True,
        ),
    ]


def _beside(neighbours: BusyProcesses, function: Callable[[], object]) -> None:
    with neighbours.beside(NEIGHBOURS):
        function()


def _start(lm: CharLM) -> torch.Tensor:
    import torch  # noqa: PLC0415 - only here

    return torch.tensor([[lm.vocabulary.special_tokens["bos"]]])


def _run(*arguments: object) -> None:
    subprocess.run([sys.executable, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
