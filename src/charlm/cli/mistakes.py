"""What is wrong with a command line, said in the terms of whoever typed it."""

from __future__ import annotations

import difflib
import os
import re
from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from charlm.cli.arguments import Argument

NUMBER = re.compile(r"-?[.\d]")
STANDARD_OUTPUT = "-"
KINDS: dict[type, str] = {int: "a whole number", float: "a number"}


class UsageError(Exception):
    """The command line is invalid; the message is one line that says why."""


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """Returns the question for the nearest of some names, or nothing if none is near.

    Example:
        >>> did_you_mean("trian", ["train", "report"])
        ': did you mean train?'
    """
    near = difflib.get_close_matches(typed, list(known), n=1)
    return f": did you mean {near[0]}?" if near else ""


def first_mistake(command: str, typed: list[str], known: tuple[Argument, ...]) -> str | None:
    """Returns the first thing that is wrong with a command line, or None if that cannot be told.

    Args:
        command: The name of the command.
        typed: What was typed after it.
        known: What it takes.
    """
    return next(_mistakes(command, typed, known), None)


def path_mistake(typed: list[str], known: tuple[Argument, ...], *, out_is: str) -> str | None:
    """Returns what is wrong with the name of a file or a folder, of which ``Path`` would make another one, or None.

    Args:
        typed: What was typed after the command.
        known: What it takes.
        out_is: What ``--out`` names: ``file``, ``folder``, or ``stream`` for a file or standard output.
    """
    for argument, value in _values(typed, known):
        if argument.is_file and not value:
            return f"{argument.shown} is empty: give the name of a file or a folder"
        if argument.name == "out" and value == STANDARD_OUTPUT and out_is != "stream":
            return f"--out - would write a {out_is} called -: give it another name, or ./- if that is meant"
        if argument.name == "out" and value.endswith(("/", os.sep)) and out_is != "folder":
            return f"--out must name a file, got the folder {value!a}: add the name of a file to it"
    return None


def _values(typed: list[str], known: tuple[Argument, ...]) -> Iterator[tuple[Argument, str]]:
    """Yields each value that was typed, and what it is for."""
    positional = [argument for argument in known if argument.is_positional]
    for written, argument, values, _ in _given(typed, known):
        if argument is not None:
            yield from zip(repeat(argument), values, strict=False)
        elif not written:
            yield from zip([*positional, *positional[-1:] * len(values)], values, strict=False)


def _given(typed: list[str], known: tuple[Argument, ...]) -> Iterator[tuple[str, Argument | None, list[str], str]]:
    """Yields each flag as it is written, what it is, its values, and its ``=``; last, as flag "", what has none."""
    flags = {argument.flag: argument for argument in known if not argument.is_positional}
    positional = list[str]()
    place = 0
    while place < len(typed):
        written, equals, value = typed[place].partition("=")
        place += 1
        if not is_flag(written):
            positional.append(typed[place - 1])
            continue
        argument = flags.get(_long(written))
        values = [value] if equals else []
        if argument is not None and argument.takes_value:
            while place < len(typed) and not is_flag(typed[place]) and (argument.takes_several or not values):
                values.append(typed[place])
                place += 1
        yield written, argument, values, equals
    yield "", None, positional, ""


def _mistakes(command: str, typed: list[str], known: tuple[Argument, ...]) -> Iterator[str]:
    flags = [argument for argument in known if not argument.is_positional]
    given = set[str]()
    for written, argument, values, equals in _given(typed, known):
        if argument is not None:
            given.add(argument.flag)
            yield from _of_values(argument, values, equals)
        elif written:
            near = did_you_mean(_long(written), [*(flag.flag for flag in flags), "--help"])
            yield f"{command} has no flag {written}{near}"
        else:
            yield from _of_positional(command, values, [argument for argument in known if argument.is_positional])
    for argument in flags:
        if argument.is_required and argument.flag not in given:
            yield missing(command, argument)


def is_flag(typed: str) -> bool:
    """Returns whether what was typed is a flag, and not a value."""
    return typed.startswith("-") and typed != "-" and not NUMBER.match(typed)


def _long(written: str) -> str:
    """Returns a flag with hyphens, and without the ``no-`` of a switch that is turned off."""
    return written.replace("_", "-").replace("--no-", "--", 1)


def _of_values(argument: Argument, values: list[str], equals: str) -> Iterator[str]:
    """Yields what is wrong with the values of a flag."""
    if not argument.takes_value:
        if equals:
            yield f"{argument.flag} takes no value: leave {equals}{values[0]} out"
        return
    if not values and not argument.takes_several:
        yield f"{argument.flag} needs a value: {_kind(argument)}"
    for value in values:
        yield from _of_value(argument, value)


def _of_value(argument: Argument, value: str) -> Iterator[str]:
    """Yields what is wrong with a value, if anything is."""
    if demand := unmet_demand(argument, value):
        yield f"{argument.shown} {demand}"


def unmet_demand(argument: Argument, value: str) -> str | None:
    """Returns what a value must be that it is not, as the end of a sentence about the argument; None if it is fine."""
    if argument.is_optional and value.lower() == "none":
        return None
    if argument.choices and value not in argument.choices:
        known = ", ".join(argument.choices)
        return f"must be one of {known}, got {value!a}{did_you_mean(value, argument.choices)}"
    if argument.kind in KINDS:
        try:
            argument.kind(value)
        except ValueError:
            return f"must be {_kind(argument)}, got {value!a}"
    return None


def _kind(argument: Argument) -> str:
    """Returns what a value of an argument is."""
    if argument.choices:
        return " or ".join(argument.choices)
    return KINDS.get(argument.kind, argument.metavar)


def _of_positional(command: str, typed: list[str], known: list[Argument]) -> Iterator[str]:
    """Yields what is missing from the arguments without a flag, or what is one too many."""
    for place, argument in enumerate(known):
        if argument.is_required and place >= len(typed):
            yield missing(command, argument)
        elif not argument.takes_several and place < len(typed):
            yield from _of_value(argument, typed[place])
    if not any(argument.takes_several for argument in known) and len(typed) > len(known):
        extra = typed[len(known)]
        taken = " and ".join(argument.metavar for argument in known) or "no argument"
        yield f"{command} takes {taken}, and {extra!a} is one too many"


def missing(command: str, argument: Argument) -> str:
    """Returns the message for a required argument that is missing."""
    about = re.split(r"[;.](?: |$)", argument.about)[0]
    return f"{command} needs {argument.shown}: {about[:1].lower()}{about[1:]}"
