"""The built pages look as they should on a phone and on a screen, fetch nothing, and are found by the words people use.

``make docs`` runs this after the build; ``CHARTOK_DOCS`` names the folder of the pages. Elsewhere it is skipped.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from page_checks import chromium, troubles_at_every_size

PAGES = Path(os.environ.get("CHARTOK_DOCS", ""))
LOOKED_AT = ["index.html", "explanation/kneser-ney.html", "tutorial/transformer.html"]
WORDS = {
    "Karpathy": "notebook",
    "makemore": "howto/names",
    "anomaly": "howto/odd-lines",
    "fine-tuning": "howto/start-from-a-model",
    "overfitting": "training",
    "callback": "howto/follow-a-run",
    "Jupyter": "howto/notebooks",
}
"""What people look for, and the page that should be among the first results."""
FIRST = 6

pytestmark = pytest.mark.skipif("CHARTOK_DOCS" not in os.environ, reason="CHARTOK_DOCS names no built documentation")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def address(page: str) -> str:
    return (PAGES / page).resolve().as_uri()


@pytest.mark.parametrize("page", LOOKED_AT)
def test_nothing_overflows_or_is_faint(browser: Any, page: str) -> None:
    troubles = troubles_at_every_size(browser, address(page))
    # The tables of prose stand below a sentence that says what they are; the limits of a sum are set close to its sign.
    assert [trouble for trouble in troubles if not re.search(r"table\.table|: mo \"∑\"", trouble)] == []


@pytest.mark.parametrize("page", LOOKED_AT)
def test_a_page_fetches_nothing(browser: Any, page: str) -> None:
    tab = browser.new_page()
    fetched: list[str] = []
    tab.on("request", lambda request: fetched.append(request.url))
    tab.goto(address(page))
    tab.close()
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []


def test_formulas_are_shown_as_such(browser: Any) -> None:
    tab = browser.new_page()
    tab.goto(address("explanation/kneser-ney.html"))
    fractions = tab.eval_on_selector_all("math mfrac", "all => all.map(each => each.getBoundingClientRect().height)")
    words = tab.inner_text("article")
    tab.close()
    assert len(fractions) > 4
    assert min(fractions) > 20
    assert "frac" not in words


@pytest.mark.parametrize("word", WORDS)
def test_the_words_that_people_use_find_the_right_page(browser: Any, word: str) -> None:
    tab = browser.new_page()
    tab.goto(f"{address('search.html')}?q={word}")
    tab.wait_for_selector("#search-results ul.search li a")
    links = tab.eval_on_selector_all("#search-results ul.search li a", "links => links.map(link => link.href)")
    tab.close()
    assert any(link.split("?")[0].split("#")[0].endswith(f"/{WORDS[word]}.html") for link in links[:FIRST]), links[
        :FIRST
    ]


def test_every_class_has_a_page_with_a_link_to_its_source() -> None:
    pages = sorted((PAGES / "reference" / "classes").glob("*.html"))
    assert len(pages) > 50
    # A protocol or an alias may have no source of its own to show.
    without = [page.stem for page in pages if "viewcode-link" not in page.read_text("utf-8")]
    assert not without


def test_no_page_has_a_column_for_pages_below_it_without_any() -> None:
    empty = [page.stem for page in PAGES.glob("*.html") if has_empty_column(page.read_text("utf-8"))]
    assert not empty


def has_empty_column(page: str) -> bool:
    return "Section Navigation" in page and "toctree-l1" not in page


def test_no_code_of_a_class_is_wider_than_its_column(browser: Any) -> None:
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.goto(address("reference/classes/charlm.CharLM.html"))
    wide = tab.evaluate(
        "[...document.querySelectorAll('pre')].filter(code => code.scrollWidth > code.clientWidth).length"
    )
    tab.close()
    assert wide == 0


def test_copied_code_has_no_prompts(browser: Any) -> None:
    tab = browser.new_page()
    tab.goto(address("index.html"))
    tab.wait_for_selector("button.copybtn", state="attached")
    tab.evaluate("document.addEventListener('copy', () => { window.copied = document.activeElement.value; })")
    tab.evaluate("document.querySelectorAll('div.highlight-pycon button.copybtn')[1].click()")
    copied = tab.evaluate("window.copied")
    tab.close()
    assert copied.startswith("from charlm import CharLM\nlm = CharLM.fit(dinosaurs)")
    assert "tarosaurus" not in copied
