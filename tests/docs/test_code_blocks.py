"""Blocks of code end with their last line."""

from typing import Any

from docutils import nodes
from docutils.utils import new_document

from code_blocks import trim_blocks


def trimmed(block: nodes.literal_block) -> nodes.literal_block:
    page = new_document("page")
    page += block
    app: Any = None
    trim_blocks(app, page)
    return block


def test_empty_lines_at_the_end_of_a_block_are_taken_away() -> None:
    block = trimmed(nodes.literal_block(">>> 1\n1\n\n", ">>> 1\n1\n\n"))
    assert block.astext() == block.rawsource == ">>> 1\n1"


def test_lines_within_a_block_and_spaces_before_it_stay() -> None:
    source = "  a\n\n\n  b"
    assert trimmed(nodes.literal_block(source, source)).astext() == source


def test_a_block_with_markup_stays_as_it_is() -> None:
    block = nodes.literal_block("*a*\n\n", "", nodes.emphasis("", "a"), nodes.Text("\n\n"))
    assert isinstance(trimmed(block)[0], nodes.emphasis)
