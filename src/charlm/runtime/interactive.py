"""Whether somebody is watching, and the bars and lines that show them the progress of a program."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from chartok.arguments import flag

if TYPE_CHECKING:
    from collections.abc import Iterator


def in_notebook() -> bool:
    """Returns whether this process is the kernel of a notebook, such as Jupyter's or Colab's."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()  # not loaded if there is none
    return shell is not None and "IPKernelApp" in shell.config


def on_terminal() -> bool:
    """Returns whether standard error is a terminal."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def is_shown(progress: bool | None) -> bool:  # noqa: FBT001 - as it is passed on
    """Returns whether to show progress.

    Args:
        progress: True and False decide; None shows it on a terminal and in a notebook.

    Raises:
        TypeError: It is something else.
    """
    return on_terminal() or in_notebook() if progress is None else flag("progress", progress)


def bar(**settings: Any) -> Any:  # noqa: ANN401 - tqdm's own, of two classes without a common type
    """Returns a progress bar: a widget in a notebook that has ipywidgets, otherwise one line on standard error.

    Args:
        settings: Those of ``tqdm``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that ipywidgets is missing: there is a bar all the same
        from tqdm.auto import tqdm  # noqa: PLC0415 - loads asyncio, which a program that shows no bar does without
    width = {"dynamic_ncols": True} if in_notebook() or _has_width() else {"ncols": get_terminal_size().columns - 1}
    return tqdm(**width, **settings)


def _has_width() -> bool:
    """Returns whether standard error is a terminal that says how wide it is, at every moment."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):
        return False


@contextmanager
def stage(text: str) -> Iterator[None]:
    """Shows what is happening during a ``with`` block that has no steps to count; the line disappears at its end.

    Args:
        text: What is happening.
    """
    if not (on_terminal() or in_notebook()):
        yield
        return
    with bar(total=1, desc=text, bar_format="{desc} ...", leave=False):
        yield
