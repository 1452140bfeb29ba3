"""Graphemes: what a reader takes for one character, such as an emoji with joiners or a letter with its accents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chartok.codepoints import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def count_graphemes(texts: Iterable[str]) -> Counter[str]:
    r"""Returns how often each grapheme occurs; none goes across the end of a text.

    Graphemes are Unicode's extended grapheme clusters, as the package ``regex`` finds them with ``\X``.

    Raises:
        ModuleNotFoundError: ``regex`` is not installed.

    Example:
        >>> count_graphemes(["e\u0301e"]) == {"e\u0301": 1, "e": 1}
        True
    """
    counts = Counter[str]()
    for text in texts:
        for found in graphemes_of(pieces([text])):
            counts.update(found)
    return counts


def graphemes_of(text: Iterable[str]) -> Iterator[list[str]]:
    """Yields the graphemes of one text, which arrives in pieces.

    Raises:
        ModuleNotFoundError: ``regex`` is not installed.
    """
    try:
        import regex  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("unit='grapheme' needs regex: pip install 'chartok[graphemes]'") from error
    find = regex.compile(r"\X").findall
    held = ""
    for piece in text:
        *whole, held = find(held + piece) or [""]  # the last may go on in the next piece
        yield whole
    if held:
        yield [held]
