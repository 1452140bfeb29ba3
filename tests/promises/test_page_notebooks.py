"""Each page of the tutorial is a notebook, too, with the code of the page and the outputs that its doctests check."""

import ast
import doctest
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from run_notebook import executed

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted((DOCS / "tutorial").glob("*.md"))
CHECKER = doctest.OutputChecker()
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("page_notebooks", DOCS / "extensions" / "page_notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["page_notebooks"] = module
    spec.loader.exec_module(module)
    return module


def text_of(cell: Any) -> str:
    """Returns what a cell shows as text; of an error its last line."""
    return "".join(
        output.get("text") or output.get("data", {}).get("text/plain") or f"{output.ename}: {output.evalue}"
        for output in cell.outputs
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_notebook_has_the_code_and_the_outputs_of_its_page_in_order(maker: ModuleType, page: Path) -> None:
    notebook = maker.notebook_of(page)
    nbformat.validate(notebook)
    examples = doctest.DocTestParser().get_examples(page.read_text("utf-8"))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "\n".join(cell.source for cell in cells) == "".join(example.source for example in examples).rstrip()
    assert all(ast.parse(cell.source).body for cell in cells)
    wanted = [example for example in examples if example.want]
    assert [bool(cell.outputs) for cell in cells].count(True) == len(wanted)
    shown = [text_of(cell) for cell in cells if cell.outputs]
    for example, text in zip(wanted, shown, strict=True):
        assert text.strip().endswith((example.exc_msg or example.want).replace("<BLANKLINE>", "").strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_prose_of_a_notebook_is_that_of_the_page_without_what_only_sphinx_reads(
    maker: ModuleType, page: Path
) -> None:
    cells = [cell for cell in maker.notebook_of(page).cells if cell.cell_type == "markdown"]
    assert cells[0].source.startswith("# ")
    for cell in cells:
        assert not re.search(r"\{[\w:]+\}`|^:::|^```\{", cell.source, re.MULTILINE)
        for target in re.findall(r"\]\(([^)]*)\)", cell.source):
            kind, _, name = target.partition(":")
            assert kind in ("http", "https", "attachment")
            assert kind != "attachment" or name in cell.attachments


def test_links_pictures_formulas_and_roles_become_what_a_notebook_shows(maker: ModuleType) -> None:
    page = DOCS / "tutorial" / "made_up.md"
    text = (
        "See {term}`windows\n<window>`, {py:class}`~charlm.GPT`, {math}`x^2` and [more](../gpt.md#layers).\n\n"
        ":::{dropdown} Answer\nYes.\n:::\n\n```{math}\n:label: one\ny = 2\n```\n\n"
        "```{figure} ../images/windows.svg\n:alt: Windows\nA caption.\n```\n\n```console\n$ charlm\n```\n"
        "```pycon\n>>> 1 / 0\nTraceback (most recent call last):\nZeroDivisionError: division by zero\n```\n"
    )
    prose, code = maker.notebook_of_text(text, page).cells
    assert prose.source == (
        "See windows, `GPT`, $x^2$ and [more](https://github.com/chartok/chartok/tree/main/docs/gpt.md#layers).\n\n"
        "**Answer**\nYes.\n\n$$\ny = 2\n$$\n\n![Windows](attachment:windows.svg)\n\nA caption.\n\n"
        "```console\n$ charlm\n```"
    )
    assert list(prose.attachments["windows.svg"]) == ["image/svg+xml"]
    assert code.metadata["tags"] == ["raises-exception"]
    assert code.outputs[0].ename == "ZeroDivisionError"


def test_a_directive_that_no_notebook_shows_is_an_error_that_names_it(maker: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"made_up\.md: .*cannot show the directive mermaid"):
        maker.notebook_of_text("```{mermaid}\ngraph\n```\n", DOCS / "tutorial" / "made_up.md")


@pytest.mark.filterwarnings("ignore:Proactor event loop")  # on Windows zmq adds a thread
def test_a_notebook_runs_in_a_kernel_and_shows_what_the_page_does(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    page = DOCS / "tutorial" / "characters.md"
    wanted = [cell for cell in maker.notebook_of(page).cells if cell.cell_type == "code"]
    cells = [cell for cell in executed(maker.notebook_of(page)).cells if cell.cell_type == "code"]
    for cell, want in zip(cells, wanted, strict=True):
        expected = re.sub(r"^chartok\.errors\.", "", text_of(want))  # IPython leaves out the module of an error
        assert CHECKER.check_output(f"{expected.rstrip()}\n", f"{text_of(cell).rstrip()}\n", FLAGS)
