"""Deferred handling of signals that ask a process to stop."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType


ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""The signals that ask a process to end: Ctrl-C, a supervisor, a terminal that is closed. Windows has no SIGHUP."""


class StopSignals:
    """Records the signals of ``ENDING`` in a block instead of stopping; a SIGINT after any stops immediately.

    Only the main thread can handle signals; in other threads this does nothing. A signal that the program ignores, as
    shells arrange for background jobs, stays ignored.

    Attributes:
        received: The number of the first signal received, or 0.

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
            for number in ENDING:
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
        KeyboardInterrupt: The signal is SIGINT.
        SystemExit: It is any other; the exit code is 128 plus its number, as in shells.
    """
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
