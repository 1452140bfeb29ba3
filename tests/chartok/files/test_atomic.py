import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chartok.files.atomic import replace_file


def test_the_old_file_stays_whole_when_the_writer_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), replace_file(path) as file:  # noqa: PT012 - what fails is the second write
        file.write(b"half of the new")
        file.write("no bytes")  # type: ignore[call-overload]  # the failure
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "error"), [("", ValueError), ("new/", IsADirectoryError)])
def test_a_path_that_does_not_name_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error), replace_file(name):
        pass
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_system_call_leaves_the_old_file_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(OSError, match=str(path)) as caught, replace_file(path) as file:
        file.write(b"new")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_ordinary_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    with replace_file(tmp_path / "new") as file:
        file.write(b"x")
    assert (tmp_path / "new").stat().st_mode == ordinary.stat().st_mode
    ordinary.chmod(0o600)
    with replace_file(ordinary) as file:
        file.write(b"x")
    assert ordinary.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_opened_leaves_nothing_half_made_to_be_closed(tmp_path: Path) -> None:
    code = "import sys; from chartok.files.atomic import replace_file; replace_file(sys.argv[1]).__enter__()"
    done = subprocess.run(  # from Python 3.13 on, what goes wrong as a file is closed is shown outside -X dev too
        [sys.executable, "-X", "dev", "-c", code, tmp_path / "missing" / "file"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1].startswith("FileNotFoundError: ")
    assert "Exception ignored" not in done.stderr


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with replace_file(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_folder_and_a_missing_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=str(tmp_path)), replace_file(tmp_path):
        pass
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "no" / "file")), replace_file(tmp_path / "no" / "file"):
        pass


def test_a_pipe_or_a_device_is_written_into_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "null").symlink_to(os.devnull)
    (tmp_path / "link").symlink_to(pipe)
    for name in ("pipe", "link"):
        read: list[bytes] = []
        reader = threading.Thread(target=lambda read=read: read.append(pipe.read_bytes()), daemon=True)
        reader.start()
        with replace_file(tmp_path / name) as file:
            file.write(b"new")
        reader.join(timeout=60)
        assert read == [b"new"]
    with replace_file(tmp_path / "null") as file:
        file.write(b"new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "null", "pipe"]


def test_an_error_that_is_not_the_files_own_keeps_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no file's fault") as caught, replace_file(tmp_path / "file") as file:  # noqa: PT012 - the second line fails
        file.write(b"new")
        raise OSError(errno.EIO, "no file's fault")
    assert caught.value.filename is None
    assert not list(tmp_path.iterdir())
