"""Other processes that are always busy, which stop and go on at a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

BUSY = """
import os
parent = os.getppid()
while os.getppid() == parent:
    sum(range(1_000_000))
"""
"""Busy for as long as whoever started it is there."""


class BusyProcesses:
    """Processes of Python that are busy, each with one thread, while ``beside`` lets them run, and stopped otherwise.

    Args:
        number: How many there are.

    Attributes:
        processes: The processes.
    """

    def __init__(self, number: int) -> None:
        self.processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(number)]  # noqa: S603 - our own
        self._send(signal.SIGSTOP, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Ends the processes."""
        self._send(signal.SIGKILL, len(self.processes))
        for process in self.processes:
            process.wait()

    @contextmanager
    def beside(self, number: int) -> Iterator[None]:
        """Lets so many of the processes run for the block."""
        self._send(signal.SIGCONT, number)
        try:
            yield
        finally:
            self._send(signal.SIGSTOP, number)

    def _send(self, what: signal.Signals, number: int) -> None:
        for process in self.processes[:number]:
            os.kill(process.pid, what)
