"""From what is typed to the settings of a command; tyro parses, and what it refuses is explained here."""

from __future__ import annotations

import contextlib
import io
import re
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

import tyro

from charlm.cli.arguments import Argument, arguments_of
from charlm.cli.families import as_flag, refusal, train_flags
from charlm.cli.flags import COMMANDS
from charlm.cli.mistakes import UsageError, did_you_mean, first_mistake, missing, path_mistake
from charlm.cli.scoring_flags import Correct, Score
from charlm.cli.values import unescaped
from charlm.recipes.presets import TAKES, Family
from chartok.files.sources import STANDARD_INPUT

if TYPE_CHECKING:
    from charlm.cli.command import Command

HELP = ("-h", "--help")
EVERYTHING = ("--help-all", "--help_all")
VERSION = ("-V", "--version")


def settings_class(arguments: list[str]) -> type[Command]:
    """Returns the settings of the command that is typed first; those of ``train`` for the family that is asked for.

    Raises:
        UsageError: There is no such command or family; the message suggests the nearest one.
    """
    name = arguments[0]
    if name not in COMMANDS:
        hint = did_you_mean(name, [*COMMANDS, "help"]) or "; see charlm --help"
        what = "a command comes first, got" if name.startswith("-") else "there is no command"
        raise UsageError(f"{what} {name!a}{hint}")
    return train_flags(family_in(arguments)) if name == "train" else COMMANDS[name]


def parsed(arguments: list[str]) -> Any:  # noqa: ANN401 - one of the commands
    """Returns the settings of the command that was typed.

    Raises:
        UsageError: Its flags are invalid.
    """
    settings_type, name = settings_class(arguments), arguments[0]
    known = arguments_of(settings_type)
    typed = _as_tyro_takes_them(arguments[1:], known)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            settings = tyro.cli(settings_type, prog=f"charlm {name}", args=typed, add_help=False)
    except SystemExit:
        _check_family(arguments, known)
        mistake = first_mistake(name, typed, known) or _gist(said.getvalue())
        raise UsageError(mistake if mistake.endswith("?") else f"{mistake}; see charlm {name} --help") from None
    if misnamed := path_mistake(typed, known, out_is=_out_of(name, settings)):
        raise UsageError(f"{misnamed}; see charlm {name} --help")
    _check_sources(settings, name)
    _check_escapes(settings, name)
    return settings


def with_long_flags(arguments: list[str]) -> list[str]:
    """Returns the arguments with each short flag that the command has written out.

    Example:
        >>> with_long_flags(["generate", "run", "-n", "3"])
        ['generate', 'run', '--n-samples', '3']
    """
    if not arguments or arguments[0] not in COMMANDS:
        return arguments
    long = {argument.short: argument.flag for argument in arguments_of(COMMANDS[arguments[0]]) if argument.short}
    parts = ([argument.partition("=")] for argument in arguments)
    return [f"{long.get(flag, flag)}{equals}{value}" for ((flag, equals, value),) in parts]


def _as_tyro_takes_them(typed: list[str], known: tuple[Argument, ...]) -> list[str]:
    """Returns arguments in which ``none`` is ``None`` where that can be typed, in any case."""
    optional = {argument.flag for argument in known if argument.is_optional}
    shown = list[str]()
    for before, argument in pairwise(["", *typed]):
        flag, equals, value = argument.partition("=")
        if before.replace("_", "-") in optional and argument.lower() == "none":
            shown.append("None")
        elif equals and flag.replace("_", "-") in optional and value.lower() == "none":
            shown.append(f"{flag}=None")
        else:
            shown.append(argument)
    return shown


def _out_of(name: str, settings: Any) -> str:  # noqa: ANN401 - one of the commands
    """Returns what ``--out`` of a command names: a ``file``, a ``folder``, or a ``stream``."""
    if name in ("compress", "decompress"):
        return "stream"
    is_folder = name in ("train", "update") or (name == "export" and settings.format == "gpt2")
    return "folder" if is_folder else "file"


def _check_family(arguments: list[str], known: tuple[Argument, ...]) -> None:
    """Checks that no flag of ``train`` is one of another family.

    Raises:
        UsageError: One is.
    """
    taken = {argument.flag for argument in known}
    of_any_family = {argument.flag: argument.name for argument in arguments_of(COMMANDS[arguments[0]])}
    for argument in arguments[1:]:
        flag = argument.partition("=")[0].replace("_", "-").replace("--no-", "--", 1)
        if flag in of_any_family and flag not in taken:
            raise UsageError(refusal(of_any_family[flag], family_in(arguments)))


def _check_sources(settings: Any, name: str) -> None:  # noqa: ANN401 - one of the commands
    """Checks that a command that reads text was given any, and standard input at most once.

    Raises:
        UsageError: It was not.
    """
    given = [
        getattr(settings, own, ())
        for own in ("sources", "texts", "validation", "held_out", "prompts", "exclude", "text")
    ]
    if sum(sources.count(STANDARD_INPUT) for sources in given) > 1:
        raise UsageError("standard input, -, can be read only once: give it once")
    for argument in arguments_of(type(settings)):
        is_needed = argument.is_required or argument.name == "held_out"
        if is_needed and getattr(settings, argument.name) == () and not isinstance(settings, Score | Correct):
            raise UsageError(f"{missing(name, argument)}; see charlm {name} --help")


def _check_escapes(settings: Any, name: str) -> None:  # noqa: ANN401 - one of the commands
    """Checks the escapes in how to read text, which are replaced later.

    Raises:
        UsageError: One is unknown.
    """
    for own in ("delimiter", "separator"):
        try:
            unescaped(getattr(getattr(settings, "reading", None), own, ""))
        except ValueError as error:
            raise UsageError(f"{as_flag(own)}: {error}; see charlm {name} --help") from None


def family_in(arguments: list[str]) -> Family:
    """Returns the requested family, the last one if there are several, or that of the run to resume or to start from.

    Raises:
        UsageError: There is no such family; the message suggests the nearest one.
    """
    parts = [part for argument in arguments for part in argument.split("=", 1)]
    families: list[Any] = [value for flag, value in pairwise(parts) if flag == "--model"]
    outs = [value for flag, value in pairwise(parts) if flag == "--out"]
    if not families and "--resume" in parts and outs:
        from charlm.recipes.starting import family_of_run  # noqa: PLC0415 - other commands start without it

        resumed = family_of_run(outs[-1])
        if resumed is not None and resumed in TAKES:
            return resumed
    starts = [value for flag, value in pairwise(parts) if flag.replace("_", "-") == "--init-from"]
    if not families and starts:
        from charlm.recipes.starting import family_of_start  # noqa: PLC0415 - other commands start without it

        return family_of_start(starts[-1])
    if not families:
        return "ngram"
    if families[-1] not in TAKES:
        raise UsageError(
            f"--model must be one of {', '.join(TAKES)}, got {families[-1]!a}{did_you_mean(families[-1], TAKES)}"
        )
    family: Family = families[-1]
    return family


def _is_rule(row: str) -> bool:
    return bool(row) and {*row} <= {"─", "-"}


def _gist(box: str) -> str:
    """Returns the error message of one of tyro's boxes, the text between its title and the next rule, as one line."""
    rows = [row.strip("│╭╮╰╯ ") for row in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()]
    below = rows[2:] if len(rows) > 1 and _is_rule(rows[1]) else rows[1:]  # of plain characters, the title is above one
    gist = " ".join(takewhile(lambda row: not _is_rule(row), below))
    noise = r"^Error parsing [a-z]\w*: | \(applied to [^)]*\)|Arguments are applied to .*"
    told = " ".join(re.sub(noise, "", " ".join(gist.split())).split()).rstrip(".")
    return re.sub(r"^Error parsing (--[\w-]+): ", r"\1: ", told)
