"""Signals that ask a process to stop, answered when the work is at a good place."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class StopSignals:
    """Notes SIGINT and SIGTERM in a block instead of stopping there; a SIGINT after either stops at once.

    Only the main thread can handle signals; in another one nothing changes. A signal that the program ignores, as
    the shell arranges for a background job, stays ignored.

    Attributes:
        received: The number of the first signal that came, or 0.

    Example:
        >>> with StopSignals() as signals:
        ...     signal.raise_signal(signal.SIGTERM)
        ...     signal.Signals(signals.received)
        <Signals.SIGTERM: 15>
    """

    def __init__(self) -> None:
        self.received: int = 0
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = self.received or number


def stop_for(number: int) -> None:
    """Stops as the signal would have.

    Raises:
        KeyboardInterrupt: It is SIGINT.
        SystemExit: It is another; the exit code is 128 more than its number, as shells have it.
    """
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
