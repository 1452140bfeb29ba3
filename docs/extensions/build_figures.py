"""Makes what pages show of the library's own work, in each build, in ``_build/figures``; checks the pictures.

``docs/images`` has the pictures that ``docs/figures`` draws. If one is no longer what its script draws, the build
warns.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

import draw
import surprising
from charlm import CharLM, write_play
from dinosaurs import DINOSAURS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LOGGER = logging.getLogger(__name__)


def make(app: Sphinx) -> None:
    """Colors a paragraph for the landing page, and compares the pictures with what is drawn now."""
    folder = Path(app.srcdir, "_build", "figures")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "surprise.html").write_text(surprising.paragraph(), encoding="utf-8")
    for name, picture in draw.PICTURES.items():
        path = draw.IMAGES / f"{name}.svg"
        if not path.exists() or path.read_text("utf-8") != picture().svg():
            LOGGER.warning("%s is not what is drawn now: run docs/figures/draw.py", path)


def write_playground(app: Sphinx, exception: Exception | None) -> None:
    """Writes the page with the running model, which the landing page shows in a frame."""
    if exception is None and app.builder.format == "html":
        write_play(CharLM.fit(DINOSAURS), Path(app.outdir, "_static", "play.html"), title="Dinosaurs")


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the steps."""
    app.connect("builder-inited", make)
    app.connect("build-finished", write_playground)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
