import sys
from types import ModuleType

import pytest

from chartok.lazy import lazy_names


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    outer, inner = ModuleType("outer"), ModuleType("outer.inner")
    inner.answer = [42]  # type: ignore[attr-defined]  # a module made for the test
    monkeypatch.setitem(sys.modules, "outer", outer)
    monkeypatch.setitem(sys.modules, "outer.inner", inner)
    outer.__getattr__, names = lazy_names("outer", {"answer": "inner", "broken": "missing"})  # type: ignore[method-assign]
    outer.__dir__ = names  # type: ignore[method-assign]
    return outer


def test_a_name_is_found_once_and_then_is_the_packages_own(package: ModuleType) -> None:
    assert "answer" not in vars(package)
    assert package.answer is sys.modules["outer.inner"].answer
    assert vars(package)["answer"] is package.answer


def test_names_are_listed_before_they_are_loaded(package: ModuleType) -> None:
    assert {"answer", "broken", "__name__"} <= set(dir(package))
    assert "answer" not in vars(package)


def test_a_name_that_is_not_there_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=r"^module 'outer' has no attribute 'question'$"):
        package.question  # noqa: B018 - the promise under test
    assert not hasattr(package, "question")


def test_a_module_that_cannot_be_imported_says_so_itself(package: ModuleType) -> None:
    with pytest.raises(ImportError, match=r"outer"):
        package.broken  # noqa: B018 - the promise under test
