"""Blank records: skipped and counted, kept, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok.errors import SourceError
from chartok.files.reading import NEWLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chartok.files.reading import Note, ReadingSettings


class BlankRule:
    r"""Decides what happens to blank records: those that are empty, or have nothing but line ends.

    Args:
        settings: What is to happen.
        note: Told how many have been skipped.

    Example:
        >>> from chartok.files.reading import ReadingSettings
        >>> rule = BlankRule(ReadingSettings(), print)
        >>> list(rule.sifted(["ada", "", "bob"], lambda index: f"line {index + 1}"))
        [['ada', 'bob']]
        >>> rule.tell()
        1 blank record skipped
    """

    def __init__(self, settings: ReadingSettings, note: Note) -> None:
        self._rule = settings.blank_lines
        self._may_hold_line_ends = settings.delimiter != NEWLINE or settings.column is not None
        self._note = note
        self._skipped = 0

    def sifted(self, records: list[str], where: Callable[[int], str]) -> Iterator[list[str]]:
        """Yields the records that are not skipped; those before one that is an error first.

        Args:
            records: Some of them.
            where: Returns where one is, by its index.

        Raises:
            SourceError: One is blank, and that is an error; says where it is.
        """
        if self._rule == "keep" or (all(records) and not self._may_hold_line_ends):
            yield records
            return
        kept = [record for record in records if record.strip("\n")]
        if self._rule == "error" and len(kept) < len(records):
            first = next(index for index, record in enumerate(records) if not record.strip("\n"))
            yield records[:first]
            self.skip(1, where(first))
        self._skipped += len(records) - len(kept)
        yield kept

    def skip(self, number: int, where: str) -> None:
        """Skips blank records.

        Args:
            number: How many.
            where: Where the first of them is.

        Raises:
            SourceError: That is an error; says where it is.
        """
        if self._rule == "error":
            raise SourceError(
                f"{where} is blank: leave it out, or say what to do with such lines (blank_lines, --blank-lines)"
            )
        self._skipped += number

    def tell(self) -> None:
        """Notes how many records have been skipped, if any."""
        if self._skipped:
            self._note(f"{self._skipped:,} blank record{'s' * (self._skipped > 1)} skipped")
