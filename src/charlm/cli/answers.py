"""Every line of some files gets an answer as it comes: what ``score``, ``classify`` and ``correct`` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.cli.mistakes import UsageError
from charlm.cli.reading import for_kind, reading_of, tell_note, without_shared
from chartok.files.records import batched_records
from chartok.files.sources import STANDARD_INPUT, expand_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from charlm.cli.command import Several
    from charlm.cli.reading import AnyCommand
    from chartok import ReadingSettings, UnknownCharacterError


def for_every_line(settings: AnyCommand, command: str) -> AnyCommand:
    """Returns the settings of a command that answers every line.

    Args:
        settings: The settings.
        command: The name of the command.

    Raises:
        UsageError: They leave lines out.
    """
    settings = without_shared(for_kind(settings, records=True), ("blank_lines",))
    reading: ReadingSettings = getattr(settings, "reading")  # noqa: B009 - of the commands that read
    if reading.blank_lines == "skip":
        raise UsageError(f"{command} answers every line, and --blank-lines skip leaves some out: leave it out")
    return settings


def answer_lines(
    sources: Several,
    settings: ReadingSettings,
    answer: Callable[[list[str]], UnknownCharacterError | None],
) -> None:
    """Answers the lines of files as they come, those before one that is refused before the error about it.

    Args:
        sources: The files; standard input if there are none.
        settings: How to read them, as typed in a shell.
        answer: Prints the answers to lines; returns the error about the next one, if there is one.

    Raises:
        UnknownCharacterError: A line is refused; names the file and the line.
    """
    reading = reading_of(settings)
    for name in expand_sources(sources or STANDARD_INPUT, reading.pattern):
        for batch in batched_records(name, reading, tell_note, may_grow=True):
            refused = answer(batch.texts)
            print(end="", flush=True)  # the next line may take a long time to arrive
            if refused is not None:
                raise batch.located(refused)
