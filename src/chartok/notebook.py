"""What objects display in a notebook: one look for all, small, legible on light and dark pages.

Each output is one ``div`` of the class ``chartok``, with the style sheet in it, since every output may be looked at
alone. Text has the color of the page, and quiet text less opacity, since only the notebook knows its colors. What is
shown is escaped here, except what is called ``content``, which is HTML already.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from chartok.markup import escaped, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LONGEST_SYMBOL = 24
"""A longer symbol is cut."""
LONGEST_FACT = 300
"""Likewise a longer value, such as a path."""

STYLE = """
.chartok{border-left:3px solid rgb(224 96 48);padding:.1em 0 .1em .8em;margin:.3em 0;max-width:60em;line-height:1.5}
.chartok table{border:0;border-collapse:collapse;margin:.2em 0;font-size:inherit;font-variant-numeric:tabular-nums}
.chartok :is(tr,td,th){background:none!important;border:0;padding:0 1.2em 0 0;text-align:left!important;
vertical-align:top;white-space:pre-wrap;color:inherit}
.chartok :is(th,small){font-weight:normal;opacity:.75}
.chartok small{display:block}
.chartok :is(bdi,.ids td){font-family:monospace}
.chartok ul{list-style:none;margin:.2em 0!important;padding:0!important}
.chartok li{display:inline-block;margin:0 .7em .2em 0;white-space:nowrap}
.chartok bdi{white-space:pre;padding:0 .3em;border-radius:.2em;background:rgb(128 128 128/.2)}
.chartok li small{display:inline}
"""
"""Its selectors are those of this class alone: a style sheet in an output holds for the whole page."""


class Shown(ABC):
    """The part of a class that shows its objects: as a card in a notebook, and elsewhere in one line."""

    __slots__ = ()

    _style: ClassVar[str] = ""
    """What ``_content`` needs besides the common style sheet."""

    @abstractmethod
    def _facts(self) -> dict[str, str]:
        """Returns the facts to show, by name; cheap to find out."""

    def _content(self) -> str:
        """Returns what a card shows below the facts, as HTML."""
        return ""

    def _repr_html_(self) -> str:
        return card(type(self).__name__, self._facts(), self._content(), self._style)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}: {fact}' for name, fact in self._facts().items())})"


def card(title: str, facts: Mapping[str, str], content: str = "", style: str = "") -> str:
    """Returns what an object shows: its name, a table of facts, and more below it.

    Args:
        title: The name of its class.
        facts: Values by name.
        content: HTML.
        style: As for ``framed``.

    Example:
        >>> card("Evaluation", {"characters": "<3"}).count("&lt;3")
        1
    """
    rows = "".join(
        f'<tr><th scope="row">{escaped(name)}</th><td>{escaped(_cut(value, LONGEST_FACT))}</td></tr>'
        for name, value in facts.items()
    )
    table = f'<table aria-label="{escaped(title)}"><tbody>{rows}</tbody></table>' if rows else ""
    return framed(f"<strong>{escaped(title)}</strong>{table}{content}", style)


def framed(content: str, style: str = "") -> str:
    """Returns HTML in the frame that all objects share.

    Args:
        content: HTML.
        style: What its parts need besides ``STYLE``; its selectors must begin with ``.chartok``.
    """
    return f'<div class="chartok"><style>{STYLE}{style}</style>{content}</div>'


def quiet(text: str) -> str:
    """Returns a line of small print."""
    return f"<small>{escaped(text)}</small>"


def table_of_ids(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table whose cells are lists of ids, or the text of them.

    Args:
        head: The name of each column.
        rows: The cells of each row.
    """
    names = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="ids" aria-label="examples"><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>'


def numbered_symbols(symbols: Iterable[tuple[int, str]], names: Mapping[int, str], left_out: int) -> str:
    """Returns symbols with their ids, in lines that break where the page ends.

    Args:
        symbols: The id of each symbol, and the symbol; the empty string for one that has a name.
        names: The names of special tokens, by id.
        left_out: How many more there are.

    Example:
        >>> "U+202E" in numbered_symbols([(0, chr(0x202E))], {}, 7)
        True
    """
    chips = []
    for token_id, symbol in symbols:
        if token_id in names:
            shown = f"<em>{escaped(_cut(names[token_id], LONGEST_SYMBOL))}</em>"
        else:
            shown = f"<bdi>{escaped(visible(_cut(symbol, LONGEST_SYMBOL)))}</bdi>"
        chips.append(f"<li>{shown} <small>{token_id}</small></li>")
    more = quiet(f"and {left_out:,} more") if left_out else ""
    return f"<ul>{''.join(chips)}</ul>{more}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
