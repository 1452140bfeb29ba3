"""Makes a notebook of each page of the tutorial, and puts the link to it below the title: an extension of Sphinx.

The code of a page is in doctests, which the tests run, and which no converter at hand reads. Here each becomes a cell
with the output that the page shows.
"""

from __future__ import annotations

import ast
import base64
import doctest
import mimetypes
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import v4

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

HERE = Path(__file__).parents[1]
FOLDER = "tutorial"
MADE = HERE / "_build" / "notebooks" / FOLDER
PARSER = doctest.DocTestParser()

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
COLON_FENCE = re.compile(r"^:{3,}(?:\{[\w-]+\} ?([^\n]*))?$\n?", re.MULTILINE)
ROLE = re.compile(r"\{([\w:]+)\}`([^`]+)`")
LINK = re.compile(r"\]\((?!https?:|#|attachment:)([^)#]+)(#[^)]*)?\)")
TOP_MATTER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)
"""What stands above the title: the words by which a page is found."""
OPTION = re.compile(r"^:([\w-]+): ?(.*)$", re.MULTILINE)


def notebook_of(page: Path) -> Any:  # noqa: ANN401 - nbformat has no types
    """Returns a page in MyST Markdown as a notebook.

    Raises:
        ValueError: The page has a directive that no notebook can show.
    """
    return notebook_of_text(page.read_text("utf-8"), page)


def notebook_of_text(text: str, page: Path) -> Any:  # noqa: ANN401 - as above
    """Returns the text of a page as a notebook; ``page`` is what its links start from.

    Raises:
        ValueError: As for ``notebook_of``.
    """
    text = TOP_MATTER.sub("", text)
    cells, begin, prose = [], 0, ""
    pictures: dict[str, Any] = {}

    def tell(prose: str) -> None:
        if prose.strip():
            cells.append(v4.new_markdown_cell(prose.strip(), **({"attachments": dict(pictures)} if pictures else {})))
            pictures.clear()

    for fence in FENCE.finditer(text):
        language, content = fence.groups()
        prose += _prose(text[begin : fence.start()], page)
        begin = fence.end()
        if language == "pycon":
            tell(prose)
            cells += _code_cells(content)
            prose = ""
        else:
            prose += _block(language, content, page, pictures)
    tell(prose + _prose(text[begin:], page))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _code_cells(doctests: str) -> Iterator[Any]:
    """Yields a cell for each output of a block, with the code up to it."""
    code = ""
    for example in PARSER.get_examples(doctests):
        code += example.source
        if example.want:
            yield _code_cell(code, example)
            code = ""
    if code:
        yield v4.new_code_cell(code.rstrip())


def _code_cell(code: str, example: doctest.Example) -> Any:  # noqa: ANN401 - as above
    want = example.want.replace("<BLANKLINE>", "").rstrip("\n")
    cell = v4.new_code_cell(code.rstrip(), execution_count=None)
    if example.exc_msg is not None:
        name, _, value = example.exc_msg.strip().partition(": ")
        cell.outputs = [v4.new_output("error", ename=name, evalue=value, traceback=want.split("\n"))]
        cell.metadata["tags"] = ["raises-exception"]  # going on after it is what is wanted
    elif _is_value(example.source):
        cell.outputs = [v4.new_output("execute_result", data={"text/plain": want}, execution_count=None)]
    else:
        cell.outputs = [v4.new_output("stream", name="stdout", text=f"{want}\n")]
    return cell


def _is_value(source: str) -> bool:
    """Returns whether what code shows is the value of an expression, and not what it prints."""
    last = ast.parse(source).body[-1]
    return isinstance(last, ast.Expr) and not ast.unparse(last).startswith("print(")


def _prose(text: str, page: Path) -> str:
    """Returns Markdown without what Sphinx alone understands."""
    text = COLON_FENCE.sub(lambda fence: f"**{fence[1]}**\n" if fence[1] else "", text)
    return LINK.sub(lambda link: f"]({_address(page, link[1])}{link[2] or ''})", ROLE.sub(_shown_role, text))


def _shown_role(role: re.Match[str]) -> str:
    name, content = role.groups()
    if name == "math":
        return f"${content}$"
    if name.startswith("py:"):
        return f"`{content.rpartition('.')[2] if content.startswith('~') else content}`"
    return re.split(r"\s<", content)[0]


def _block(language: str, content: str, page: Path, pictures: dict[str, Any]) -> str:
    """Returns a fenced block that is no code to run; adds the pictures that it shows."""
    directive = re.match(r"\{([\w-]+)\} ?(.*)", language)
    if directive is None:
        return f"```{language}\n{content}```\n"
    name, argument = directive.groups()
    body = OPTION.sub("", content).strip()
    if name == "toctree":
        return ""
    if name == "math":
        return f"$$\n{body}\n$$\n"
    if name == "code-block":
        return f"```{argument}\n{body}\n```\n"
    if name in {"figure", "image"}:
        picture = page.parent / argument
        alternative = dict(OPTION.findall(content)).get("alt", "")
        kind = mimetypes.guess_type(picture.name)[0] or "application/octet-stream"
        pictures[picture.name] = {kind: base64.b64encode(picture.read_bytes()).decode()}
        return f"![{alternative}](attachment:{picture.name})\n\n{_prose(body, page)}\n"
    raise ValueError(f"{page.name}: {HERE.name}/{Path(__file__).name} cannot show the directive {name} in a notebook")


def _address(page: Path, target: str) -> str:
    """Returns the address of what a page links to: a notebook is read far from the other pages."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    path = (page.parent / target).resolve().relative_to(HERE)
    return f"{project['urls']['Documentation']}/{path.as_posix()}"


def make_notebooks(_app: Sphinx) -> None:
    """Makes all notebooks."""
    MADE.mkdir(parents=True, exist_ok=True)
    for page in sorted((HERE / FOLDER).glob("*.md")):
        nbformat.write(notebook_of(page), MADE / f"{page.stem}.ipynb")


def link_notebook(_app: Sphinx, name: str, source: list[str]) -> None:
    """Puts the link to the notebook below the title of a page."""
    folder, _, stem = name.rpartition("/")
    if folder == FOLDER:
        top = "".join(TOP_MATTER.findall(source[0]))
        title, rest = source[0].removeprefix(top).split("\n", 1)
        link = f"{{download}}`This page as a notebook </_build/notebooks/{FOLDER}/{stem}.ipynb>`"
        source[0] = f"{top}{title}\n\n{link}\n{rest}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the two."""
    app.connect("builder-inited", make_notebooks)
    app.connect("source-read", link_notebook)
    return {"parallel_read_safe": True}
