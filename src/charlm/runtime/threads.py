"""How long the threads of PyTorch keep their processors busy while they wait, and how many there are.

OpenMP reads both from the environment when PyTorch is loaded. The command line sets them before. A library leaves them
to the program that it is part of; docs/howto/busy-machine.md says what that can do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.runtime.processors import processors, usable_processors

if TYPE_CHECKING:
    from collections.abc import MutableMapping

WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
"""Each tells an implementation of OpenMP how long its threads keep a processor busy while they wait for each other."""
SPIN_COUNT = "1000"
"""How often a thread of GNU's OpenMP looks whether there is work before it gives its processor away.

It is less than a tenth of a millisecond; without a setting it is many, in which a thread that waits holds up a busy
neighbor, and that in turn the thread that is waited for. ``benchmarks/neighbours.py`` measures it.
"""


def set_threads(environment: MutableMapping[str, str] = os.environ, root: Path = Path("/")) -> None:
    """Sets, before PyTorch is loaded, how its threads wait and how many there are, unless the user has.

    Args:
        environment: The environment variables of this process.
        root: The folder with ``proc`` and ``sys``.
    """
    if not any(name in environment for name in WAITING):
        environment["GOMP_SPINCOUNT"] = SPIN_COUNT
    if "OMP_NUM_THREADS" not in environment and (within_quota := processors(root)) < usable_processors():
        environment["OMP_NUM_THREADS"] = str(within_quota)
