"""A report can be read and used in a browser in every way: at any width, in both schemes, with mouse and keyboard."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from charlm import GPT, BatchSampler, CharLM, GPTConfig, TextDataset, Trainer, TrainerConfig, write_report
from charlm.data.framing import Framing
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import RunFolder
from chartok import Vocabulary
from page_checks import chromium, troubles, troubles_at_every_size

HOSTILE = "</script><script>document.title='x'</script><img src=x onerror=alert(1)>\"'&\u202e\x07\ud800"
LETTERS = "".join(chr(0x21 + place) for place in range(16))
TEXT = ("the quick brown fox jumps over the lazy dog\n" + HOSTILE + LETTERS) * 9


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT of a hostile text, so that its report has a section of each kind, in the folder of a hostile name."""
    folder = tmp_path_factory.mktemp("hostile <b> run")
    vocabulary = Vocabulary.from_text(TEXT, special_tokens=["bos", "unk"])
    never = Framing(vocabulary).context_only
    train, validation = TextDataset(vocabulary.encode(TEXT), block_size=8).split(0.9)
    shape = GPTConfig(
        vocab_size=vocabulary.size, block_size=8, n_layers=2, n_heads=2, width=8, hash_rows=8, context_only=never
    )
    config = TrainerConfig(max_steps=8, log_interval=2, evaluation_interval=4)
    batches = BatchSampler(train, batch_size=4, seed=1)
    model = GPT(shape, seed=1)
    Trainer(model, batches, validation=validation, config=config, folder=folder, vocabulary=vocabulary).fit()
    RunFolder(folder).write_description(
        RunDescription(
            text=f"{HOSTILE[9:15]}.txt",
            characters=len(TEXT),
            symbols=len(vocabulary.symbols),
            excerpt=TEXT[:400],
            settings={"seed": HOSTILE},
            machine={"processor": "<i>" * 20},
        )
    )
    return folder


@pytest.fixture(scope="module")
def report(run: Path) -> Path:
    return write_report(run)


@pytest.fixture(scope="module")
def of_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of an n-gram model, which has other sections."""
    folder = tmp_path_factory.mktemp("records")
    CharLM.fit(["anna", "hanna", HOSTILE], order=3).save(folder / "names.safetensors")
    return write_report(folder / "names.safetensors", text=["anna", "hanna"] * 40)


@pytest.fixture
def open_page(browser: Any, report: Path) -> Iterator[Any]:
    pages = []

    def opened(**settings: Any) -> Any:
        page = browser.new_page(**settings)
        page.troubles = []
        page.on("console", lambda message: page.troubles.append(message.text))
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on(
            "request", lambda request: page.troubles.append(request.url) if request.url != report.as_uri() else None
        )
        page.goto(report.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert page.troubles == []
        page.close()


def test_nothing_is_cut_off_overprinted_or_faint(browser: Any, report: Path, of_records: Path) -> None:
    assert troubles_at_every_size(browser, report.as_uri()) == []
    assert troubles_at_every_size(browser, of_records.as_uri()) == []


def test_so_it_is_between_a_phone_and_a_screen(browser: Any, report: Path) -> None:
    assert troubles_at_every_size(browser, report.as_uri(), widths=(360, 768), schemes=("dark",)) == []


def test_runs_beside_each_other_fit_on_a_phone_too(browser: Any, run: Path, of_records: Path, tmp_path: Path) -> None:
    both = write_report([run, of_records.with_suffix(".safetensors")], tmp_path / "both.html")
    assert troubles_at_every_size(browser, both.as_uri()) == []


def test_the_strongest_colors_leave_their_characters_readable(open_page: Any) -> None:
    page = open_page()
    page.evaluate("() => document.querySelectorAll('#text span').forEach(s => s.style.setProperty('--surprise', 1))")
    assert troubles(page) == []


def test_the_values_of_curves_are_told(open_page: Any) -> None:
    page = open_page()
    told, plot = page.locator("#told"), page.locator(".chart .plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    data = json.loads(page.locator(".chart").first.get_attribute("data-chart"))
    at_half = dict(data["curves"][0][1])[4]
    assert told.inner_text().startswith(f"step 4\ntraining: {at_half:.3f}"[:18])
    page.locator(".chart").first.focus()
    page.keyboard.press("End")
    assert re.match(
        r"step 8\ntraining: [\d.]+ nats per character, [\d.]+ bits per character\nvalidation: ", told.inner_text()
    )
    page.keyboard.press("ArrowLeft")
    assert told.inner_text().startswith("step 6\n")
    assert "(at " in told.inner_text()  # there is no validation loss at this step
    page.keyboard.press("Escape")
    assert told.inner_text() == ""


def test_the_table_is_hovered_and_walked(open_page: Any) -> None:
    page = open_page()
    told = page.locator("#told")
    page.hover("#heat tbody tr:nth-child(3) td:nth-of-type(2)")
    first = told.inner_text()
    assert re.fullmatch(r".+ after .+: [\d.e-]+%", first)
    page.focus("#heat-box")
    page.keyboard.press("ArrowRight")
    second = told.inner_text()
    assert second != first
    assert second.split(" after ")[1].split(":")[0] == first.split(" after ")[1].split(":")[0]
    page.keyboard.press("ArrowLeft")
    assert told.inner_text() == first


def test_a_phone_walks_past_the_columns_that_it_leaves_out(open_page: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 800})
    page.focus("#heat-box")
    page.keyboard.press("Home")
    shown = page.evaluate(
        "[...document.querySelectorAll('#heat thead th')].filter(e => e.checkVisibility()).map(e => e.textContent)"
    )
    assert len(shown) == 18
    for name in shown:
        page.keyboard.press("Home")
        for _ in range(shown.index(name) + 1):
            page.keyboard.press("ArrowRight")
        told = page.locator("#told").inner_text()
        assert told.split(" after ")[0] in shown


def test_the_text_says_what_was_likelier(open_page: Any) -> None:
    page = open_page()
    told = page.locator("#told")
    page.hover("#text span:nth-of-type(2)")
    assert re.match(r"h: [\d.]+%, [\d.]+ bits; most likely: \S+ [\d.]+%, ", told.inner_text())
    page.focus("#text")
    page.keyboard.press("End")
    last = told.inner_text()
    page.keyboard.press("Home")
    assert told.inner_text().startswith("t: ")
    assert last != told.inner_text()
    page.keyboard.press("ArrowDown")
    assert told.inner_text().startswith("&lt;"[:0] + "<: ")  # the first of the second line


def test_attention_is_shown_of_the_head_that_is_picked(open_page: Any) -> None:
    page = open_page()
    page.focus("#attention-text")
    page.keyboard.press("Home")
    assert page.locator("#told").inner_text() == "start attends to start 100% (itself)"
    page.keyboard.press("End")
    colors = "[...document.querySelectorAll('#attention-text span')].map(e => e.style.getPropertyValue('--surprise'))"
    first = page.evaluate(colors)
    assert len(first) == 8
    assert sum(float(each) ** 2 for each in first) == pytest.approx(1, abs=0.1)
    page.select_option("#attention-layer", "1")
    assert page.evaluate(colors) != first
    page.select_option("#attention-head", "-1")
    assert sum(float(each) ** 2 for each in page.evaluate(colors)) == pytest.approx(1, abs=0.1)


def test_a_cell_of_the_square_is_told(open_page: Any) -> None:
    page = open_page()
    square = page.locator("#attention-box canvas")
    size = square.bounding_box()["width"]
    told = page.locator("#told")
    square.hover(position={"x": size / 16, "y": size / 16})
    assert told.inner_text() == "start (1) attends 100% to itself"
    square.hover(position={"x": size / 16, "y": size * 15 / 16})
    assert re.fullmatch(r".+ \(8\) attends \d+% to start \(1\)", told.inner_text())
    square.hover(position={"x": size * 15 / 16, "y": size / 16})
    assert re.fullmatch(r"start \(1\) comes before .+ \(8\)", told.inner_text())
    page.mouse.move(0, 0)
    assert not told.is_visible()


def test_what_is_told_lies_within_the_window_and_hides_no_foot(open_page: Any) -> None:
    page = open_page(viewport={"width": 390, "height": 800})
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    foot = page.locator("footer").bounding_box()
    covering = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).localName", [foot["x"] + 5, foot["y"] + foot["height"] / 2]
    )
    assert covering == "footer"
    for selector in ("#text span:nth-of-type(1)", "#heat tbody tr:last-child td:last-child", "#attention-text span"):
        if page.locator(selector).first.is_visible():
            page.locator(selector).first.hover()
            box = page.locator("#told").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 800


def test_a_screen_reader_finds_its_way(open_page: Any) -> None:
    page = open_page()
    assert re.fullmatch(r"hostile <b> run\d* · charlm", page.title())
    assert page.evaluate("document.documentElement.lang") == "en"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.locator("main").count() == page.locator("h1").count() == 1
    assert page.locator("#told").get_attribute("role") == "status"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0


def test_without_scripts_all_but_the_telling_is_there(browser: Any, report: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(report.as_uri())
    assert page.locator(".chart svg").count() == 5
    assert page.locator("#text span").first.get_attribute("title")
    said = "Attention is drawn by a script, and scripts are turned off in this browser."
    assert page.locator("noscript").inner_text() == said
    assert not page.locator("#attention-box").is_visible()
    page.close()
