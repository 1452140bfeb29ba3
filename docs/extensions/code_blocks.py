"""Takes the empty lines from the end of each block of code: doctest needs one before a fence, and readers none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def trim_blocks(_app: Sphinx, page: nodes.document) -> None:
    """Takes them from the blocks of a page, and leaves those that have markup in them as they are."""
    for block in page.findall(nodes.literal_block):
        text = block.astext()
        if block.rawsource == text and text != text.rstrip():
            block.rawsource = text.rstrip()
            block[:] = [nodes.Text(block.rawsource)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the step."""
    app.connect("doctree-read", trim_blocks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
