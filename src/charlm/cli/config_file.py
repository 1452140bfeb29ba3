"""Command-line flags from a TOML file."""

from __future__ import annotations

import difflib
import os
import tomllib
from typing import TYPE_CHECKING, Any

from charlm.cli.arguments import arguments_of
from charlm.cli.families import as_flag, refusal, train_flags
from chartok.files.opening import open_file

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from charlm.cli.command import Command
    from charlm.recipes.presets import Family


LONGEST = 1 << 16
"""In bytes; thirty times as long as every flag there is; tomllib takes quadratic time for dotted keys."""


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
            not a flag of that command and family, or the value of a key named after a command is not a table.

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
    with open_file(path) as file:
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise ConfigFileError(f"{os.fspath(path)!a} is longer than {LONGEST:,} bytes: it is not a file of flags")
    try:
        content = tomllib.loads(data.decode("utf-8"))
    except ValueError as error:
        raise ConfigFileError(f"{os.fspath(path)!a} is not TOML: {error}") from None
    except RecursionError:
        raise ConfigFileError(f"{os.fspath(path)!a} is nested too deeply") from None
    tables = {key: value for key, value in content.items() if key in commands}
    for key, value in tables.items():
        if not isinstance(value, dict):
            raise ConfigFileError(f"{os.fspath(path)!a}: {key} must be a table of flags, [{key}], got {value!a}")
    known = set(flag_names(commands[command]))
    taken = known if family is None else set(flag_names(train_flags(family)))
    known_to_any = {name for settings in commands.values() for name in flag_names(settings)}
    for_all = {_known_flag(key, known_to_any, path): value for key, value in content.items() if key not in tables}
    for_one = {_known_flag(key, known, path, command): value for key, value in tables.get(command, {}).items()}
    if family is not None and (refused := next((name for name in for_one if name not in taken), None)):
        raise ConfigFileError(f"{os.fspath(path)!a}: {refusal(refused, family)}")
    named = {name: value for name, value in (for_all | for_one).items() if name in taken}
    flags = {as_flag(name): _typed(as_flag(name), value, path) for name, value in named.items()}
    return flags, {as_flag(name) for name in named if name not in for_one}


def flag_names(settings: type[Command]) -> list[str]:
    """Returns the names of the flags of a command; positional arguments have none."""
    return [argument.name for argument in arguments_of(settings) if not argument.is_positional]


def _known_flag(key: str, known: Collection[str], path: Path, command: str | None = None) -> str:
    name = key.replace("-", "_")
    if name not in known:
        of_what, help_of = ("any command", "charlm") if command is None else (command, f"charlm {command}")
        near = difflib.get_close_matches(name, known, n=1)
        hint = f": did you mean {near[0]}?" if near else f"; see {help_of} --help"
        raise ConfigFileError(f"{os.fspath(path)!a}: {key!a} is not a setting of {of_what}{hint}")
    return name


def _typed(flag: str, value: Any, path: Path) -> list[str]:  # noqa: ANN401 - whatever TOML has
    if isinstance(value, bool):
        return [flag if value else "--no-" + flag.removeprefix("--")]
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str | int | float) and not isinstance(entry, bool) for entry in values):
        raise ConfigFileError(f"{os.fspath(path)!a}: {flag.removeprefix('--')} must be a number, a string or a list")
    if not values:
        return [flag]
    first, *others = map(str, values)
    return [f"{flag}={first}", *others]  # with =, since the first value may begin with a dash
