"""What the documentation says of speed is what was measured."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def page() -> Any:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        spec = importlib.util.spec_from_file_location("page", ROOT / "benchmarks" / "page.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return module


def test_the_page_is_made_of_the_figures(page: Any) -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_the_losses_in_the_readme_are_those_that_were_measured() -> None:
    learning = json.loads((ROOT / "benchmarks" / "learning.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`GPT`|mixture of both) \| ([^|]+) \| ([\d.]+) \|$", readme, re.MULTILINE)
    named = {"60 s": "GPT, 60 s", "59 s": "mixture, 60 s", "3 min": "mixture, 180 s"}
    assert len(rows) == 3
    for _, time, loss in rows:
        assert float(loss) == round(learning[named[time]]["loss"], 3)
