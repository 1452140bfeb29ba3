r"""The line ends and the byte order mark of a text: kept, with a note, or read as ``\n`` where that is asked for."""

from __future__ import annotations

from codecs import lookup
from typing import TYPE_CHECKING

from chartok.files.reading import AUTO, say_nothing

if TYPE_CHECKING:
    from chartok.files.reading import Note, ReadingSettings

BYTE_ORDER_MARK = "\ufeff"
WITHOUT_MARK = {
    "utf-8": "utf-8-sig",
    **{f"{wide}{order}": wide for wide in ("utf-16", "utf-32") for order in ("-le", "-be")},
}
"""The encoding that reads the same text without the mark, for each that keeps it."""


class LineEnds:
    r"""Reads the line ends of one file.

    Args:
        name: The file.
        settings: How to read it.
        note: Told where the file begins with a byte order mark, or each of its lines ends in ``\r\n``.

    Example:
        >>> from chartok.files.reading import ReadingSettings
        >>> ends = LineEnds("dos.txt", ReadingSettings(), print)
        >>> ends.read("one\r\ntwo\r\n")
        'one\r\ntwo\r\n'
        >>> ends.rest()
        'dos.txt': every line ends in CR LF, and the CR counts as a character: read LF alone with --newlines lf
        ''
        >>> LineEnds("dos.txt", ReadingSettings(newlines="lf"), print).read("one\r\ntwo")
        'one\ntwo'
    """

    def __init__(self, name: str, settings: ReadingSettings, note: Note) -> None:
        self._name = name
        self._unmarked = WITHOUT_MARK.get(
            settings.encoding if settings.encoding == AUTO else lookup(settings.encoding).name
        )
        self._is_read_as_lf = settings.newlines == "lf"
        self._note = note
        self._is_start = True
        self._held = ""
        self._lines = self._lines_of_dos = 0

    def read(self, text: str) -> str:
        """Returns the next piece of the text, as it is to be read; a CR at its end waits for the next piece."""
        if self._note is not say_nothing and self._is_start and text.startswith(BYTE_ORDER_MARK):
            advice = f": leave it out with --encoding {self._unmarked}" if self._unmarked else ""
            self._note(f"{self._name!a} begins with a byte order mark, which counts as a character{advice}")
        self._is_start = self._is_start and not text
        if not self._is_read_as_lf and self._note is say_nothing:
            return text
        text = self._held + text
        self._held = "\r" * text.endswith("\r")
        text = text.removesuffix("\r")
        if self._is_read_as_lf:
            return text.replace("\r\n", "\n") if "\r" in text else text
        self._lines += text.count("\n")
        self._lines_of_dos += text.count("\r\n") if "\r" in text else 0
        return text

    def rest(self) -> str:
        """Returns what is left at the end of the file, and notes what there is to note."""
        if not self._is_read_as_lf and self._lines == self._lines_of_dos > 0:
            self._note(
                f"{self._name!a}: every line ends in CR LF, and the CR counts as a character: read LF alone with "
                "--newlines lf"
            )
        return self._held
