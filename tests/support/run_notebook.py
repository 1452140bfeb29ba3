"""Runs a notebook in a new kernel; as a program, writes it back with what it showed: ``make tour``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

LONGEST_SECONDS = 300
"""Of a cell, on a machine that does much else."""


def executed(notebook: Any) -> Any:
    """Returns a notebook after running its cells, without bars, which show how fast the machine was."""
    NotebookClient(notebook, kernel_name="python3", timeout=LONGEST_SECONDS, record_timing=False).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    (path,) = map(Path, sys.argv[1:])
    nbformat.write(executed(nbformat.read(path, as_version=nbformat.NO_CONVERT)), path)
