"""A notebook shows a figure once, whatever else has been loaded there."""

import importlib
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from charlm import CharLM
from charlm.report.figure import NotebookFigure
from charlm.report.plots import plot_surprise


def new_formatter() -> Any:
    """Returns what turns a value into all that a notebook can show of it; it has no types."""
    return pytest.importorskip("IPython.core.formatters").DisplayFormatter()


def figure() -> NotebookFigure:
    made = plot_surprise(CharLM.fit("abab" * 9).inspect("abba"))
    assert isinstance(made, NotebookFigure)
    return made


def test_a_new_kernel_shows_a_picture_and_says_what_it_is() -> None:
    data, about = new_formatter().format(figure())
    assert set(data) == {"text/plain", "image/png"}
    width, height = struct.unpack(">II", data["image/png"][16:24])
    assert about["image/png"]["alt"] == "a text, colored by how surprising each character is"
    assert (width, height) == pytest.approx((2 * about["image/png"]["width"], 2 * about["image/png"]["height"]), abs=2)


@pytest.mark.parametrize(("kind", "richest"), [("png", "image/png"), ("svg", "image/svg+xml")])
def test_what_matplotlib_teaches_a_notebook_comes_first(kind: str, richest: str) -> None:
    shell = SimpleNamespace(display_formatter=new_formatter())
    importlib.import_module("matplotlib_inline.backend_inline").select_figure_formats(shell, {kind})
    data, about = shell.display_formatter.format(figure())
    assert richest in data
    assert "text/html" not in data
    assert kind == "svg" or "alt" not in about.get("image/png", {})  # by Matplotlib's own printer, once
