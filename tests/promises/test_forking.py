"""A model that is loaded, and was used, before a process is forked is as good in the child."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SUPPORT = Path(__file__).parents[1] / "support"
SECONDS = 300
"""What hangs does so forever."""
FORKING = ["preload", "busy preload", "pool fork", "executor fork"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def run(*arguments: object) -> str:
    """Runs a program, and ends it with all its children if it hangs."""
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(SUPPORT), *sys.path]), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        shown, said = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f"it hangs: {process.communicate()[1]}")
    assert process.returncode == 0, said
    return shown


@pytest.mark.parametrize(
    ("family", "ways"),
    [
        ("bigram", FORKING),
        ("ngram", FORKING),
        ("gpt", [way for way in FORKING if way != "busy preload"]),  # PyTorch has locks of its own
        ("gpt", ["pool spawn"]),
        ("gpt", ["executor forkserver"]),
    ],
)
def test_a_model_that_was_used_scores_generates_and_trains_in_other_processes(
    family: str, ways: list[str], tmp_path: Path
) -> None:
    found = json.loads(run(SUPPORT / "forking_program.py", family, tmp_path, *ways))
    ((scored, made_up, trained),) = found["itself"]
    for way in ways:
        assert len(found[way]) >= 2
        for of_child in found[way]:
            assert of_child == [pytest.approx(scored), made_up, pytest.approx(trained, rel=1e-3)]
    assert found["torch"] == (family == "gpt")


@pytest.mark.parametrize("held", ["cache", "first use", "batches"])
def test_what_a_thread_of_the_parent_held_is_free_in_the_child(held: Any) -> None:
    assert run(SUPPORT / "locked_program.py", held) == "fine"
