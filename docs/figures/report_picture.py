"""``python docs/figures/report_picture.py RUN``: the picture of a report in ``docs/report.md``, from a run of a GPT.

Needs Playwright, Chromium and Pillow. The picture is made by hand, since it shows how long the run took.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from charlm import write_report

PICTURE = Path(__file__).parents[1] / "images" / "report.png"
WIDTH, HEIGHT = 1180, 1640
COLORS = 48


def picture(report: Path) -> Image.Image:
    """Returns the top of a report, in few colors, with what is told at a character."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.as_uri())
        page.locator("#text span").nth(90).hover()
        taken = page.screenshot()
        browser.close()
    return Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        picture(write_report(sys.argv[1], Path(folder, "report.html"))).save(PICTURE, optimize=True)
