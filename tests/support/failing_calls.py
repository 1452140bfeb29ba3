"""A system whose calls fail or are interrupted, one after the other."""

import builtins
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest


class FailingCalls:
    """Makes the n-th call of open, write, fsync, rename, replace or mkdir fail, of all of them together.

    Args:
        monkeypatch: Undoes it.
        number: What each failure has as its ``errno``.

    Attributes:
        calls: How many there were.
        failing: The number of the call that fails, from 1 on; -1 for none.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.calls = 0
        self.failing = -1
        self.number = number
        monkeypatch.setattr(os, "fsync", self._around(os.fsync))
        for name in ("rename", "replace", "mkdir"):
            monkeypatch.setattr(Path, name, self._around(getattr(Path, name)))
        monkeypatch.setattr(Path, "open", self._opening(Path.open))
        monkeypatch.setattr(builtins, "open", self._opening(builtins.open))

    def fail_at(self, call: int) -> None:
        """Counts from the start, up to a call that fails."""
        self.calls, self.failing = 0, call

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **settings: Any) -> Any:
            self._count(*(argument for argument in arguments[:1] if isinstance(argument, Path)))
            return function(*arguments, **settings)

        return call

    def _opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, mode: str = "r", *arguments: Any, **settings: Any) -> Any:
            if not (isinstance(path, Path) and {*mode} & {*"xaw"}):
                return function(path, mode, *arguments, **settings)
            self._count(path)
            return _Writing(function(path, mode, *arguments, **settings), self._count)

        return call

    def _count(self, *names: Path) -> None:
        self.calls += 1
        if self.calls == self.failing:
            self._fail(*names)

    def _fail(self, *names: Path) -> None:
        raise OSError(self.number, os.strerror(self.number), *map(os.fspath, names))


class InterruptedCalls(FailingCalls):
    """Two signals come in the n-th call, so that the second does not wait for a better place."""

    def _fail(self, *_: Path) -> None:
        signal.raise_signal(signal.Signals(self.number))
        signal.raise_signal(signal.Signals(self.number))


class _Writing:
    """A file open for writing, a write of which may fail half-way."""

    def __init__(self, file: Any, count: Callable[[], None]) -> None:
        self._file = file
        self._count = count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: Any) -> int:
        half = len(data) // 2
        self._file.write(data[:half])
        self._count()
        return half + int(self._file.write(data[half:]))
