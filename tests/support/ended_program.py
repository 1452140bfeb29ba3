"""The command line in a process that gets a signal as it flushes a file, and another as it removes one.

Arguments: the names of the two signals, separated by a comma, and those of the command line.
"""

import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def interrupted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **settings: Any) -> Any:
        signal.raise_signal(signal.Signals[name])
        return function(*arguments, **settings)

    return call


if __name__ == "__main__":
    program, names, *sys.argv[1:] = sys.argv
    first, second = names.split(",")
    os.fsync = interrupted(os.fsync, first)
    Path.unlink = interrupted(Path.unlink, second)  # type: ignore[method-assign]  # that is the point
    runpy.run_module("charlm", run_name="__main__", alter_sys=True)
