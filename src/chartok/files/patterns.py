"""Patterns of file names: which files of a folder are wanted, and which are hidden."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import PurePath

MAGIC = re.compile(r"[*?\[]")
"""What makes a name a pattern."""


def is_wanted(relative: str, pattern: str) -> bool:
    """Returns whether a file of a folder is one to read.

    Example:
        >>> is_wanted("books/a.txt", "*.txt"), is_wanted("a.txt", "**/*.txt"), is_wanted(".git/a.txt", "*.txt")
        (True, True, False)
    """
    return fits(relative, pattern) and not any(part.startswith(".") for part in PurePath(relative).parts)


def fits(path: str, pattern: str) -> bool:
    """Returns whether a path ends in what a pattern says; ``PurePath.match`` takes ``**`` for one folder.

    Example:
        >>> fits("data/books/a.txt", "books/*.txt"), fits("data/books/new/a.txt", "books/**/*.txt")
        (True, True)
    """
    return _matches(PurePath(path).parts, ("**", *PurePath(pattern).parts))


def is_hidden(name: str, pattern: str) -> bool:
    """Returns whether a name has a hidden part that the pattern does not ask for, as ``glob`` has it on disk.

    Example:
        >>> is_hidden("in/.a.txt", "in/*.txt"), is_hidden(".in/a.txt", ".in/*.txt")
        (True, False)
    """
    fixed = len(MAGIC.split(pattern)[0].rpartition("/")[0])
    asked, found = pattern[fixed:].split("/"), name[fixed:].split("/")
    return any(part.startswith(".") for part in found) and not any(part.startswith(".") for part in asked)


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Returns whether the parts of a path match those of a pattern, in which ``**`` is any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatch(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
