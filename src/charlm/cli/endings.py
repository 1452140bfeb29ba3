"""How signals end the program: at once while it loads and exits, and with cleaning up while a command runs."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from charlm.training.signals import ENDING, stop_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


def end_silently() -> None:
    """Lets signals end this process at once from now on, without a traceback; one that is ignored stays ignored."""
    for number in ENDING:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end_at_once)


@contextmanager
def cleaning_up() -> Iterator[None]:
    """Lets a signal that would end this process at once end the block by an exception, which removes temporary files.

    Later signals do not interrupt that, as a terminal that closes sends two; a second Ctrl-C ends the process at once.
    In a process that has not called ``end_silently``, signals are left as they are.

    Raises:
        KeyboardInterrupt: SIGINT was received.
        SystemExit: Another signal was received.
    """
    received = 0

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal received
        if not received:
            received = number
            stop_for(number)
        if number == signal.SIGINT:
            _end_at_once(number)

    numbers = [number for number in ENDING if signal.getsignal(number) == _end_at_once]
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, _end_at_once)
        if received:
            stop_for(received)  # whatever others have made of the exception


def _end_at_once(number: int, _frame: FrameType | None = None) -> None:
    os._exit(128 + number)  # an exception could be shown, turned into another one, or lost in a destructor
