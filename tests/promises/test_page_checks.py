"""What the checks of pages find is wrong, and what is right they pass."""

from collections.abc import Iterator
from typing import Any

import pytest

from page_checks import chromium, troubles


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with chromium() as browser:
        yield browser.new_page(viewport={"width": 400, "height": 400})


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ("<div style='width:500px'>wide</div>", 'div "wide" ends 108 px right of the window'),
        (
            "<div style='width:50px;overflow:hidden;white-space:nowrap'>too long a word</div>",
            'div "too long a word" is cut off at its right',
        ),
        (
            "<svg role=img aria-label=a width=99 height=50><text x=80 y=20>long</text></svg>",
            'text "long" is cut off at the edge of its drawing',
        ),
        ("<p>below</p><p style='margin-top:-2em'>above</p>", 'p "below" and p "above" overlap'),
        ("<p style='color:#888'>faint</p>", 'p "faint" has a contrast of 3.54'),
        ("<p style='opacity:.4'>half</p>", 'p "half" has a contrast of 2.85'),
        ("<button></button>", "button has no name for screen readers"),
        ("<input placeholder='a name' style='color:#777'>", "input has no name for screen readers"),
    ],
)
def test_a_defect_is_found(page: Any, content: str, trouble: str) -> None:
    page.set_content(f"<!doctype html><body style='background:#fff;color:#000'>{content}")
    assert trouble in troubles(page)


@pytest.mark.parametrize(
    "content",
    [
        "<p style='line-height:1'>one line<br>over another <b>with</b> parts</p>",
        "<div style='width:50px;overflow:auto;white-space:nowrap'>what scrolls</div>",
        "<p style='position:absolute;left:-99rem'>for screen readers</p>",
        "<p hidden style='color:#fff'>hidden</p>",
        "<label>Name <input placeholder='a name'></label>",
        "<button disabled style='color:#ccc'>not now</button>",
    ],
)
def test_what_is_right_passes(page: Any, content: str) -> None:
    page.set_content(f"<!doctype html><body style='background:#fff;color:#000'>{content}")
    assert troubles(page) == []
