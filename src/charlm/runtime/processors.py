"""How many processors this process may keep busy, which may be far fewer than the machine has.

A container often sees all processors of its machine, while the quota of its control group lets it use the time of one.

Source: ``cgroups(7)``, ``proc_pid_mountinfo(5)``, and in the documentation of the Linux kernel "CFS Bandwidth Control"
and "Control Group v2".
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUP = re.compile(rb"^\d+:([^:\n]*):(/.*)$", re.MULTILINE)
"""A line of ``/proc/self/cgroup``: controllers, none for version 2, and the path of the group."""
_MOUNT = re.compile(rb"^(?:\S+ ){3}(\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$", re.MULTILINE)
"""A line of ``/proc/self/mountinfo``: the mounted group, where, the version, and the controllers of version 1."""
_LIMIT = re.compile(rb"([1-9]\d{0,17})\s+([1-9]\d{0,17})\s*")
"""Microseconds of processor time in each period, and the microseconds of a period; no match if there is no limit."""


def processors(root: Path = Path("/")) -> int:
    """Returns how many processors this process may keep busy: those it may run on, within the quota of its group.

    Args:
        root: The folder with ``proc`` and ``sys``.

    Returns:
        At least 1. A quota is rounded to the nearest number, one and a half to two: two threads get through 1.5 times
        the work of one, so in a quota of 1.1 they get through less, and in one of 1.5 through more.

    Example:
        >>> 1 <= processors() <= usable_processors()
        True
    """
    rounded = [max(1, math.floor(quota + 0.5)) for quota in _quotas(root)]
    return min([usable_processors(), *rounded])


def usable_processors() -> int:
    """Returns how many processors this process may run on, whatever the quota of its group."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """Yields the quotas of the groups that this process is in, and of those above them, in processors."""
    groups = {
        controller: path
        for controllers, path in _GROUP.findall(_content(root / "proc/self/cgroup"))
        for controller in controllers.split(b",")
    }
    for mounted, place, version, options in _MOUNT.findall(_content(root / "proc/self/mountinfo")):
        controller = b"cpu" if version == b"cgroup" else b""
        if controller not in groups or controller not in [b"", *options.split(b",")]:
            continue
        folder, group = root / os.fsdecode(place).lstrip("/"), Path(os.fsdecode(groups[controller]))
        yield from _quota(folder)
        inside = group.relative_to(os.fsdecode(mounted)) if group.is_relative_to(os.fsdecode(mounted)) else Path()
        for part in inside.parts:
            folder /= part
            yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    """Yields the quota of a group, in processors, if it has one."""
    of_version_1 = _content(folder / "cpu.cfs_quota_us") + b" " + _content(folder / "cpu.cfs_period_us")
    for content in (_content(folder / "cpu.max"), of_version_1):
        if limit := _LIMIT.fullmatch(content):
            yield int(limit[1]) / int(limit[2])


def _content(path: Path) -> bytes:
    """Returns what a file contains; nothing if it cannot be read, as on other systems."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
