import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import charlm
import chartok

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
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
