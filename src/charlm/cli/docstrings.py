"""Docstrings, from which help is made, where Python runs with ``-OO`` and has left them out."""

from __future__ import annotations

import contextlib
import sys


def restore_docstrings(*modules: str) -> None:
    """Gives the classes of modules the docstrings in their source; without ``-OO`` they have them already.

    Where there is no source, they stay without, and help lists the flags without descriptions.

    Args:
        modules: The names of loaded modules.
    """
    if sys.flags.optimize < 2:  # noqa: PLR2004 - the level of -OO
        return
    import ast  # noqa: PLC0415 - seldom needed, like the next
    import inspect  # noqa: PLC0415

    for name in modules:
        with contextlib.suppress(OSError):
            source = inspect.getsource(sys.modules[name])
            if sys.version_info >= (3, 13):  # an optimized tree has no docstrings either
                tree = ast.parse(source, optimize=0)
            else:
                tree = ast.parse(source)
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    vars(sys.modules[name])[node.name].__doc__ = ast.get_docstring(node)
