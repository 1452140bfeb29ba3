"""No source can run code from a file, and SECURITY.md names what there is."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import charlm
import chartok

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "src").rglob("*.py"))
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


def test_vulnerabilities_are_reported_where_the_sources_are() -> None:
    source = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
    assert re.findall(r"<(https://.*?)>", SECURITY) == [f"{source}/security/advisories/new"]


def test_the_errors_of_invalid_files_are_public_and_of_one_kind() -> None:
    (guarantee,) = re.findall(r"\*\*An invalid file raises.*?(?=\n- \*\*)", SECURITY, re.DOTALL)
    names = set(re.findall(r"`(\w+Error)`", guarantee)) - {"ValueError", "OSError"}
    errors = {name: getattr(charlm, name, None) or getattr(chartok, name) for name in names}
    assert all(issubclass(error, ValueError) for error in errors.values())
    about_files = [charlm.CheckpointCorruptError, charlm.CheckpointVersionError, charlm.CheckpointMismatchError]
    about_files += [charlm.ArpaFileError, chartok.TokenFileError, chartok.VocabularyError]
    assert set(errors.values()) == {*about_files, chartok.SourceError, chartok.FileDecodeError}


def test_every_name_of_the_library_that_the_page_gives_is_there() -> None:
    names = set(re.findall(r"`((?:[A-Z]\w+\.)?[a-z_]+)`", SECURITY)) - {
        "eval",
        "exec",
        "torchrun",
        "checkpoints",
        "save",
    }
    for name in names:
        owner, _, attribute = name.rpartition(".")
        owners = (
            [getattr(charlm, owner, None) or getattr(chartok, owner)] if owner else [charlm, chartok, charlm.CharLM]
        )
        assert any(hasattr(one, attribute) for one in owners), name
