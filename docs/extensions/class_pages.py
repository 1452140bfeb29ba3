"""Gives each class a page of its own: the pages of the reference name it where they would describe it.

The sources of the reference have an ``autoclass`` directive for each class, among the functions and errors that belong
with it. This extension moves each into a file in ``reference/classes``, which git ignores, and leaves a link with the
first sentence of its docstring.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

PAGES = ("reference/chartok", "reference/charlm", "reference/sklearn")
"""The pages whose classes get pages."""
FOLDER = "reference/classes"
DIRECTIVE = re.compile(r"^\.\. autoclass:: (?P<name>[\w.]+)\n(?:   :.*\n)*", re.MULTILINE)


def class_named(name: str) -> type:
    """Returns the class of a dotted name, which may be that of an export."""
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    if not inspect.isclass(found):
        raise TypeError(f"{name} is no class")
    return found


def moved_classes(source: str) -> dict[str, str]:
    """Returns the directive of each class of a page by its name; of a class with two names that of the first alone."""
    directives: dict[str, str] = {}
    seen: set[type] = set()
    for match in DIRECTIVE.finditer(source):
        name = match["name"]
        if class_named(name) not in seen:
            seen.add(class_named(name))
            directives[name] = match[0]
    return directives


def page_of(name: str, directive: str) -> str:
    """Returns the source of a class's page."""
    return f"# {name.rpartition('.')[-1]}\n\n```{{eval-rst}}\n.. py:currentmodule:: None\n\n{directive.rstrip()}\n```\n"


def first_sentence(name: str) -> str:
    """Returns how the docstring of a class begins."""
    paragraph = " ".join((inspect.getdoc(class_named(name)) or "").partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", paragraph, maxsplit=1)[0]


def write_pages(app: Sphinx, _config: Config) -> None:
    """Writes the pages that are not as they should be, and removes those of classes that are gone."""
    folder = Path(app.srcdir, FOLDER)
    folder.mkdir(exist_ok=True)
    wanted = {
        f"{name}.md": page_of(name, directive)
        for page in PAGES
        for name, directive in moved_classes(Path(app.srcdir, f"{page}.md").read_text("utf-8")).items()
    }
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    for file_name, content in wanted.items():
        path = folder / file_name
        if not path.exists() or path.read_text("utf-8") != content:
            path.write_text(content, encoding="utf-8")


def link_classes(_app: Sphinx, page: str, source: list[str]) -> None:
    """Puts links in the places of the classes of a page that has some."""
    if page not in PAGES:
        return
    moved = moved_classes(source[0])
    for name, directive in moved.items():
        source[0] = source[0].replace(directive, f"- :py:class:`~{name}`: {first_sentence(name)}\n", 1)
    names = "\n".join(f"classes/{name}" for name in moved)
    source[0] += f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the steps."""
    app.connect("config-inited", write_pages)
    app.connect("source-read", link_classes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
