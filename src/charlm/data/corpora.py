"""Sample texts."""

from __future__ import annotations

import os
from pydoc_data.topics import topics

from chartok import read_text

TINY_SHAKESPEARE = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
    "/data/tinyshakespeare/input.txt"
)
TINY_SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def python_docs() -> str:
    """Returns the help topics that ship with CPython: English prose and code, at least about 400,000 characters.

    Nothing is downloaded. The text differs between versions of Python.

    Example:
        >>> "assert" in python_docs()
        True
    """
    return "\n\n".join(topics[name] for name in sorted(topics))


def tiny_shakespeare(folder: str | os.PathLike[str] | None = None) -> str:
    """Returns the text of the notebook: 1,115,394 characters of Shakespeare's plays.

    It is downloaded on the first call, checked against its SHA-256, and cached as ``tinyshakespeare.txt``. Needs the
    ``data`` extra.

    Args:
        folder: Where to cache it; created if missing. By default the folder named by the environment variable
            ``CHARTOK_DATA``, or else the user's cache.

    Raises:
        ModuleNotFoundError: Pooch is not installed.
        OSError: The text cannot be downloaded or cached.
        ValueError: The downloaded text does not match its SHA-256.

    Example:
        >>> text = tiny_shakespeare()  # doctest: +SKIP
    """
    try:
        import pooch  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("tiny_shakespeare needs Pooch: pip install 'chartok[data]'") from error
    if folder is None:
        folder = os.environ.get("CHARTOK_DATA") or pooch.os_cache("chartok")
    path = pooch.retrieve(
        TINY_SHAKESPEARE,
        known_hash=f"sha256:{TINY_SHAKESPEARE_SHA256}",
        fname="tinyshakespeare.txt",
        path=os.fspath(folder),
    )
    return read_text(path)
