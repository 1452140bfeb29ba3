"""The elements that the sections of a report are made of, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def section(name: str, title: str, content: str) -> str:
    """Returns a section with its heading; nothing if there is no content.

    Args:
        name: Its id.
        title: Its heading.
        content: HTML.

    Example:
        >>> section("samples", "Samples", "<p>abc</p>")
        '<section aria-labelledby="samples"><h2 id="samples">Samples</h2><p>abc</p></section>'
    """
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{content}</section>' if content else ""


def paragraph(text: str, kind: str = "") -> str:
    """Returns a paragraph of plain text, which is escaped.

    Args:
        text: The text.
        kind: Its class in the style sheet.
    """
    return f"<p{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{escaped(text)}</p>"


def passage(text: str, label: str) -> str:
    """Returns a text with its lines as they are.

    Args:
        text: The text.
        label: What a screen reader calls it.
    """
    return f'<pre dir="auto" tabindex="0" role="region" aria-label="{escaped(label)}">{escaped(text)}</pre>'


def figure(content: str, caption: str = "", *, title: str = "") -> str:
    """Returns a picture below its title and above its caption.

    Args:
        content: HTML.
        caption: HTML; empty for a picture that says itself what it shows.
        title: Plain text; likewise.
    """
    above = f'<p class="title">{escaped(title)}</p>' if title else ""
    return f"<figure>{above}{content}{f'<figcaption>{caption}</figcaption>' if caption else ''}</figure>"


def key_figures(figures: Mapping[str, str]) -> str:
    """Returns the numbers that matter most, each above its name."""
    tiles = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in figures.items())
    return f'<dl class="figures">{tiles}</dl>'


def table(caption: str, rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Returns a table of plain texts, in a box of its own that scrolls where the page is too narrow.

    Args:
        caption: What it shows.
        rows: The cells of each row; the first is its heading.
        head: The headings of the columns, if they need any.
    """
    columns = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escaped(first)}</th>{"".join(f"<td>{escaped(value)}</td>" for value in rest)}</tr>'
        for first, *rest in rows
    )
    headings = f"<thead><tr>{columns}</tr></thead>" if head else ""
    return _in_box(caption, f"<table><caption>{escaped(caption)}</caption>{headings}<tbody>{body}</tbody></table>")


def bars(caption: str, rows: Iterable[tuple[str, float, Sequence[str]]], head: Sequence[str]) -> str:
    """Returns a table with a bar in each row.

    Args:
        caption: What it shows.
        rows: Of each row its heading, the length of its bar, at least 0, and the cells that follow.
        head: The headings of the columns, except for that of the bars.
    """
    rows = list(rows)
    longest = max((length for _, length, _ in rows), default=0) or 1
    first, *others = (f'<th scope="col">{escaped(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escaped(name)}</th><td class="bar"><i style="width:{100 * length / longest:.1f}%"></i>'
        f"</td>{''.join(f'<td>{escaped(cell)}</td>' for cell in cells)}</tr>"
        for name, length, cells in rows
    )
    headings = f"<thead><tr>{first}<td></td>{''.join(others)}</tr></thead>"
    content = f'<table class="bars"><caption>{escaped(caption)}</caption>{headings}<tbody>{body}</tbody></table>'
    return _in_box(caption, content)


def _in_box(label: str, content: str) -> str:
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(label)}">{content}</div>'
