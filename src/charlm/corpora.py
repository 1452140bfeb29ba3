"""Text to try things on."""

from __future__ import annotations

from pydoc_data.topics import topics


def python_docs() -> str:
    """Returns the help topics that every CPython carries: English prose and code, some 400,000 characters or more.

    Nothing is downloaded. The text differs between versions of Python.

    Example:
        >>> "assert" in python_docs()
        True
    """
    return "\n\n".join(topics[name] for name in sorted(topics))
