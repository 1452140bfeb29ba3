"""What is wrong with a page as a browser lays it out: text cut off, overprinted or faint, controls without names."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WIDTHS = (390, 1440)
"""Of a phone and of a screen, in pixels."""
SCHEMES = ("light", "dark")
LEAST_CONTRAST = 4.5
"""Of level AA of WCAG 2, for text of any size."""

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


@contextmanager
def chromium() -> Iterator[Any]:
    """Yields a browser of Playwright; skips the test where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium here")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=120_000)
        try:
            yield browser
        finally:
            browser.close()


def troubles(page: Any, least_contrast: float = LEAST_CONTRAST) -> list[str]:
    """Returns the defects of a page as it is laid out now, a sentence each; see ``page_checks.js``.

    Nothing may be wider than the window or cut off, no two texts may lie over each other, all text must stand out from
    what is behind it, and every control and table needs a name for screen readers.

    Args:
        page: A page of Playwright.
        least_contrast: The least contrast of text, by WCAG 2.
    """
    found: list[str] = page.evaluate(_SCRIPT, least_contrast)
    return found


def troubles_at_every_size(
    browser: Any, url: str, widths: tuple[int, ...] = WIDTHS, schemes: tuple[str, ...] = SCHEMES
) -> list[str]:
    """Returns the defects of a page that was just opened, in windows of several widths and in both color schemes."""
    found = []
    for width in widths:
        for scheme in schemes:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.goto(url)
            found += [f"{width} px, {scheme}: {trouble}" for trouble in troubles(page)]
            page.close()
    return found
