import os
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.runtime.threads import SPIN_COUNT, set_threads

SAYS_WHAT_IT_FINDS = """
import os
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in ("numpy", "torch"):
            found = [os.environ.get(name, "unset") for name in ("GOMP_SPINCOUNT", "OMP_NUM_THREADS", "OMP_WAIT_POLICY")]
            os.write(1, " ".join([name, *found]).encode() + b"\\n")
        if name == "torch":
            os._exit(0)

sys.meta_path.insert(0, Finder())
"""
"""Says what is set when NumPy and PyTorch are about to be loaded, and then ends the process."""


def root_with_quota(folder: Path, quota: str) -> Path:
    """Returns a folder with the files of a system that gives this process a quota."""
    for name, content in {
        "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/cpu.max": quota,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with sixteen processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)


def test_threads_wait_briefly_and_their_number_is_left_to_pytorch_where_there_is_no_quota(tmp_path: Path) -> None:
    environment = {"PATH": "/bin"}
    set_threads(environment, root_with_quota(tmp_path, "max 100000\n"))
    assert environment == {"PATH": "/bin", "GOMP_SPINCOUNT": SPIN_COUNT}


def test_there_are_no_more_threads_than_the_quota_allows(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    set_threads(environment, root_with_quota(tmp_path, "200000 100000\n"))
    assert environment["OMP_NUM_THREADS"] == "2"


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME"])
@pytest.mark.parametrize("value", ["ACTIVE", "7", ""])
def test_how_the_user_lets_threads_wait_is_left_as_it_is(tmp_path: Path, name: str, value: str) -> None:
    environment = {name: value}
    set_threads(environment, root_with_quota(tmp_path, "max 100000\n"))
    assert environment == {name: value}


@pytest.mark.parametrize("value", ["1", "9", ""])
def test_the_number_of_threads_that_the_user_or_torchrun_sets_is_left_as_it_is(tmp_path: Path, value: str) -> None:
    environment = {"OMP_NUM_THREADS": value}
    set_threads(environment, root_with_quota(tmp_path, "200000 100000\n"))
    assert environment["OMP_NUM_THREADS"] == value


def test_neither_numpy_nor_pytorch_is_loaded_to_set_threads() -> None:
    code = "import sys; from charlm.runtime.threads import set_threads; set_threads()"
    code += "; print({'numpy', 'torch'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


PROGRAMS = [
    pytest.param([sys.executable, "-m", "charlm"], id="python -m charlm"),
    pytest.param([str(Path(sys.executable).with_name("charlm"))], id="charlm"),
]


def found_by(program: list[str], folder: Path, **environment: str) -> list[str]:
    """Returns what is set in a process of the command line when NumPy and PyTorch are about to be loaded."""
    (folder / "sitecustomize.py").write_text(SAYS_WHAT_IT_FINDS, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    done = subprocess.run(
        [*program, "train", "text.txt", "--model", "gpt"],
        env=inherited | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])} | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_command_line_sets_threads_before_it_loads_numpy_and_pytorch(program: list[str], tmp_path: Path) -> None:
    numpy, pytorch = found_by(program, tmp_path, OMP_NUM_THREADS="3")
    assert numpy == f"numpy {SPIN_COUNT} 3 unset"
    assert pytorch == f"torch {SPIN_COUNT} 3 unset"


def test_the_command_line_leaves_the_waiting_that_the_user_has_set(tmp_path: Path) -> None:
    found = found_by([sys.executable, "-m", "charlm"], tmp_path, OMP_NUM_THREADS="3", OMP_WAIT_POLICY="ACTIVE")
    assert found[-1] == "torch unset 3 ACTIVE"


def test_the_command_line_called_in_a_program_leaves_its_environment_as_it_is() -> None:
    code = "import os; before = {**os.environ}; from charlm.cli.app import main; main(['--version'])"
    code += "; print(before == os.environ)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"
