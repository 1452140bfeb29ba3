"""Ends a test that would wait for ever."""

import threading
from collections.abc import Callable

LONGEST_WAIT = 30.0


def within_seconds(work: Callable[[], None], seconds: float = LONGEST_WAIT) -> None:
    """Does work in a thread of its own, and fails if it does not end."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - raised below
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it waits for ever"
    if failures:
        raise failures[0]
