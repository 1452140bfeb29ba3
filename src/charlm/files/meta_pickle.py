"""The vocabulary of nanoGPT, ``meta.pkl``: a pickle, of which nothing is run.

``pickletools`` reads the instructions of a pickle without following them. The few that build dictionaries of strings
and integers are followed here; a pickle with any other is refused before its argument is read.
"""

from __future__ import annotations

import io
import os
import pickletools
from typing import TYPE_CHECKING, Any

from chartok import Vocabulary, VocabularyError
from chartok.files.opening import open_file
from chartok.files.suspicion import is_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST_FILE = 1 << 26
"""In bytes; that of all code points is a third of it."""
CONSTANTS = {"BININT", "BININT1", "BININT2", "BINUNICODE", "SHORT_BINUNICODE"}
"""Instructions that put their argument on the stack."""
INSTRUCTIONS = {instruction.code.encode("latin-1"): instruction for instruction in pickletools.opcodes}
"""By the byte that stands for each."""
MARK = object()
"""Stands for the opening bracket of what follows it on the stack."""


def is_pickle(path: str | os.PathLike[str]) -> bool:
    """Returns whether a file begins as a pickle does since protocol 2."""
    with open_file(path) as file:
        start = file.read(10)
    return start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and not is_safetensors(start)


def read_meta_pickle(path: str | os.PathLike[str]) -> Vocabulary:
    """Returns the vocabulary in a ``meta.pkl`` of nanoGPT: that of ``itos``, which maps each id to a character.

    Raises:
        OSError: It cannot be read.
        VocabularyError: It is no such file, or contains anything but dictionaries, strings and integers.
    """
    with open_file(path) as file:
        data = file.read(LARGEST_FILE)  # a longer one is cut, and then damaged
    try:
        return Vocabulary(_characters(_content(data)))
    except (ValueError, TypeError) as error:
        raise VocabularyError(
            f"{os.fspath(path)!a} is not a meta.pkl of characters as nanoGPT writes it: {error}"
        ) from None


def _characters(content: Any) -> list[str]:  # noqa: ANN401 - whatever is in the file
    """Returns the characters by id."""
    by_id = content.get("itos") if isinstance(content, dict) else None
    if not isinstance(by_id, dict) or set(by_id) != set(range(len(by_id))):
        raise ValueError("it has no itos that maps each id from 0 to a character")
    return [by_id[token_id] for token_id in range(len(by_id))]


def _content(data: bytes) -> Any:  # noqa: ANN401 - dictionaries, strings and integers
    """Returns what a pickle of dictionaries, strings and integers describes.

    Raises:
        ValueError: It is damaged, or has another instruction.
    """
    stack: list[Any] = []
    memo: dict[Any, Any] = {}
    try:
        for name, argument in _instructions(data):
            if name in CONSTANTS:
                stack.append(argument)
            else:
                ACTIONS[name](stack, memo, argument)
        (content,) = stack
    except (IndexError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"it is damaged: {error}") from None
    return content


def _instructions(data: bytes) -> Iterator[tuple[str, Any]]:
    """Yields the names of the instructions of a pickle, up to the one that ends it, and their arguments.

    Raises:
        ValueError: One is unknown or not followed, has no argument, or none ends the pickle.
    """
    file = io.BytesIO(data)
    name = ""
    while name != "STOP":
        code = file.read(1)
        if not code:
            raise ValueError("it is damaged: it has no end")
        instruction = INSTRUCTIONS.get(code)
        name = f"{code!r}" if instruction is None else instruction.name
        if instruction is None or (name not in CONSTANTS and name not in ACTIONS):
            raise ValueError(f"it has the instruction {name}, which is not run")
        yield name, None if instruction.arg is None else instruction.arg.reader(file)


def _set_items(stack: list[Any], _: dict[Any, Any], __: object) -> None:
    """Takes keys and values down to the last mark off the stack, and puts them into the dictionary below it."""
    above = []
    while (top := stack.pop()) is not MARK:
        above.append(top)
    keys, values = above[1::2][::-1], above[::2][::-1]
    stack[-1].update(zip(keys, values, strict=True))


def _set_item(stack: list[Any], _: dict[Any, Any], __: object) -> None:
    value, key = stack.pop(), stack.pop()
    stack[-1].update({key: value})


ACTIONS: dict[str, Callable[[list[Any], dict[Any, Any], Any], object]] = {
    "PROTO": lambda _, __, ___: None,
    "FRAME": lambda _, __, ___: None,
    "STOP": lambda _, __, ___: None,
    "EMPTY_DICT": lambda stack, _, __: stack.append({}),
    "MARK": lambda stack, _, __: stack.append(MARK),
    "SETITEMS": _set_items,
    "SETITEM": _set_item,
    "MEMOIZE": lambda stack, memo, _: memo.update({len(memo): stack[-1]}),
    "BINPUT": lambda stack, memo, number: memo.update({number: stack[-1]}),
    "LONG_BINPUT": lambda stack, memo, number: memo.update({number: stack[-1]}),
    "BINGET": lambda stack, memo, number: stack.append(memo[number]),
    "LONG_BINGET": lambda stack, memo, number: stack.append(memo[number]),
}
"""What the other instructions do to the stack and the memo."""
