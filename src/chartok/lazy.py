"""Lazy package exports: each name's module is loaded when the name is first used."""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False  # importing typing for it would take longer than everything else
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(package: str, module_of: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Returns ``__getattr__`` and ``__dir__`` for the ``__init__`` of a package.

    Args:
        package: Its ``__name__``.
        module_of: The module of each name, relative to the package.

    Example:
        >>> load, _ = lazy_names("chartok", {"TokenIdError": "errors"})
        >>> load("TokenIdError")
        <class 'chartok.errors.TokenIdError'>
        >>> load("Nothing")
        Traceback (most recent call last):
            ...
        AttributeError: module 'chartok' has no attribute 'Nothing'
    """
    namespace = vars(sys.modules[package])

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)
        namespace[name] = value  # later uses bypass __getattr__
        return value

    def names() -> list[str]:
        return sorted({*namespace, *module_of})

    return load, names
