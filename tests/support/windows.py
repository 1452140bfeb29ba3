"""The rules of Windows that another system can imitate: what is open stays, and what a file may be called.

Sources: "Naming Files, Paths, and Namespaces" and ``DeleteFileW``, ``MoveFileExW`` in Microsoft's documentation, and
``os.open`` in Python's, whose files others may read and write, but not remove or rename.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import importlib.util
import io
import os
import re
import stat
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import chartok.files.fixed
from charlm.classification import model_folder
from charlm.files import run_folder, run_lock
from chartok.files.pread import seek_and_read
from open_files import open_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

MISSING = (
    *("fork", "geteuid", "getuid", "mkfifo", "pread", "sched_getaffinity"),
    *("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_TMPFILE"),
)
"""What ``os`` does not have there."""
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
CODE_PAGE, LINE_END = "cp1252", "\r\n"
REAL_OPEN = open
ACCESS_DENIED, SHARING_VIOLATION, ALREADY_EXISTS = 5, 32, 183


def is_valid(name: str) -> bool:
    """Returns whether a file or a folder may have a name."""
    return not (RESERVED.fullmatch(name) or FORBIDDEN.search(name) or name.endswith((".", " ")))


def imitate(patches: pytest.MonkeyPatch) -> None:
    """Lets this process have the rules of Windows until the patches are undone."""
    for name in MISSING:
        patches.delattr(os, name, raising=False)
    for name in ("remove", "unlink", "rmdir"):
        patches.setattr(os, name, _removing(getattr(os, name)))
    patches.setattr(os, "rename", _moving(os.rename, replaces=False))
    patches.setattr(os, "replace", _moving(os.replace, replaces=True))
    patches.setattr(os, "mkdir", _named(os.mkdir))
    patches.setattr(os, "open", _named(_no_folder(os.open)))
    opening = _named(_as_text_files(io.open))
    patches.setattr(io, "open", opening)
    patches.setattr(builtins, "open", opening)
    patches.setattr("shutil._use_fd_functions", False)
    patches.setattr(chartok.files.fixed, "pread", seek_and_read)
    patches.setattr("chartok.files.atomic.sys", SimpleNamespace(platform="win32"))
    lock = as_windows(run_lock).RunLock
    for module in (model_folder, run_folder):
        patches.setattr(module, "RunLock", lock)


def as_windows(module: ModuleType) -> Any:
    """Returns a module as it is on Windows."""
    spec = importlib.util.find_spec(module.__name__)
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    with patch.object(sys, "platform", "win32"), patch.dict(sys.modules, {"msvcrt": _Msvcrt("msvcrt")}):
        spec.loader.exec_module(copy)
    return copy


class _Msvcrt(ModuleType):
    """Locks as those of Windows: not of a process, but of an open file, and an error that is about permission."""

    LK_UNLCK, LK_NBLCK = 0, 2

    def locking(self, descriptor: int, mode: int, _length: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if mode == self.LK_NBLCK else fcntl.LOCK_UN)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def _refusal(code: int, *paths: Any) -> Any:
    kind = FileExistsError if code == ALREADY_EXISTS else PermissionError
    number = errno.EEXIST if code == ALREADY_EXISTS else errno.EACCES
    error: Any = kind(number, f"refused as by Windows, {code}", os.fspath(paths[0]))
    error.filename2 = os.fspath(paths[1]) if len(paths) > 1 else None
    error.winerror = code
    return error


def _used_files() -> Iterator[Path]:
    """Yields what this process has open, or mapped into memory."""
    yield from open_files()
    with REAL_OPEN("/proc/self/maps", encoding="utf-8") as maps:
        yield from {Path(line.split(maxsplit=5)[5].rstrip("\n")) for line in maps if "/" in line}


def _check_unused(path: Any, *shown: Any) -> None:
    """Checks that nothing at a path, or in a folder there, is open."""
    place = Path(os.path.realpath(Path(path).parent), Path(path).name)
    if any(file == place or place in file.parents for file in _used_files()):
        raise _refusal(SHARING_VIOLATION, *shown)


def _check_writable(path: Any, *shown: Any) -> None:
    if os.path.lexists(path) and not os.lstat(path).st_mode & stat.S_IWUSR:
        raise _refusal(ACCESS_DENIED, *shown)


def _check_name(path: Any) -> None:
    if isinstance(path, str | bytes | os.PathLike) and not is_valid(name := Path(os.fsdecode(path)).name):
        raise OSError(errno.EINVAL, f"{name!a} is no name on Windows", path)


def _removing(function: Callable[..., None]) -> Callable[..., None]:
    def removing(path: Any, **options: Any) -> None:
        _check_unused(path, path)
        _check_writable(path, path)
        function(path, **options)

    return removing


def _moving(function: Callable[..., None], *, replaces: bool) -> Callable[..., None]:
    def moving(source: Any, target: Any, **options: Any) -> None:
        _check_name(target)
        _check_unused(source, source, target)
        if os.path.lexists(target):
            if not replaces:
                raise _refusal(ALREADY_EXISTS, source, target)
            _check_unused(target, source, target)
            _check_writable(target, source, target)
        function(source, target, **options)

    return moving


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    def named(path: Any, *arguments: Any, **options: Any) -> Any:
        _check_name(path)
        return function(path, *arguments, **options)

    return named


def _as_text_files(function: Callable[..., Any]) -> Callable[..., Any]:
    """Opens text as Windows does where nothing else is said: in a code page, and with its own line ends."""

    def opening(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: Any = None,
        errors: Any = None,
        newline: Any = None,
        **more: Any,
    ) -> Any:
        if "b" not in mode:
            encoding = CODE_PAGE if encoding in (None, "locale") else encoding
            newline = LINE_END if newline is None and set(mode) & set("wax+") else newline
        return function(file, mode, buffering, encoding, errors, newline, **more)

    return opening


def _no_folder(function: Callable[..., int]) -> Callable[..., int]:
    def opening(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return function(path, *arguments, **options)

    return opening
