"""Help: what ``charlm --help`` and ``charlm COMMAND --help`` print, made from the settings of the commands."""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import TYPE_CHECKING

from charlm.cli.arguments import MAIN, Argument, arguments_of, description, section
from charlm.cli.flags import GROUPS
from charlm.cli.terminal import heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from charlm.cli.command import Command

DOCUMENTATION = "https://github.com/chartok/chartok/blob/main/docs/"
WIDEST = 80
"""In columns: longer lines are hard to read, and many terminals have no more."""
NARROWEST = 40
INDENTATION = 24
"""How far from the left what a flag does is described."""
SUMMARY = "Character-level language models: learn from a text, then generate, score, correct."
FIRST_STEPS = (
    "charlm demo",
    "charlm train input.txt",
    'charlm generate runs/input-ngram --prompt "The "',
)
OF_PROGRAM = (("-h, --help", "Show this help."), ("-V, --version", "Print the version."))
LAST = ("config", "json")
"""What comes after the other flags, since every command has it, or many."""


def overview() -> str:
    r"""Returns the help of the program: its commands.

    Example:
        >>> print(overview().partition("\n")[0])
        Usage: charlm COMMAND [flags]
    """
    lines = ["Usage: charlm COMMAND [flags]", "", *_wrapped(SUMMARY), "", heading("Examples:")]
    lines += [f"  {example}" for example in FIRST_STEPS]
    for name, group in GROUPS.items():
        lines += ["", heading(f"{name}:")]
        for command, settings in group.items():
            lines += _entry(command, description(settings)[0], column=15)
    lines += ["", heading("Flags:")]
    for flag, about in OF_PROGRAM:
        lines += _entry(flag, about, column=18)
    more = "charlm help COMMAND tells more about a command, and charlm help COMMAND --all everything."
    return "\n".join(["", *lines, "", *_wrapped(more), f"Docs: {DOCUMENTATION}index.md"]).strip()


def page(name: str, settings: type[Command], *, everything: bool = False) -> str:
    """Returns the help of a command.

    Args:
        name: The name of the command.
        settings: Its settings.
        everything: Whether to describe the flags that are seldom needed, too; if not, they are named.
    """
    arguments = arguments_of(settings)
    lines = _wrapped(f"Usage: {usage(name, arguments)}", hanging=14)
    for paragraph in description(settings):
        lines += ["", *_wrapped(paragraph)]
    lines += ["", heading("Examples:"), *(f"  {line}" for line in section(settings, "Examples").splitlines())]
    if positional := [argument for argument in arguments if argument.is_positional]:
        lines += ["", heading("Arguments:"), *_entries(positional)]
    flags = sorted((one for one in arguments if not one.is_positional), key=lambda one: one.name in LAST)
    main = [argument for argument in flags if argument.group == MAIN]
    lines += ["", heading("Flags:"), *_entries(main), *_entry("-h, --help", "Show this help.")]
    others = {group: [flag for flag in flags if flag.group == group] for group in settings.groups}
    others = {group: some for group, some in others.items() if some}
    if everything:
        for group, some in others.items():
            lines += ["", heading(f"{group[:1].upper()}{group[1:]}:"), *_entries(some)]
    elif others:
        lines += ["", heading(f"More flags (charlm help {name} --all describes them):")]
        for group, some in others.items():
            lines += _entry(group, " ".join(flag.as_typed for flag in some))
    return "\n".join([*lines, "", heading("Docs:"), f"  {DOCUMENTATION}{section(settings, 'See Also')}"])


def usage(name: str, arguments: Iterable[Argument]) -> str:
    """Returns how a command is typed.

    Example:
        >>> from charlm.cli.flags import COMMANDS
        >>> usage("prune", arguments_of(COMMANDS["prune"]))
        'charlm prune MODEL --out PATH [flags]'
    """
    several = {True: " ...", False: ""}
    positional, required = list[str](), list[str]()
    for argument in arguments:
        if argument.is_positional:
            shown = argument.metavar + several[argument.takes_several]
            positional.append(shown if argument.is_required else f"[{shown}]")
        elif argument.is_required:
            value = argument.name.upper() if argument.choices else argument.metavar
            required.append(f"{argument.flag} {value}")
    return " ".join(["charlm", name, *positional, *required, "[flags]"])


def _entries(arguments: Iterable[Argument]) -> Iterator[str]:
    for argument in arguments:
        yield from _entry(_left(argument), in_words(argument))


def _left(argument: Argument) -> str:
    several = " ..." if argument.takes_several else ""
    if argument.is_positional:
        return f"{argument.metavar}{several}"
    short = f"{argument.short}, " if argument.short else "    "
    return f"{short}{argument.as_typed} {argument.metavar}{several}".rstrip()


def in_words(argument: Argument) -> str:
    """Returns what an argument does, and its default, in the terms of the command line."""
    about = re.sub(r"``(\w+)``", lambda found: "--" + found[1].replace("_", "-"), argument.about)
    about = re.sub(r"\bNone\b", "none", about)
    if argument.default is True:
        return f"Do not {about[:1].lower()}{about[1:]}"
    if argument.is_required and not argument.is_positional:
        return f"{about} (required)"
    default = argument.default
    if default is None or default is False or default in ("", ()):
        return about
    return f"{about} (default: {default})"


def _entry(left: str, right: str, *, column: int = INDENTATION) -> list[str]:
    """Returns the lines of an entry in two columns; a left side that is too long has a line of its own."""
    width = columns()
    lines = textwrap.wrap(right, width - column, break_long_words=False, break_on_hyphens=False) or [""]
    left = f"  {left}"
    first = [left] if len(left) > column - 2 else []
    shown = [" " * column + line for line in lines]
    if not first:
        shown[0] = f"{left:{column}}{lines[0]}".rstrip()
    return [*first, *shown]


def _wrapped(text: str, hanging: int = 0) -> list[str]:
    indent = " " * hanging
    return textwrap.wrap(text, columns(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def columns() -> int:
    """Returns how wide help is: as the terminal, from 40 to 80 columns."""
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
