"""Every formula of the pages is one that is understood, and none needs a program in the reader's browser."""

import re
from pathlib import Path

import pytest
from latex2mathml.converter import convert

from written_pages import DOCS, WRITTEN_PAGES

FORMULA = re.compile(r"^\$\$\n(.*?)\n\$\$$|(?<!\$)\$([^$\n]+)\$(?!\$)", re.MULTILINE | re.DOTALL)
PAGES = [page for page in WRITTEN_PAGES if "$" in page.read_text("utf-8")]


def formulas_of(page: Path) -> list[str]:
    text = re.sub(r"^(`{3,}).*?^\1$|`[^`\n]+`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [block or inline for block, inline in FORMULA.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_part_of_a_formula_is_left_as_it_was_typed(page: Path) -> None:
    for formula in formulas_of(page):
        shown = convert(formula)
        assert "\\" not in shown, formula
        assert "<mi>&</mi>" not in shown, formula


def test_there_are_formulas() -> None:
    assert len(formulas_of(DOCS / "explanation" / "kneser-ney.md")) > 10
