"""What each command takes, read from its settings: for help, for completion, and to explain mistakes."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from tyro.conf import Fixed, Positional
from tyro.constructors import PrimitiveConstructorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charlm.cli.command import Command

MAIN = "flags"
"""The group of the flags that are described first."""
SHORT = {"out": "o", "model": "m", "n_samples": "n"}
"""The letters of flags; a positional argument has none."""
POSITIONAL = get_args(Positional[int])[1]
FIXED = get_args(Fixed[int])[1]
METAVARS = {
    "allowed": "CHARACTERS",
    "checkpoint": "FILE",
    "column": "NAME",
    "config": "FILE",
    "decode_errors": "HANDLER",
    "delimiter": "STRING",
    "device": "DEVICE",
    "encoding": "ENCODING",
    "exclude": "FILE",
    "file": "FILE",
    "held_out": "TEXT",
    "init_from": "MODEL",
    "max_bytes": "SIZE",
    "memory": "SIZE",
    "model": "MODEL",
    "models": "MODEL",
    "pattern": "PATTERN",
    "priors": "PROBABILITY",
    "prompt_end": "STRING",
    "prompts": "FILE",
    "run": "RUN",
    "separator": "STRING",
    "sources": "TEXT",
    "special_tokens": "NAME",
    "stop": "STRING",
    "symbols": "SYMBOL",
    "text": "TEXT",
    "texts": "TEXT",
    "unknown": "RATE",
    "unusual": "RATE",
    "validation": "TEXT",
}
"""What stands for the value of a setting in help; others are called after their type."""
OF_FILES = ("FILE", "MODEL", "PATH", "RUN", "TEXT")
"""What stands for the name of a file or a folder."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One flag or positional argument of a command.

    Attributes:
        name: The name of the setting.
        kind: The type of a value: ``bool`` of a switch, ``int``, ``float``, ``Path`` or ``str``.
        metavar: What stands for the value in help; empty for a switch.
        choices: The values there are, if they can be told.
        default: The value without it.
        about: What it does, in one paragraph.
        group: The heading it belongs under.
        is_positional: Whether it has no flag.
        is_required: Whether it has to be given.
        is_optional: Whether ``None`` may be typed.
        takes_several: Whether it takes several values.
    """

    name: str
    kind: type
    metavar: str
    choices: tuple[str, ...]
    default: Any
    about: str
    group: str
    is_positional: bool
    is_required: bool
    is_optional: bool
    takes_several: bool

    @property
    def flag(self) -> str:
        """The long flag."""
        return "--" + self.name.replace("_", "-")

    @property
    def short(self) -> str | None:
        """The short flag, if it has one."""
        return None if self.is_positional or self.name not in SHORT else f"-{SHORT[self.name]}"

    @property
    def shown(self) -> str:
        """What it is called in a message: its flag, or its name in capitals."""
        if not self.is_positional:
            return self.flag
        return self.name.upper() if self.choices else self.metavar

    @property
    def as_typed(self) -> str:
        """The flag that changes what is done: that of a switch which is on turns it off."""
        return self.flag.replace("--", "--no-", 1) if self.default is True else self.flag

    @property
    def is_file(self) -> bool:
        """Whether a value is the name of a file."""
        return self.metavar in OF_FILES

    @property
    def takes_value(self) -> bool:
        """Whether a flag has a value behind it."""
        return self.kind is not bool


def arguments_of(settings: type[Command]) -> tuple[Argument, ...]:
    """Returns what a command takes, in the order of its settings; nested settings in their place.

    Example:
        >>> from charlm.cli.flags import COMMANDS
        >>> [argument.shown for argument in arguments_of(COMMANDS["info"])]
        ['--config', 'MODEL', '--json']
    """
    group_of = {name: group for group, names in settings.groups.items() for name in names}
    return tuple(_arguments_in(settings, None, group_of))


def _arguments_in(settings: type, values: Any, group_of: dict[str, str]) -> Iterator[Argument]:  # noqa: ANN401 - settings
    hints, abouts = get_type_hints(settings, include_extras=True), attributes_of(settings)
    for field in dataclasses.fields(settings):
        default = field.default if values is None else getattr(values, field.name)
        inner, others = _split(hints[field.name])
        if FIXED in others:
            continue
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            yield from _arguments_in(inner, default, group_of)
        else:
            yield _argument(field.name, inner, others, default, abouts.get(field.name, ""), group_of)


def _argument(
    name: str,
    hint: Any,  # noqa: ANN401 - a type
    others: list[Any],
    default: Any,  # noqa: ANN401 - a value
    about: str,
    group_of: dict[str, str],
) -> Argument:
    parts = [part for part in get_args(hint) if part is not type(None)] if _is_union(hint) else [hint]
    choices = get_args(parts[0]) if len(parts) == 1 and get_origin(parts[0]) is Literal else ()
    takes_several = parts[0] is tuple
    is_typed_as_text = any(isinstance(other, PrimitiveConstructorSpec) for other in others) and parts[0] is not float
    kind = str if takes_several or choices or len(parts) > 1 or is_typed_as_text else parts[0]
    by_kind = {bool: "", int: "N", float: "X", Path: "PATH"}.get(kind, "STRING")
    return Argument(
        name=name,
        kind=kind,
        metavar="|".join(choices) or METAVARS.get(name, by_kind),
        choices=choices,
        default=None if default is dataclasses.MISSING else default,
        about=about,
        group=group_of.get(name, MAIN),
        is_positional=POSITIONAL in others,
        is_required=default is dataclasses.MISSING,
        is_optional=_is_union(hint) and type(None) in get_args(hint),
        takes_several=takes_several,
    )


def _split(hint: Any) -> tuple[Any, list[Any]]:  # noqa: ANN401 - a type
    """Returns a type without its annotations, and those."""
    others = []
    while get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        others += more
    return hint, others


def _is_union(hint: Any) -> bool:  # noqa: ANN401 - a type
    return get_origin(hint) is Union or isinstance(hint, types.UnionType)


def attributes_of(settings: type) -> dict[str, str]:
    """Returns what the docstrings of a class and its bases say of each attribute, each in one paragraph."""
    return {
        name: " ".join(text.split())
        for own in reversed(settings.__mro__)
        for name, text in re.findall(r"^(\w+): (.*(?:\n[ \n].*)*)", section(own, "Attributes"), re.MULTILINE)
    }


def section(settings: type, name: str) -> str:
    """Returns a section of the docstring of a class, without its heading and indentation."""
    found = re.search(rf"^{name}:\n((?: .*\n|\n)*)", inspect.cleandoc(settings.__doc__ or "") + "\n", re.MULTILINE)
    return "" if found is None else inspect.cleandoc(found[1])


def description(settings: type) -> list[str]:
    """Returns what the docstring of a class says before its sections, as paragraphs; the first is its summary."""
    text = re.split(
        r"^(?:Attributes|Examples|See Also):$", inspect.cleandoc(settings.__doc__ or ""), flags=re.MULTILINE
    )[0]
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
