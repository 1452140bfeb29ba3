"""Makes characters visible, and text safe in HTML."""

from __future__ import annotations

import html

_SIGNS = {" ": "\u2423", "\n": "\u21b5", "\t": "\u21e5", "\x7f": "\u2421", "": "end"} | {
    chr(code): chr(0x2400 + code) for code in range(0x20) if code not in (9, 10)
}
"""What is shown for a character; a word for the empty string, which stands for the end of a record."""

_JOINERS = "\u200c\u200d"
"""What shapes the characters of a symbol around it, and is shown by that."""


def visible(symbol: str) -> str:
    r"""Returns a visible form of a symbol: for each character itself, a sign, or its code point.

    Args:
        symbol: Any, or the empty string for the end of a record.

    Example:
        >>> visible(" "), visible("<"), visible("\u200b"), visible("")
        ('␣', '<', 'U+200B', 'end')
    """
    if symbol in _SIGNS:
        return _SIGNS[symbol]
    if len(symbol) > 1:
        return "".join(character if character in _JOINERS else visible(character) for character in symbol)
    return symbol if symbol.isprintable() else f"U+{ord(symbol):04X}"


def shown_name(name: str) -> str:
    r"""Returns a name in which spaces stay and whatever else is not printable is visible: it cannot turn a line around.

    Example:
        >>> shown_name("a run \u202e of mine\n")
        'a run U+202E of mine↵'
    """
    return "".join(each if each.isprintable() else visible(each) for each in name)


def escaped(text: str) -> str:
    r"""Returns text that is safe in HTML, including in attributes, and can be encoded as UTF-8.

    A control character other than a newline or a tab becomes its symbol; a lone surrogate becomes an escape.

    Example:
        >>> escaped("<b>\x00")
        '&lt;b&gt;␀'
    """
    kept = "".join(character if character in " \n\t" else _SIGNS.get(character, character) for character in text)
    return html.escape(kept.encode("utf-8", "backslashreplace").decode("utf-8"))
