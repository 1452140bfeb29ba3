"""How text is read from files: the settings that everything that reads text has in common."""

from __future__ import annotations

import codecs
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Optional, TypeAlias, TypedDict, get_args

from chartok.arguments import flag, instance

if TYPE_CHECKING:
    from typing import Self, Unpack

Compression: TypeAlias = Literal["auto", "gzip", "bz2", "xz", "zstd", "none"]
BlankLines: TypeAlias = Literal["skip", "keep", "error"]
Newlines: TypeAlias = Literal["keep", "lf"]

Note: TypeAlias = Callable[[str], None]
"""Called with one line of text about what was read that is no error but is worth knowing."""

AUTO: Literal["auto"] = "auto"
NEWLINE = "\n"
EVERY_FILE = "*"
SHOWN_STANDARD_INPUT = "standard input"
"""What standard input is called in a message."""
NOT_OF_TEXT = ("idna", "punycode", "undefined")
"""Encodings of host names, and of nothing."""


class ReadingKeywords(TypedDict, total=False):
    """The fields of ``ReadingSettings``, for the functions that take them as keywords."""

    encoding: str
    decode_errors: str
    compression: Compression
    pattern: str
    column: str | None
    separator: str
    newlines: Newlines
    delimiter: str
    blank_lines: BlankLines
    counts: bool


@dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    r"""How to read text from files. Accepted by every function and command that reads text.

    Attributes:
        encoding: The encoding of the text, any that Python has; auto takes it from the byte order mark, tries UTF-8,
            and then guesses with charset-normalizer.
        decode_errors: What to do with bytes that are not valid in the encoding, as Python's open does: strict, replace,
            ignore, backslashreplace, surrogateescape.
        compression: How the files are compressed; auto recognizes it by their first bytes, none reads them as they are.
        pattern: The files to read of a folder, by the end of their paths; by default all but hidden ones.
        column: The column of csv, tsv and parquet files, or the field of jsonl files, whose cells are the texts.
        separator: What to put between two files, or two cells, of a text; by default nothing.
        newlines: What to do with CR LF in a text: keep both, or read lf alone. Records end at either.
        delimiter: What ends a record; by default the end of a line. If empty, each file or cell is one record.
        blank_lines: What to do with blank records: skip and count them, keep them, or stop with an error.
        counts: Whether each line is a record, a tab, and how often that record counts, as in a list of frequencies.

    Raises:
        TypeError: A setting is not a ``str``, or ``counts`` is not a ``bool``.
        ValueError: The encoding, its error handler, or the value of a setting is unknown.

    Example:
        >>> ReadingSettings(delimiter="\n\n").with_keywords(encoding="utf-16").delimiter
        '\n\n'
    """

    encoding: str = "utf-8"
    decode_errors: str = "strict"
    compression: Compression = AUTO
    pattern: str = EVERY_FILE
    column: Optional[str] = None  # noqa: UP045 - tyro imports typeguard for the other form
    separator: str = ""
    newlines: Newlines = "keep"
    delimiter: str = NEWLINE
    blank_lines: BlankLines = "skip"
    counts: bool = False

    def __post_init__(self) -> None:
        flag("counts", self.counts)
        for name, value in vars(self).items():
            if not isinstance(value, str) and name != "counts" and not (name == "column" and value is None):
                raise TypeError(f"{name} must be a str, got {type(value).__name__}")
        if self.encoding != AUTO:
            _check_encoding(self.encoding)
        _check_decode_errors(self.decode_errors)
        _check_choice("compression", self.compression, get_args(Compression))
        _check_choice("newlines", self.newlines, get_args(Newlines))
        _check_choice("blank_lines", self.blank_lines, get_args(BlankLines))
        if not self.pattern:
            raise ValueError("pattern is empty: leave it out to read every file of a folder")

    def with_keywords(self, **settings: Unpack[ReadingKeywords]) -> Self:
        """Returns these settings with the given ones replaced.

        Raises:
            TypeError: A setting is unknown or is not a ``str``.
            ValueError: As for the class.
        """
        return dataclasses.replace(self, **settings) if settings else self

    def for_text(self) -> Self:
        """Returns these settings, checked to say nothing about records.

        Raises:
            ValueError: They do.
        """
        if self.delimiter != NEWLINE:
            raise ValueError("delimiter is for records, and this reads a text: ask for records, or leave it out")
        if self.blank_lines != "skip" and self.column is None:
            raise ValueError("blank_lines is for records, and this reads a text: ask for records, or leave it out")
        if self.counts:
            raise ValueError("counts is for records, and this reads a text: ask for records, or leave it out")
        return self

    def for_records(self, *, counted: bool = False) -> Self:
        """Returns these settings, checked to say nothing about a text.

        Args:
            counted: Whether records may have counts.

        Raises:
            ValueError: They do, or of counts where records have none.
        """
        if self.counts and not counted:
            raise ValueError("counts is for what a model learns from, or is evaluated on: leave it out here")
        if self.column is not None and self.delimiter != NEWLINE:
            raise ValueError(
                "delimiter ends the records of plain text, and column reads a table, each cell of which is a record: "
                "leave one of them out"
            )
        if self.newlines != "keep":
            raise ValueError("newlines is for a text, and this reads records, which end at CR LF or LF: leave it out")
        if self.separator:
            raise ValueError("separator is for a text, and this reads records, which are separate: leave it out")
        return self


def reading_settings(settings: ReadingSettings, **reading: Unpack[ReadingKeywords]) -> ReadingSettings:
    """Returns the settings given, with those given as keywords replaced.

    Raises:
        TypeError: ``settings`` is not a ``ReadingSettings``; or as for its ``with_keywords``.
        ValueError: As for the class.
    """
    return instance("settings", settings, ReadingSettings).with_keywords(**reading)


def say_nothing(_: str) -> None:
    """A note that nobody reads."""


def _check_encoding(encoding: str) -> None:
    is_of_text = True
    try:
        is_of_text = codecs.lookup(encoding).name not in NOT_OF_TEXT
        b"a".decode(encoding)
    except UnicodeError:  # half of a character
        pass
    except (LookupError, ValueError):
        is_of_text = False
    if not is_of_text:
        raise ValueError(
            f"encoding must be 'auto' or a text encoding of Python's, such as 'utf-8' or 'cp1252', got {encoding!a}"
        )


def _check_decode_errors(handler: str) -> None:
    try:
        b"\xff".decode("ascii", handler)
    except UnicodeError:  # strict
        pass
    except (LookupError, TypeError, ValueError):
        raise ValueError(
            f"decode_errors must be an error handler for decoding, such as 'strict' or 'replace', got {handler!a}"
        ) from None


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!a}")
