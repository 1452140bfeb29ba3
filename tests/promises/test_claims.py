"""What repeats the claims of the first pages is there."""

import re
from pathlib import Path

import pytest

from charlm.cli.flags import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/index.md", "docs/faq.md", "docs/benchmarks.md")
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def named(page: str, pattern: str) -> set[str]:
    """Returns what a pattern finds in a page."""
    return set(re.findall(pattern, (ROOT / page).read_text(encoding="utf-8")))


def first_cells(table: str) -> list[str]:
    """Returns the first cells of the rows of a table, without its head."""
    return [row.split("|")[1].strip() for row in table.splitlines()[2:]]


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_a_page_names_is_in_the_makefile(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named(page, r"(?:`|\$ )make ([a-z-]+)") <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_benchmark_and_test_that_a_page_names_is_there(page: str) -> None:
    paths = named(page, r"benchmarks/\w+\.py") | named(page, r"tests/[\w/]+(?:\.py)?")
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_is_one_of_the_command_line(page: str) -> None:
    assert named(page, r"(?:`|\$ |/)charlm ([a-z]+)") <= set(COMMANDS)


def test_every_row_of_the_comparison_has_what_repeats_it() -> None:
    tables = TABLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    compared, repeated = (first_cells(table) for table in tables)
    assert compared
    assert repeated[-len(compared) :] == compared
