"""How the program ends by signals: in silence, with the exit code of the signal, and with its temporary files gone."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.cli.app import main
from charlm.training.checkpoint import newest_checkpoint
from charlm.training.signals import ENDING

SUPPORT = Path(__file__).parents[2] / "support"
TEXT = "the quick brown fox jumps over the lazy dog\n" * 50
WRITING = {
    "prepare": ["prepare", "input.txt"],
    "train": ["train", "input.txt"],
    "train by gradients": ["train", "input.txt", "--model", "trained-bigram", "--max-steps", "1"],
    "report": ["report", "run"],
    "arpa": ["export", "run", "--format", "arpa"],
    "tokenizer": ["export", "run", "--format", "tokenizer-json"],
}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and terminals are those of POSIX")

INTERRUPTED_IMPORT = """
import signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.{signal})

sys.meta_path.insert(0, Interrupting())
"""


CONVERTED_IMPORT = """
import signal, sys

class Converting:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            try:
                signal.raise_signal(signal.SIGINT)
            except BaseException as error:
                raise RuntimeError("something went wrong") from error

sys.meta_path.insert(0, Converting())
"""


def run(
    folder: Path, *arguments: object, path: Path | None = None, ignored: signal.Signals | None = None
) -> "subprocess.CompletedProcess[str]":
    def before_it_starts() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored in a job in the background
        if ignored is not None:
            signal.signal(ignored, signal.SIG_IGN)

    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*([] if path is None else [str(path)]), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=before_it_starts,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text and a run."""
    path = tmp_path_factory.mktemp("folder")
    (path / "input.txt").write_text(TEXT, encoding="utf-8", newline="")
    assert main(["train", str(path / "input.txt"), "--order", "3", "--out", str(path / "run")]) == 0
    return path


@pytest.mark.parametrize(
    ("command", "names"),
    [
        *(("prepare", names) for names in ("SIGTERM,SIGTERM", "SIGHUP,SIGHUP", "SIGINT,SIGTERM", "SIGTERM,SIGHUP")),
        *((command, "SIGTERM,SIGHUP") for command in WRITING if command != "prepare"),
    ],
)
def test_a_command_that_is_ended_leaves_no_temporary_file(folder: Path, command: str, names: str) -> None:
    first, _ = names.split(",")
    done = run(folder, SUPPORT / "ended_program.py", names, *WRITING[command], "--out", command)
    assert (done.returncode, done.stderr) == (128 + signal.Signals[first], "")
    assert not [path for path in folder.rglob(".*") if path.is_file()]
    assert not (folder / command).is_file()


def test_a_second_ctrl_c_ends_a_command_at_once_and_in_silence(folder: Path, tmp_path: Path) -> None:
    done = run(tmp_path, SUPPORT / "ended_program.py", "SIGINT,SIGINT", "prepare", folder / "input.txt", "--out", "new")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize(
    "module", ["charlm.cli", "charlm.cli.endings", "charlm.training", "charlm.cli.app", "tyro", "numpy", "charlm.lm"]
)
def test_a_program_that_is_ended_while_it_loads_says_nothing(
    folder: Path, tmp_path: Path, name: str, module: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_IMPORT.format(module=module, signal=name))
    done = run(folder, "-m", "charlm", "info", "run", path=tmp_path)
    number = signal.Signals[name]
    assert done.returncode in (128 + number, -number)
    assert (done.stdout, done.stderr) == ("", "")
    if name == "SIGINT":
        assert done.returncode == 130


def test_what_a_library_makes_of_a_signal_is_not_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(CONVERTED_IMPORT)
    done = run(folder, "-m", "charlm", "train", "input.txt", "--model", "gpt", "--out", "gpt", path=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("ignored", ENDING)
def test_a_signal_that_is_ignored_as_by_nohup_stays_ignored(folder: Path, ignored: signal.Signals) -> None:
    names = f"{ignored.name},{ignored.name}"
    command = ["prepare", "input.txt", "--out", f"ignored {ignored.name}"]
    done = run(folder, SUPPORT / "ended_program.py", names, *command, ignored=ignored)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / f"ignored {ignored.name}").exists()


def test_a_program_that_calls_main_keeps_its_handlers(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[int] = []

    def raise_all(_: int) -> None:
        for number in ENDING:
            signal.raise_signal(number)

    handlers = {number: signal.signal(number, lambda number, _: received.append(number)) for number in ENDING}
    try:
        with monkeypatch.context() as patches:
            patches.setattr(os, "fsync", raise_all)
            assert main(["prepare", str(folder / "input.txt"), "--out", str(tmp_path / "tokens")]) == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert set(received) == set(ENDING)
    assert (tmp_path / "tokens").exists()


@pytest.mark.parametrize("arguments", [["info", "missing"], ["train"]])
def test_an_error_that_nobody_can_read_ends_with_its_own_exit_code(folder: Path, arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "charlm", *arguments], cwd=folder, stdout=nobody, stderr=nobody, check=False
        )
    assert done.returncode == (1 if "info" in arguments else 2)


def test_a_run_whose_terminal_is_closed_is_saved(folder: Path, tmp_path: Path) -> None:
    import fcntl  # noqa: PLC0415 - Windows has neither
    import termios  # noqa: PLC0415

    terminal, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    program = [sys.executable, "-m", "charlm", "train", str(folder / "input.txt"), "--model", "trained-bigram"]
    process = subprocess.Popen(
        [*program, "--out", "run", "--log-interval", "1", "--max-steps", "1000000"],
        cwd=tmp_path,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
    )
    os.close(slave)
    shown = b""
    while not re.search(rb"train \d\.", shown):
        shown += os.read(terminal, 4096)
    os.close(terminal)
    assert process.wait(timeout=60) != 0
    assert newest_checkpoint(tmp_path / "run").values["step"] > 0
