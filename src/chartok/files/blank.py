"""Blank records: skipped and counted, kept, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok.errors import SourceError
from chartok.files.reading import NEWLINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chartok.files.reading import Note, ReadingSettings
    from chartok.files.record_batch import RecordBatch


class BlankRule:
    r"""Decides what happens to blank records: those that are empty, or have nothing but line ends.

    Args:
        settings: What is to happen.
        note: Told how many have been skipped.

    Example:
        >>> from chartok.files.reading import ReadingSettings
        >>> from chartok.files.record_batch import RecordBatch
        >>> rule = BlankRule(ReadingSettings(), print)
        >>> batch = RecordBatch(["ada", "", "bob"], range(1, 4), "line", "names.txt", 9)
        >>> [sifted.texts for sifted in rule.sifted(batch)]
        [['ada', 'bob']]
        >>> rule.tell()
        1 blank record skipped
    """

    def __init__(self, settings: ReadingSettings, note: Note) -> None:
        self._rule = settings.blank_lines
        self._may_hold_line_ends = settings.delimiter != NEWLINE or settings.column is not None
        self._note = note
        self._skipped = 0

    def sifted(self, batch: RecordBatch) -> Iterator[RecordBatch]:
        """Yields the records that are not skipped; those before one that is an error first.

        Args:
            batch: Some records.

        Raises:
            SourceError: One is blank, and that is an error; says where it is.
        """
        if self._rule == "keep" or (all(batch.texts) and not self._may_hold_line_ends):
            yield batch
            return
        kept = [index for index, record in enumerate(batch.texts) if record.strip("\n")]
        if self._rule == "error" and len(kept) < len(batch.texts):
            first = next(index for index, record in enumerate(batch.texts) if not record.strip("\n"))
            yield batch.selected(range(first))
            self.skip(1, batch.where(first))
        self._skipped += len(batch.texts) - len(kept)
        yield batch if len(kept) == len(batch.texts) else batch.selected(kept)

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
