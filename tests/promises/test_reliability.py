"""Runs that are killed, stopped and spread over processes, as programs of their own; more of it in ``make torture``."""

import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from charlm import LogEntry, read_log
from charlm.cli.app import main
from torture import TORTURE

HERE = Path(__file__).parents[1] / "support"
PROCESSES = (2, 4) if TORTURE else (2,)
KILLS = 200 if TORTURE else 30
TEXT = "the quick brown fox jumps over the lazy dog\n" * 50
FLAGS = [
    "--model",
    "trained-bigram",
    "--log-interval",
    "1",
    "--evaluation-interval",
    "4",
    "--schedule",
    "constant",
    "--batch-size",
    "16",
]

needs_posix = pytest.mark.skipif(os.name == "nt", reason="signals and torchrun's agents are those of POSIX")


def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), "OMP_NUM_THREADS": "1"} | environment,
    )


def torchrun(processes: int, *arguments: object, restarts: int = 0) -> "subprocess.CompletedProcess[str]":
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return run(*launcher, f"--max-restarts={restarts}", *arguments)


def train(text: Path, out: Path, *flags: str) -> list[str]:
    of_text = [] if "--records" in flags else ["--block-size", "16"]
    return ["train", str(text), "--out", str(out), "--device", "cpu", *of_text, *FLAGS, *flags]


def losses(records: list[LogEntry]) -> dict[int, tuple[float, float | None]]:
    return {entry.step: (entry.train_loss, entry.validation_loss) for entry in records}


def assert_close(first: Path, second: Path) -> None:
    found, expected = losses(read_log(first)), losses(read_log(second))
    assert found.keys() == expected.keys()
    pairs: Any = zip(chain(*found.values()), chain(*expected.values()), strict=True)
    assert all(a == b if None in (a, b) else a == pytest.approx(b, rel=1e-5) for a, b in pairs)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "input.txt"
    path.write_bytes(TEXT.encode())
    return path


@needs_posix
def test_a_run_goes_on_after_every_kill_with_the_losses_of_one_that_was_never_killed(tmp_path: Path) -> None:
    result = run("-W", "error", HERE / "killed_runs.py", tmp_path / "run", KILLS)
    match = re.fullmatch(rf"{KILLS} of {KILLS} killed runs resumed; (\d+) steps; losses equal\n", result.stdout)
    assert match is not None, result.stdout + result.stderr
    assert int(match[1]) > 0


@needs_posix
def test_any_number_of_processes_takes_the_same_way_and_may_go_on_in_another(text: Path, tmp_path: Path) -> None:
    assert main(train(text, tmp_path / "1", "--max-steps", "16")) == 0
    for processes in PROCESSES:
        result = torchrun(processes, "-m", "charlm", *train(text, tmp_path / f"{processes}", "--max-steps", "8"))
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("saved to") == 1
    assert main(train(text, tmp_path / "2", "--max-steps", "16", "--resume")) == 0
    if 4 in PROCESSES:
        result = torchrun(2, "-m", "charlm", *train(text, tmp_path / "4", "--max-steps", "16", "--resume"))
        assert "resuming after step 8" in result.stdout
    for processes in PROCESSES:
        assert_close(tmp_path / f"{processes}", tmp_path / "1")


@needs_posix
def test_records_of_uneven_lengths_have_the_trajectory_of_one_process(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_bytes("".join("anna"[: 1 + i % 4] + "b" * (i % 7) + "\n" for i in range(60)).encode())
    flags = ["--records", "--max-steps", "8", "--accumulation-steps", "3"]
    assert main(train(names, tmp_path / "1", *flags[:3])) == 0
    result = torchrun(2, "-m", "charlm", *train(names, tmp_path / "2", *flags))
    assert result.returncode == 0, result.stderr
    assert_close(tmp_path / "2", tmp_path / "1")


@needs_posix
def test_a_process_that_dies_ends_the_job_and_a_restart_goes_on(text: Path, tmp_path: Path) -> None:
    arguments = train(text, tmp_path / "run", "--max-steps", "10", "--checkpoint-interval", "1", "--resume")
    result = torchrun(2, HERE / "dying_process.py", *arguments)
    assert result.returncode != 0
    assert "saved to" not in result.stdout
    assert read_log(tmp_path / "run")[-1].step < 10
    result = torchrun(2, HERE / "dying_process.py", *arguments, restarts=1)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("resuming after step") in (1, 2)  # the first start may be ended before it says so
    assert main(train(text, tmp_path / "whole", "--max-steps", "10")) == 0
    assert_close(tmp_path / "run", tmp_path / "whole")


@needs_posix
@pytest.mark.parametrize("family", ["ngram", "bigram"] if TORTURE else ["ngram"])
def test_a_counted_model_is_made_once_in_several_processes(text: Path, tmp_path: Path, family: str) -> None:
    flags = ["--model", family, "--json"]
    result = torchrun(2, "-m", "charlm", "train", text, "--out", tmp_path / "run", *flags)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("saved to") == 1
    assert result.stdout.count('"validation_nats": ') == 1
