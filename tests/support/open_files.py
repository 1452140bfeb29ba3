"""What this process has open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

DESCRIPTORS = Path("/proc/self/fd")
tells_open_files = pytest.mark.skipif(
    not DESCRIPTORS.exists(), reason="this system does not tell what a process has open"
)


def open_files() -> Iterator[Path]:
    """Yields the file of each descriptor, those that have been removed under their last name."""
    for entry in DESCRIPTORS.iterdir():
        try:
            yield entry.readlink()
        except FileNotFoundError:  # closed since the listing began, as the folder itself is
            continue


def open_below(folder: Path) -> list[Path]:
    """Returns the files of a folder that are open, each as often as it is."""
    place = folder.resolve()
    return [path for path in open_files() if place in path.parents]
