"""Text to try things on."""

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
    """Returns the help topics that every CPython carries: English prose and code, some 400,000 characters or more.

    Nothing is downloaded. The text differs between versions of Python.

    Example:
        >>> "assert" in python_docs()
        True
    """
    return "\n\n".join(topics[name] for name in sorted(topics))


def tiny_shakespeare(folder: str | os.PathLike[str] | None = None) -> str:
    """Returns the text of the notebook: 1,115,394 characters of Shakespeare's plays.

    It is downloaded at the first call, checked against its SHA-256, and kept as ``tinyshakespeare.txt``. Needs the
    extra ``data``.

    Args:
        folder: Where to keep it, made if it is not there; by default the user's cache, or the folder that the
            environment variable ``CHARTOK_DATA`` names.

    Raises:
        ModuleNotFoundError: Pooch is not installed; says how to.
        OSError: It cannot be downloaded or kept.
        ValueError: What was downloaded is another text.

    Example:
        >>> text = tiny_shakespeare()  # doctest: +SKIP
    """
    try:
        import pooch  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Pooch is missing: pip install 'chartok[data]'") from error
    if folder is None:
        folder = os.environ.get("CHARTOK_DATA") or pooch.os_cache("chartok")
    path = pooch.retrieve(
        TINY_SHAKESPEARE,
        known_hash=f"sha256:{TINY_SHAKESPEARE_SHA256}",
        fname="tinyshakespeare.txt",
        path=os.fspath(folder),
    )
    return read_text(path)
