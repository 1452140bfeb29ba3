"""``python docs/figures/play_picture.py``: the picture of a page to play with in ``docs/howto/play.md``.

Needs Playwright, Chromium and Pillow. The picture is made by hand, since it depends on the fonts of a machine.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from charlm import CharLM, python_docs, write_play

PICTURE = Path(__file__).parents[1] / "images" / "play.png"
WIDTH, HEIGHT = 1180, 645
COLORS = 48
TEXT = "If the key is not found, look on the sofa or re"
"""What stands there: the model knows how it begins, is surprised by its end, and has an idea of how it goes on."""


def picture(play: Path) -> Image.Image:
    """Returns the top of a page to play with, in few colors, with a text in it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(play.as_uri())
        page.locator("#bars li").first.wait_for()
        taken = page.screenshot(animations="disabled")
        browser.close()
    return Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        lm, path = CharLM.fit(python_docs()), Path(folder, "play.html")
        picture(write_play(lm, path, title="Python's documentation", text=TEXT)).save(PICTURE, optimize=True)
