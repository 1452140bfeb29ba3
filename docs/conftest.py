"""Tiny Shakespeare for the examples of the notebook's page, which are skipped where it is missing."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chartok import read_text

DATA = Path(os.environ.get("CHARTOK_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))

collect_ignore = ["_build", "conf.py", "extensions", "gallery", "reference/classes"]


@pytest.fixture(autouse=True)
def notebook_text(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> Iterator[None]:
    """Gives the page its ``text``, and no other page."""
    if request.path.name != "notebook.md":
        yield
        return
    path = DATA / "tinyshakespeare.txt"
    if not path.exists():
        pytest.skip(f"{path.name} is not in {DATA}; CHARTOK_TEST_DATA names the folder that holds it")
    doctest_namespace["text"] = read_text(path)
    yield
    del doctest_namespace["text"]
