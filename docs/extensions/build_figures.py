"""Makes what pages show of the library's own work, in each build, in ``_build/figures``; checks the pictures.

``docs/images`` has the pictures that ``docs/figures`` draws. One that is no longer what its script draws is a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

import draw
import surprising

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PLAYGROUND = Path("_static", "play.html")
"""The page of the landing page's running model, in the sources."""
FRAME = """<p><strong>Try a model.</strong> It runs in this page: type, and see what it expects next.</p>
<iframe class="playground" src="{page}" title="A language model to try out" loading="lazy"></iframe>
"""
LOGGER = logging.getLogger(__name__)


def make(app: Sphinx) -> None:
    """Makes the parts of the landing page, and compares the pictures with what is drawn now."""
    folder = Path(app.srcdir, "_build", "figures")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "surprise.html").write_text(surprising.paragraph(), encoding="utf-8")
    frame = FRAME.format(page=PLAYGROUND.as_posix()) if Path(app.srcdir, PLAYGROUND).exists() else ""
    (folder / "playground.html").write_text(frame, encoding="utf-8")
    for name, picture in draw.PICTURES.items():
        path = draw.IMAGES / f"{name}.svg"
        if not path.exists() or path.read_text("utf-8") != picture().svg():
            LOGGER.warning("%s is not what is drawn now: run docs/figures/draw.py", path)


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the step."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
