"""The functions of the library that open files for reading, found in its source, and those that are called."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

SOURCE = Path(__file__).parents[2] / "src"
OPENERS = {"open_file", "open_descriptor", "open_source", "read_json", "read_tensor_file", "read_bytes", "OpenedFile"}
LOADERS = re.compile("load|load_(?!state_dict)[a-z_]+|resume|decompress")
"""The names of functions that take what such a file has, also where somebody else has opened it."""
OF_NOBODY_ELSE = {
    "charlm.models.adaptive.compiled": "its own source",
    "charlm.runtime.processors._content": "what the system says of itself",
    "charlm.classification.model_folder._is": "what it has just written, where writing has failed",
    "chartok.lazy.lazy_names.load": "its own modules",
}
"""Functions that read what nobody else could have written, and what that is."""


def opening_functions() -> set[str]:
    """Returns the names of the functions that open files or load what is in them, with their modules."""
    return {name for path in SOURCE.rglob("*.py") for name in _in_module(path)} - OF_NOBODY_ELSE.keys()


def _in_module(path: Path) -> Iterator[str]:
    module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)

    def visit(node: ast.AST, name: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.FunctionDef() if LOADERS.fullmatch(child.name):
                    yield f"{name}.{child.name}"
                case ast.Call() if _opens(child):
                    yield name
            inside = f"{name}.{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else name
            yield from visit(child, inside)

    return visit(ast.parse(path.read_text(encoding="utf-8")), module)


def _opens(call: ast.Call) -> bool:
    match call:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in OPENERS:
            return True
        case ast.Call(func=ast.Attribute(attr="open")):
            return any(isinstance(argument, ast.Constant) and argument.value == "rb" for argument in call.args)
    return False


def called(work: Callable[[], object]) -> set[str]:
    """Does work, and returns the names of the functions of the library that it calls, with their modules."""
    codes = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return {
        f"{'.'.join(Path(code.co_filename).relative_to(SOURCE).with_suffix('').parts)}."
        f"{code.co_qualname.replace('.<locals>', '')}"
        for code in codes
        if code.co_filename.startswith(f"{SOURCE}/")
    }
