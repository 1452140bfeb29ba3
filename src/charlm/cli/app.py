"""The command line: parses the arguments, runs one command and returns an exit code.

PyTorch is loaded only by the commands that need it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import importlib
import io
import os
import re
import sys
import warnings
from itertools import pairwise, takewhile
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, Union

import tyro

from charlm.cli.config_file import ConfigFileError, flag_names, read_flags
from charlm.cli.endings import cleaning_up
from charlm.cli.families import as_flag, refusal, train_flags
from charlm.cli.flags import COMMANDS, Completion
from charlm.cli.output import notes_in_one_line, print_line
from charlm.cli.scoring_flags import Correct, Score
from charlm.cli.train_flags import Train
from charlm.cli.values import unescaped
from charlm.recipes.presets import TAKES, Family
from chartok import __version__
from chartok.files.sources import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

MODULE_OF = {
    "demo": "train",
    "prepare": "files",
    "train": "train",
    "update": "update",
    "merge": "combine",
    "interpolate": "combine",
    "generate": "generate",
    "evaluate": "evaluate",
    "calibrate": "calibrate",
    "score": "evaluate",
    "classify": "classify",
    "correct": "correct",
    "info": "files",
    "report": "files",
    "prune": "prune",
    "export": "files",
    "import": "files",
    "compress": "compression",
    "decompress": "compression",
}
"""The module that implements each command, in a function of its name; that of a keyword has an underscore behind it."""

DESCRIPTION = "Character-level language models. charlm --version prints the version."


class UsageError(Exception):
    """The command line is invalid; the message is one line that says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        arguments: What follows the program's name; by default, the arguments of the process.

    Returns:
        0, or 1 after an error, 2 after a usage error, 130 after Ctrl-C, 143 and 129 after SIGTERM and SIGHUP, 141 if
        the reader of the output is gone.

    Example:
        >>> main(["--version"])
        1...
        0
    """
    with _closed_streams_discarded():
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
        code = _ending(sys.argv[1:] if arguments is None else list(arguments))
        for stream in (sys.stdout, sys.stderr):
            _finish(stream)
        return code


@contextlib.contextmanager
def _closed_streams_discarded() -> Iterator[None]:
    """Discards what is printed to a standard stream that is closed: Python has None in its place, where libraries fail.

    The null device also takes its descriptor, which the next file would get otherwise.
    """
    with contextlib.ExitStack() as stack:
        for stream, redirect in (
            (sys.stdout, contextlib.redirect_stdout),
            (sys.stderr, contextlib.redirect_stderr),
        ):
            if stream is None:
                stack.enter_context(redirect(stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))))
        yield


def _ending(arguments: list[str]) -> int:
    """Returns the exit code of a command, after saying what went wrong."""
    try:
        with _warnings_in_one_line(), notes_in_one_line():
            _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as ending:  # SIGTERM or SIGHUP
        return int(ending.code or 0)
    except (UsageError, ConfigFileError) as error:
        _tell_error(error)
        return EXIT_USAGE
    except Exception as error:  # noqa: BLE001 - the contract of the command line: one line, no traceback
        _tell_error(error)
        return EXIT_ERROR
    return 0


def _run(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        print(__version__)
        return
    if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
        hint = _nearest(arguments[0], COMMANDS) or "; see charlm --help"
        raise UsageError(f"there is no command {arguments[0]!a}{hint}")
    arguments, shared = _with_config(arguments)
    settings = _parsed(arguments)
    if isinstance(settings, Completion):
        with contextlib.suppress(SystemExit):
            _tyro(["--tyro-print-completion", settings.shell], Train)
    elif settings is not None:
        name = arguments[0]
        function = f"{name}_" if iskeyword(name) else name
        command = getattr(importlib.import_module(f"charlm.cli.{MODULE_OF[name]}"), function)
        with cleaning_up():
            command(dataclasses.replace(settings, shared=shared))


def _with_config(arguments: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Returns the arguments with the flags of the ``--config`` file added; typed flags take precedence.

    And the names of the settings that the file gives every command.
    """
    parts = [part for argument in arguments for part in argument.split("=", 1)]
    paths = [value for flag, value in pairwise(parts) if flag == "--config"]
    if not paths or arguments[0] not in COMMANDS:
        return arguments, ()
    typed = {part.replace("_", "-").replace("--no-", "--", 1) for part in parts}
    path, command = Path(paths[-1]), arguments[0]
    flags, shared = read_flags(path, command, COMMANDS)
    if command == "train":
        family = _family_in([*flags.get("--model", []), *arguments])
        flags, shared = read_flags(path, command, COMMANDS, family)
    added = {flag: parts for flag, parts in flags.items() if flag not in typed}
    names = tuple(flag.removeprefix("--").replace("-", "_") for flag in added if flag in shared)
    return [*arguments, *(part for parts in added.values() for part in parts)], names


def _parsed(arguments: list[str]) -> Any:  # noqa: ANN401 - one of the commands, or None after help
    """Returns the settings of the command that was typed.

    Raises:
        UsageError: The command does not exist, or its flags are invalid.
    """
    train = train_flags(_family_in(arguments)) if arguments[:1] == ["train"] else Train
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            settings = _tyro(arguments, train)
        _check_sources(settings, arguments)
        _check_escapes(settings, arguments)
        return settings  # noqa: TRY300
    except SystemExit as ending:
        if not ending.code:
            return None
    if arguments[:1] and arguments[0] in COMMANDS:
        _check_flags(arguments, train if arguments[0] == "train" else COMMANDS[arguments[0]])
    command = f" {arguments[0]}" if arguments[:1] and arguments[0] in COMMANDS else ""
    raise UsageError(f"{_gist(said.getvalue())}; see charlm{command} --help")


def _check_sources(settings: Any, arguments: list[str]) -> None:  # noqa: ANN401 - one of the commands
    """Checks that a command that reads text was given any, and standard input at most once.

    Raises:
        UsageError: It was not.
    """
    given = [
        getattr(settings, name, ())
        for name in ("sources", "texts", "validation", "held_out", "prompts", "exclude", "text")
    ]
    if sum(sources.count(STANDARD_INPUT) for sources in given) > 1:
        raise UsageError("standard input, -, can be read only once: give it once")
    for name, shown in (("sources", "SOURCES"), ("texts", "TEXTS"), ("models", "MODELS"), ("held_out", "--held-out")):
        if getattr(settings, name, None) == () and not isinstance(settings, Score | Correct):
            raise UsageError(f"Missing from charlm {arguments[0]}: {shown}; see charlm {arguments[0]} --help")


def _check_escapes(settings: Any, arguments: list[str]) -> None:  # noqa: ANN401 - one of the commands
    """Checks the escapes in how to read text, which are replaced later.

    Raises:
        UsageError: One is unknown.
    """
    for name in ("delimiter", "separator"):
        try:
            unescaped(getattr(getattr(settings, "reading", None), name, ""))
        except ValueError as error:
            raise UsageError(f"Error parsing --{name}: {error}; see charlm {arguments[0]} --help") from None


def _check_flags(arguments: list[str], settings: type) -> None:
    """Checks that each flag belongs to the command and to the requested family.

    Raises:
        UsageError: A flag does not; the message suggests the nearest one.
    """
    command = arguments[0]
    known = {*map(as_flag, flag_names(settings)), "--help"}
    known_of_any_family = {as_flag(name): name for name in flag_names(COMMANDS[command])}
    for argument in arguments[1:]:
        flag = argument.partition("=")[0].replace("_", "-").replace("--no-", "--", 1)
        if not flag.startswith("--") or flag in known:
            continue
        if flag in known_of_any_family:
            raise UsageError(refusal(known_of_any_family[flag], _family_in(arguments)))
        raise UsageError(f"{command} has no flag {flag}{_nearest(flag, known) or f'; see charlm {command} --help'}")


def _nearest(typed: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(typed, list(known), n=1)
    return f": did you mean {near[0]}?" if near else ""


def _tyro(arguments: list[str], train: type[Train]) -> Any:  # noqa: ANN401 - one of the commands
    commands: Any = tuple(
        Annotated[train if command is Train else command, tyro.conf.subcommand(name)]
        for name, command in COMMANDS.items()
    )
    return tyro.cli(Union[commands], prog="charlm", description=DESCRIPTION, args=arguments)  # noqa: UP007 - a tuple


def _family_in(arguments: list[str]) -> Family:
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
            f"--model must be one of {', '.join(TAKES)}, got {families[-1]!a}{_nearest(families[-1], TAKES)}"
        )
    family: Family = families[-1]
    return family


def _gist(box: str) -> str:
    """Returns the error message of one of tyro's boxes, the text above its first rule, as one line."""
    rows = [row.strip("│ ") for row in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines() if "│" in row]
    gist = " ".join(takewhile(lambda row: not row.startswith("──"), rows))
    noise = r"^Error parsing __\S+: | \(applied to [^)]*\)|Arguments are applied to .*"
    return " ".join(re.sub(noise, "", " ".join(gist.split())).split()).rstrip(".")


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Prints each warning as one line, without the file and line that it came from."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:  # noqa: ANN401 - where it came from
        print_line(f"charlm: {' '.join(str(message).split())}", sys.stderr)

    shown = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def _tell_error(error: Exception) -> None:
    if isinstance(error, OSError) and error.strerror is not None:
        line = f"{'standard output' if error.filename is None else error.filename}: {error.strerror}"
    else:
        line = " ".join(str(error).split()) or type(error).__name__
    with contextlib.suppress(OSError):
        print_line(f"charlm: {line}", sys.stderr)


def _finish(stream: TextIO) -> None:
    """Flushes a stream; where that fails, redirects it to the null device, so that Python's flush at exit cannot."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
