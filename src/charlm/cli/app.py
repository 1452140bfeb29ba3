"""The command line: parses the arguments, runs one command and returns an exit code.

PyTorch is loaded only by the commands that need it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import os
import sys
import warnings
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from charlm.cli.completion import ASKED, candidates
from charlm.cli.config_file import ConfigFileError, read_flags
from charlm.cli.endings import cleaning_up
from charlm.cli.flags import COMMANDS
from charlm.cli.help import overview, page
from charlm.cli.mistakes import UsageError
from charlm.cli.output import notes_in_one_line, print_line, print_note
from charlm.cli.parsing import EVERYTHING, HELP, VERSION, family_in, parsed, settings_class, with_long_flags
from charlm.cli.wording import as_typed, of_command
from chartok import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


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
        typed = sys.argv[1:] if arguments is None else list(arguments)
        with of_command(typed[0] if typed else None):
            code = _ending(typed)
        if code == 0 and getattr(sys.stdout, "has_lost_text", False):
            _tell_error(OSError("standard output is closed: what was to be printed is lost"))
            code = EXIT_ERROR
        for stream in (sys.stdout, sys.stderr):
            _finish(stream)
        return code


class _Discarded(io.TextIOWrapper):
    """Stands for a standard stream that is closed: Python has None in its place, where libraries fail.

    The null device also takes its descriptor, which the next file would get otherwise.
    """

    has_lost_text = False

    def write(self, text: str) -> int:
        self.has_lost_text = self.has_lost_text or bool(text)
        return len(text)


@contextlib.contextmanager
def _closed_streams_discarded() -> Iterator[None]:
    """Discards what is printed to a standard stream that is closed."""
    with contextlib.ExitStack() as stack:
        for stream, redirect in (
            (sys.stdout, contextlib.redirect_stdout),
            (sys.stderr, contextlib.redirect_stderr),
        ):
            if stream is None:
                null = _Discarded(Path(os.devnull).open("wb"), encoding="utf-8")  # noqa: SIM115 - closed by the stack
                stack.enter_context(redirect(stack.enter_context(null)))
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
        said = _tell_error(error)
        return EXIT_USAGE if said.startswith("--") else EXIT_ERROR  # what a flag was given is at fault
    return 0


def _run(arguments: list[str]) -> None:
    asks_for_help = bool(arguments) and arguments[0] == "help"
    asked = [argument for argument in arguments[1:] if argument not in {"--all", *HELP}] if asks_for_help else []
    if not arguments or arguments[0] in {*HELP, *EVERYTHING} or (asks_for_help and asked in ([], ["help"])):
        print(overview())
        return
    if arguments[0] in VERSION:
        print(__version__)
        return
    if arguments[0] == ASKED:
        print(*candidates(arguments[1:]), sep="\n")
        return
    if asks_for_help:
        if asked[0] in COMMANDS and asked[1:2] and not asked[1].startswith("-"):
            raise UsageError(f"help is of one command, got {asked[0]} and {asked[1]!a}")
        _show_help(asked, everything="--all" in arguments)
        return
    arguments = with_long_flags(arguments)
    if {*HELP, *EVERYTHING} & {*arguments[1:]}:
        _show_help(arguments, everything=bool({*EVERYTHING} & {*arguments}))
        return
    settings_class(arguments)
    arguments, shared = _with_config(arguments)
    settings = parsed(arguments)
    module, function = settings.runs.split(".")
    command = getattr(importlib.import_module(f"charlm.cli.{module}"), function)
    with cleaning_up():
        command(dataclasses.replace(settings, shared=shared))


def _show_help(arguments: list[str], *, everything: bool) -> None:
    print(page(arguments[0], settings_class(arguments), everything=everything))


def _with_config(arguments: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Returns the arguments with the flags of the ``--config`` file added; typed flags take precedence.

    And the names of the settings that the file gives every command.
    """
    parts = [part for argument in arguments for part in argument.split("=", 1)]
    paths = [value for flag, value in pairwise(parts) if flag == "--config"]
    if not paths or arguments[0] not in COMMANDS:
        return arguments, ()
    if not paths[-1]:
        raise UsageError("--config is empty: give the name of a file")
    typed = {part.replace("_", "-").replace("--no-", "--", 1) for part in parts}
    path, command = Path(paths[-1]), arguments[0]
    flags, shared = read_flags(path, command, COMMANDS)
    if command == "train":
        family = family_in([*flags.get("--model", []), *arguments])
        flags, shared = read_flags(path, command, COMMANDS, family)
    added = {flag: parts for flag, parts in flags.items() if flag not in typed}
    names = tuple(flag.removeprefix("--").replace("-", "_") for flag in added if flag in shared)
    return [*arguments, *(part for parts in added.values() for part in parts)], names


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Prints each warning as one line, without the file and line that it came from."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:  # noqa: ANN401 - where it came from
        print_note(str(message))

    shown = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def _tell_error(error: Exception) -> str:
    """Prints what went wrong in one line, and returns it."""
    if isinstance(error, OSError) and error.strerror is not None:
        name = "standard output" if error.filename is None else error.filename
        line = f"{name}: {as_typed(error.strerror)}"
    elif isinstance(error, ConfigFileError):
        line = str(error)  # it names keys of the file, which are not flags
    else:
        line = as_typed(" ".join(str(error).split()) or type(error).__name__)
    with contextlib.suppress(OSError):
        print_line(f"charlm: {line}", sys.stderr)
    return line


def _finish(stream: TextIO) -> None:
    """Flushes a stream; where that fails, redirects it to the null device, so that Python's flush at exit cannot."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
