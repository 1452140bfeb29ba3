import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from charlm.files.run_folder import RunFolder
from charlm.files.run_lock import RunLock
from within import within_seconds

HOLDER = (
    "import sys, time\nfrom charlm.files.run_folder import RunFolder\n"
    "with RunFolder(sys.argv[1]).locked():\n    print('held', flush=True)\n    sys.stdin.read()\n"
)
CONTENDER = """
import os, sys
from pathlib import Path
from charlm.files.run_lock import RunLock
folder = Path(sys.argv[1])
held = refused = 0
while held < 100:
    try:
        with RunLock(folder / "run.lock"):
            os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))  # fails if another is inside
            (folder / "inside").unlink()
            held += 1
    except BlockingIOError:
        refused += 1
print(held)
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def started(program: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, os.fspath(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def holder(folder: Path) -> subprocess.Popen[str]:
    process = started(HOLDER, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    process = holder(tmp_path)
    with pytest.raises(BlockingIOError, match=rf"process {process.pid} on .* is writing") as caught:
        RunLock(tmp_path / "run.lock").__enter__()
    assert caught.value.filename == os.fspath(tmp_path)
    process.communicate()
    with RunFolder(tmp_path).locked():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_kill_releases_the_lock(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / "run.lock").exists()
    with RunFolder(tmp_path).locked():
        pass
    assert not (tmp_path / "run.lock").exists()
    process.communicate()


def test_of_many_processes_one_at_a_time_is_inside(tmp_path: Path) -> None:
    processes = [started(CONTENDER, tmp_path) for _ in range(4)]
    assert [process.communicate()[0] for process in processes] == ["100\n"] * 4
    assert list(tmp_path.iterdir()) == []


def test_the_thread_that_holds_it_enters_again_and_no_other_does(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    refused = []

    def enter() -> None:
        for other in (folder, RunFolder(tmp_path)):
            with pytest.raises(BlockingIOError), other.locked():
                pass
            refused.append(other)

    with folder.locked(), folder.locked():
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert len(refused) == 2
    with RunFolder(tmp_path).locked():
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_that_lives_on_does_not_keep_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    with RunFolder(tmp_path).locked():
        child = os.fork()
        if not child:
            os.close(write)
            os.read(read, 1)
            os._exit(0)
    with RunFolder(tmp_path).locked():
        pass
    os.close(write)
    os.waitpid(child, 0)


@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "pipe"])
def test_what_else_has_the_name_of_the_lock_is_not_written_to(tmp_path: Path, kind: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "run" / "run.lock"
    victim.write_text("precious")
    path.parent.mkdir()
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "hard link":
        path.hardlink_to(victim)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)

    def enter() -> None:
        with RunFolder(path.parent).locked():
            pass

    if "link" in kind:  # a hard link was left behind, for all that can be seen
        within_seconds(enter)
    else:
        with pytest.raises(OSError, match=r"run\.lock"):
            within_seconds(enter)
    assert victim.read_text() == "precious"


def test_a_lock_left_behind_with_anything_in_it_is_taken(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_bytes(b"\xff not JSON")
    with RunFolder(tmp_path).locked():
        pass


def test_a_lock_that_could_not_be_written_or_removed_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    lock = RunLock(tmp_path / "run.lock")
    with monkeypatch.context() as full:
        full.setattr(os, "write", fail)
        with pytest.raises(OSError, match="No space left"):
            lock.__enter__()
    with monkeypatch.context() as full, pytest.raises(OSError, match="No space left"), lock:
        full.setattr(Path, "unlink", fail)
    with RunLock(tmp_path / "run.lock"):
        pass


def test_a_folder_that_is_new_and_empty_goes_with_the_failure(tmp_path: Path) -> None:
    for folder in (tmp_path / "new", tmp_path / "old"):
        (tmp_path / "old").mkdir(exist_ok=True)
        with pytest.raises(RuntimeError), RunFolder(folder).locked():
            raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_lock_that_is_not_its_own_is_not_removed(tmp_path: Path) -> None:
    with RunFolder(tmp_path).locked():
        (tmp_path / "run.lock").unlink()
        (tmp_path / "run.lock").touch()
    assert (tmp_path / "run.lock").exists()
