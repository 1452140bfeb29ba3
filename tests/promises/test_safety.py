import ast
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "src").rglob("*.py"))
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "torch.save", "np.load", "numpy.load"}


def forbidden(source: str) -> list[str]:
    """Returns what a program could run code from a file with: imports of pickle and its like, and such calls."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                modules = [module, *(f"{module}.{alias.name}" for alias in names)]
                found += [name for name in modules if name in FORBIDDEN_CALLS]
            case ast.Call(func=ast.Name() | ast.Attribute() as function):
                modules = []
                found += [name for name in [ast.unparse(function)] if name in FORBIDDEN_CALLS]
            case _:
                continue
        found += [module for module in modules if module.partition(".")[0] in FORBIDDEN_MODULES]
    return found


PICKLES = Path("charlm/files/foreign/torch_file.py")
"""The one exception: checkpoints of other programs are pickles, which ``torch.load`` reads without running them."""


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if not path.match(str(PICKLES))],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_no_source_can_run_code_from_a_file(path: Path) -> None:
    assert forbidden(path.read_text(encoding="utf-8")) == []


def test_the_one_exception_loads_weights_only() -> None:
    (path,) = (path for path in SOURCES if path.match(str(PICKLES)))
    source = path.read_text(encoding="utf-8")
    assert sorted(forbidden(source)) == ["torch.load", "torch.save"]
    (call,) = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    )
    assert {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}["weights_only"] == "True"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, pickle as p",
        "from pickle import loads",
        "def f():\n    import dill",
        "torch.load(path)",
        "from torch import load\nload(path)",
        "eval(text)",
        "[exec(line) for line in lines]",
        "import joblib.numpy_pickle",
    ],
)
def test_the_search_finds_what_it_is_for(source: str) -> None:
    assert forbidden(source)
