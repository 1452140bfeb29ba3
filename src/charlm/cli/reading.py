"""How the commands read text: the flags that they have in common, and what is worth saying about the files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from charlm.cli.command import OF_READING, READING
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_note
from charlm.cli.values import unescaped
from chartok import ReadingSettings, UnknownCharacterError
from chartok.files.records import batched_records

if TYPE_CHECKING:
    from collections.abc import Collection

    from charlm.cli.command import Command, Several
    from charlm.data.framing import Framing
    from chartok.arguments import Errors

AnyCommand = TypeVar("AnyCommand", bound="Command")
OF_NEW_VOCABULARY = ("symbols", "unit", "min_count", "max_size")


def reading_of(settings: ReadingSettings) -> ReadingSettings:
    r"""Returns the settings with the escapes in the delimiter and the separator replaced, as typed in a shell.

    Raises:
        ValueError: A backslash is followed by something else.

    Example:
        >>> from chartok import ReadingSettings
        >>> reading_of(ReadingSettings(delimiter=r"\n\n")).delimiter
        '\n\n'
    """
    return dataclasses.replace(
        settings, delimiter=unescaped(settings.delimiter), separator=unescaped(settings.separator)
    )


def without_shared(settings: AnyCommand, names: Collection[str]) -> AnyCommand:
    """Returns the settings of a command without those that it has no use for and that nobody gave to it alone.

    Args:
        settings: The settings of the command.
        names: What it has no use for; a value from the top of a configuration file gives way to the default.
    """
    unused = set(names) & set(settings.shared)
    if not unused:
        return settings
    defaults: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(settings)}
    own: dict[str, Any] = {name: defaults[name] for name in unused if name in defaults}
    of_reading: Any = {name: getattr(defaults["reading"], name) for name in unused if name in OF_READING}
    current: Any = settings
    result: AnyCommand = dataclasses.replace(current, reading=dataclasses.replace(current.reading, **of_reading), **own)
    return result


def for_kind(settings: AnyCommand, *, records: bool) -> AnyCommand:
    """Returns the settings of a command without what the top of a configuration file says of the other kind of text.

    Args:
        settings: The settings of the command.
        records: Whether it reads records.
    """
    reading: ReadingSettings = getattr(settings, "reading")  # noqa: B009 - of the commands that read
    unused = {"newlines", "separator"} if records else {"delimiter"}
    if reading.column is not None:
        unused.add("delimiter")
    elif not records:
        unused.add("blank_lines")
    return without_shared(settings, unused)


def check_unused(settings: ReadingSettings, flag: str, default: ReadingSettings = READING) -> None:
    """Checks that no flag says how to read files where there are none.

    Args:
        settings: The settings.
        flag: The flag that would give files.
        default: What the settings are if nothing is said.

    Raises:
        UsageError: One does.
    """
    if settings != default:
        raise UsageError(f"there is no {flag}, and flags say how to read its files: give {flag}, or leave them out")


def admitted_lines(
    framing: Framing, lines: list[str], errors: Errors | None
) -> tuple[list[str], UnknownCharacterError | None]:
    """Returns lines as they are to be scored, and the error about the one before which they end, if one is refused.

    Args:
        framing: That of the vocabulary.
        lines: The lines.
        errors: As for ``Framing.admitted``.
    """
    if errors is None and framing.unk is not None:
        return lines, None
    admitted = list[str]()
    try:
        for line in lines:
            admitted.append(framing.admitted(line, errors or framing.errors))
    except UnknownCharacterError as error:
        return admitted, UnknownCharacterError(error.character, error.position, error.vocabulary_size, len(admitted))
    return admitted, None


def admitted_records(framing: Framing, sources: Several, reading: ReadingSettings, errors: Errors | None) -> list[str]:
    """Returns the records of files as they are to be scored.

    Args:
        framing: That of the vocabulary.
        sources: The files.
        reading: How to read them.
        errors: As for ``Framing.admitted``.

    Raises:
        UnknownCharacterError: A record has a character that is refused; names the file and the line.
    """
    records = list[str]()
    for batch in batched_records(sources, reading, tell_note):
        admitted, refused = admitted_lines(framing, batch.texts, errors)
        if refused is not None:
            raise batch.located(refused)
        records += admitted
    return records


def tell_note(note: str) -> None:
    """Prints a note on standard error."""
    print_note(note)
