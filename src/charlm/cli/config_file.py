"""Command-line flags from a TOML file."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.cli.arguments import arguments_of
from charlm.cli.families import refusal, train_flags
from charlm.cli.mistakes import did_you_mean, is_flag, unmet_demand
from chartok.files.opening import open_file

if TYPE_CHECKING:
    from collections.abc import Collection

    from charlm.cli.arguments import Argument
    from charlm.cli.command import Command
    from charlm.recipes.presets import Family


LONGEST = 1 << 16
"""In bytes; thirty times as long as every flag there is; tomllib takes quadratic time for dotted keys."""
KINDS: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}
"""What a value is called; others are strings."""


class ConfigFileError(ValueError):
    """A configuration file contains something that is not a flag of the command; the message says what and where."""


def read_flags(
    path: Path, command: str, commands: dict[str, type[Command]], family: Family | None = None
) -> tuple[dict[str, list[str]], set[str]]:
    r"""Returns the flags that a TOML file sets for a command, each with the arguments one would type for it.

    And those among them that it sets for every command, which may be of no use to this one.

    ``name = value`` means ``--name value``; true and false mean ``--name`` and ``--no-name``; a list gives several
    values. A key at the top applies to every command that has such a flag, and for ``train`` to every family that does.
    A key in a table named after a command applies to that command only, and takes precedence.

    Args:
        path: The file.
        command: The command that is run.
        commands: The settings of each command, as a dataclass.
        family: The family of the model to train; None allows the flags of all families.

    Raises:
        OSError: The file cannot be read.
        ConfigFileError: It is not TOML, a key at the top is not a flag of any command, a key in the command's table is
            not a flag of that command and family, or is there twice, a value is not of the kind of its flag, or that of
            a key named after a command is not a table.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from charlm.cli.flags import COMMANDS
        >>> path = Path(tempfile.mkdtemp()) / "charlm.toml"
        >>> _ = path.write_text("device = 'cpu'\n[train]\nmax_steps = 9\n[generate]\nstop = ['a', 'b']")
        >>> flags, shared = read_flags(path, "train", COMMANDS)
        >>> flags, shared
        ({'--device': ['--device=cpu'], '--max-steps': ['--max-steps=9']}, {'--device'})
    """
    content = _content(path)
    tables = {key: value for key, value in content.items() if key in commands}
    for key, value in tables.items():
        if not isinstance(value, dict):
            raise ConfigFileError(f"{os.fspath(path)!a}: {key} must be a table of flags, [{key}], got {value!a}")
    name_of_file = f"{os.fspath(path)!a}:"
    arguments = arguments_of(commands[command] if family is None else train_flags(family))
    taken = {argument.name: argument for argument in arguments if not argument.is_positional}
    known = {name: {*flag_names(settings)} - {"config"} for name, settings in commands.items()}
    known_to_any = {name for names in known.values() for name in names}
    at_top = {key: value for key, value in content.items() if key not in tables}
    for key, value in at_top.items():
        if isinstance(value, dict) and key not in known_to_any:
            hint = did_you_mean(key, commands) or "; see charlm --help"
            raise ConfigFileError(f"{name_of_file} [{key}] is not named after a command{hint}")
    for_all = _by_name(at_top, known_to_any, name_of_file)
    for_one = _by_name(tables.get(command, {}), known[command], f"{name_of_file} [{command}]", command)
    if family is not None and (refused := next((name for name in for_one if name not in taken), None)):
        raise ConfigFileError(f"{name_of_file} {refusal(refused, family)}")
    named = {name: given for name, given in (for_all | for_one).items() if name in taken}
    flags = {taken[name].flag: _typed(taken[name], value, where) for name, (value, where) in named.items()}
    return flags, {taken[name].flag for name in named if name not in for_one}


def _content(path: Path) -> dict[str, Any]:
    """Returns what is in a TOML file."""
    with open_file(path) as file:
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise ConfigFileError(f"{os.fspath(path)!a} is longer than {LONGEST:,} bytes: it is not a file of flags")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except ValueError as error:
        raise ConfigFileError(f"{os.fspath(path)!a} is not TOML: {error}") from None
    except RecursionError:
        raise ConfigFileError(f"{os.fspath(path)!a} is nested too deeply") from None


def flag_names(settings: type[Command]) -> list[str]:
    """Returns the names of the flags of a command; positional arguments have none."""
    return [argument.name for argument in arguments_of(settings) if not argument.is_positional]


def _by_name(
    table: dict[str, Any], known: Collection[str], where: str, command: str | None = None
) -> dict[str, tuple[Any, str]]:
    """Returns the values in a table by the names of their settings, each with where it is and what it is called."""
    found = dict[str, tuple[Any, str]]()
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            of_what, help_of = ("any command", "charlm") if command is None else (command, f"charlm {command}")
            hint = did_you_mean(name, known) or f"; see {help_of} --help"
            raise ConfigFileError(f"{where} {key!a} is not a setting of {of_what}{hint}")
        if name in found:
            raise ConfigFileError(f"{where} {key} is there twice, with - and with _: remove one of them")
        found[name] = value, f"{where} {key}"
    return found


def _typed(argument: Argument, value: Any, where: str) -> list[str]:  # noqa: ANN401 - whatever TOML has
    """Returns what one would type for a value.

    Raises:
        ConfigFileError: It is not of the kind of the flag.
    """
    if isinstance(value, bool) and argument.kind is bool:
        return [argument.flag if value else argument.flag.replace("--", "--no-", 1)]
    values = value if isinstance(value, list) and argument.takes_several else [value]
    if argument.kind is bool or not all(type(entry) in (str, int, float) for entry in values):
        of_text = "a string or a list of strings" if argument.takes_several else "a string"
        kind = " or ".join(argument.choices) or KINDS.get(argument.kind, of_text)
        raise ConfigFileError(f"{where} must be {kind}, got {json.dumps(value, default=str)}")
    typed = [str(entry) for entry in values]
    for entry in typed:
        if demand := unmet_demand(argument, entry):
            raise ConfigFileError(f"{where} {demand}")
    if behind := next(filter(is_flag, typed[1:]), None):
        raise ConfigFileError(f"{where} may have a value that begins with - only as its first: move {behind!a}")
    return [f"{argument.flag}={typed[0]}", *typed[1:]] if typed else [argument.flag]  # the first may begin with a dash
