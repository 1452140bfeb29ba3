import inspect
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import charlm
import chartok
from written_pages import DOCS, WRITTEN_PAGES

REFERENCE = DOCS / "reference"
WIDEST = 80
"""How many characters of code a page shows without a scroll bar."""
PACKAGES = [chartok, charlm]
PUBLIC_CLASSES = [
    value for package in PACKAGES for name in package.__all__ if inspect.isclass(value := getattr(package, name))
]


def directive_for(value: Any) -> str:
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, Exception) else "autoclass"
    return "autofunction" if callable(value) else "py:data"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_reference_has_the_right_directive_for_every_public_name_and_no_other(package: ModuleType) -> None:
    name = package.__name__
    page = (REFERENCE / f"{name}.md").read_text("utf-8")
    found = re.findall(rf"^\.\. ((?:auto|py:data)\w*):: {name}\.(\w+)$", page, re.MULTILINE)
    assert sorted(found) == sorted((directive_for(getattr(package, public)), public) for public in package.__all__)


def lines_of_code(page: Path) -> list[str]:
    """Returns the lines of the blocks of a page that show code or output, not of those that are directives."""
    lines: list[str] = []
    fence, is_shown = "", False
    for line in page.read_text("utf-8").splitlines():
        if opened := re.fullmatch(r"\s*(`{3,})(.*)", line):
            if not fence:
                fence, is_shown = opened[1], not opened[2].startswith("{")
            elif opened[1] >= fence and not opened[2]:
                fence = ""
        elif fence and is_shown:
            lines.append(line)
    return lines


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", *WRITTEN_PAGES], ids=lambda page: page.name)
def test_no_line_of_code_is_wider_than_a_page_shows(page: Path) -> None:
    assert [line for line in lines_of_code(page) if len(line) > WIDEST] == []


def test_every_page_that_clones_the_project_names_the_address_of_its_sources() -> None:
    source = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]
    for page in (DOCS.parent / "README.md", DOCS / "index.md", DOCS / "installation.md"):
        assert set(re.findall(r"git clone (\S+)", page.read_text("utf-8"))) == {source}, page


def test_the_version_switcher_knows_this_version() -> None:
    versions = json.loads((DOCS / "_static" / "switcher.json").read_text("utf-8"))
    assert [entry["version"] for entry in versions if entry.get("preferred")] == [chartok.__version__]


STABILITY = (DOCS / "stability.md").read_text("utf-8")


def test_the_modules_that_are_public_are_those_whose_functions_and_values_the_reference_describes() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in REFERENCE.glob("*.md"))
    described = re.findall(r"^\.\. (?:autofunction|py:data):: ([\w.]+)\.\w+$", pages, re.MULTILINE)
    declared = re.findall(r"^\.\. py:module:: ([\w.]+)$", pages, re.MULTILINE)
    (public,) = re.findall(r"## What is public\n(.*?)\n## ", STABILITY, re.DOTALL)
    assert set(re.findall(r"`((?:chartok|charlm)[a-z_.]*)`", public)) == {*described, *declared}


def test_the_versions_that_are_supported_are_those_that_are_asked_for() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    lowest = dict(line.split(">=") for line in project["dependencies"])
    python = project["requires-python"].removeprefix(">=")
    assert f"Python {python}, NumPy {lowest['numpy']} and PyTorch {lowest['torch']}, and later" in STABILITY


@pytest.mark.parametrize("public_class", PUBLIC_CLASSES)
def test_every_public_method_and_property_of_a_public_class_says_what_it_does(public_class: type) -> None:
    undocumented = [
        name
        for base in public_class.__mro__
        if base.__module__.partition(".")[0] in ("chartok", "charlm")
        for name, member in vars(base).items()
        if not name.startswith("_")
        and (inspect.isroutine(member) or isinstance(member, property))
        and not inspect.getdoc(getattr(public_class, name))
    ]
    assert not undocumented
