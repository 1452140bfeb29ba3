"""A report is whole by itself, says what the run folder holds, and can be used in a browser in every way."""

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    CheckpointCorruptError,
    TextDataset,
    Trainer,
    TrainerConfig,
    read_log,
    save_model,
    write_report,
)
from charlm.cli.app import main
from charlm.data.framing import Framing
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import RunFolder
from charlm.models.bigram.table import BigramTable
from charlm.report.transitions import MOST_SYMBOLS, heat_map, transitions
from charlm.training.curves import BOTTOM, HEIGHT, TOP, Axis, Curve, chart, thinned, ticks
from chartok import Vocabulary

HOSTILE = "</script><script>document.title='x'</script><img src=x onerror=alert(1)>\"'&\u202e\x07\ud800"
TEXT = ("the quick brown fox jumps over the lazy dog\n" + HOSTILE) * 9


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile <b> run")
    vocabulary = Vocabulary.from_text(TEXT, special_tokens=["bos", "unk"])
    train, validation = TextDataset(vocabulary.encode(TEXT), block_size=8).split(0.9)
    model = BigramLanguageModel(vocabulary.size, context_only=Framing(vocabulary).context_only)
    config = TrainerConfig(max_steps=40, learning_rate=0.05, log_interval=2, evaluation_interval=20)
    batches = BatchSampler(train, batch_size=4, seed=1)
    Trainer(model, batches, validation=validation, config=config, folder=folder, vocabulary=vocabulary).fit()
    save_model(folder / "model.safetensors", model, vocabulary)
    description = RunDescription(
        text=f"{HOSTILE[9:15]}.txt",
        characters=len(TEXT),
        symbols=len(vocabulary.symbols),
        excerpt=TEXT[:120],
        settings={"seed": HOSTILE},
        machine={"processor": "<i>"},
    )
    RunFolder(folder).write_description(description)
    return folder


@pytest.fixture(scope="module")
def report(run: Path) -> Path:
    write_report(run, run / "report.html")
    return run / "report.html"


def test_a_report_holds_every_section_and_refers_to_nothing_outside(report: Path) -> None:
    html = report.read_text(encoding="utf-8")
    assert re.findall("<h2[^>]*>([^<]*)", html) == [
        "Learning", "Surprise, character by character", "Character transitions", "Samples", "Settings and machine",
    ]  # fmt: skip
    assert not re.search(r"(?:src|href)=[\"'](?!#)|url\(|@import|https?:", re.sub("<pre.*?</pre>", "", html))
    assert html.count("<script>") == html.count("</script>") == 1
    assert "<img" not in html
    assert "<i>" not in html.replace("<i></i>", "")


@pytest.mark.parametrize("family", ["ngram", "records"])
def test_a_model_file_alone_is_enough(tmp_path: Path, family: str) -> None:
    lm = CharLM.fit(["anna", "hanna"] if family == "records" else TEXT, order=3)
    lm.save(tmp_path / "model.safetensors")
    write_report(tmp_path / "model.safetensors", tmp_path / "report.html", text="anna")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "There is no training log" in html
    assert html.count('<span style="--surprise') == 4 + (family == "records")


def test_the_norm_of_the_gradient_is_a_curve(run: Path, report: Path) -> None:
    norms = [entry.gradient_norm for entry in read_log(run)]
    assert None not in norms
    shown = report.read_text(encoding="utf-8")
    assert f'aria-label="Gradient norm: norm from {norms[0]:.4g} at step' in shown


def test_the_same_run_gives_the_same_report(run: Path, report: Path, tmp_path: Path) -> None:
    write_report(run, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == report.read_bytes()
    write_report(run, tmp_path / "other.html", seed=1)
    assert (tmp_path / "other.html").read_bytes() != report.read_bytes()


def test_a_run_that_cannot_be_read_leaves_an_old_report(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (tmp_path / "report.html").write_text("old")
    (copy / "log.jsonl").write_text("no entry\n")
    with pytest.raises(ValueError, match="is not a log entry"):
        write_report(copy, tmp_path / "report.html")
    (copy / "model.safetensors").write_text("no model")
    with pytest.raises(CheckpointCorruptError):
        write_report(copy, tmp_path / "report.html")
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "missing", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == "old"


def test_a_large_vocabulary_shows_its_frequent_characters() -> None:
    text = "".join(chr(0x4E00 + place) for place in range(300)) + "abab" * 99
    lm = CharLM.fit(text, "bigram")
    table = transitions(lm)
    assert len(table.symbols) == MOST_SYMBOLS
    assert {"a", "b"} <= set(table.symbols)
    assert table.left_out == 302 - MOST_SYMBOLS
    assert heat_map(table).count("<td style") == MOST_SYMBOLS**2


def test_the_rows_of_a_large_vocabulary_are_never_all_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    characters = [chr(0x4E00 + place) for place in range(300)]
    lm = CharLM.fit("".join(character * place for place, character in enumerate(characters, 1)), "bigram")
    expected = transitions(lm)
    start, rows = BigramTable.start, []

    def counting(model: BigramTable, prompts: NDArray[np.int64]) -> Any:
        rows.append(len(prompts))
        return start(model, prompts)

    monkeypatch.setattr(BigramTable, "start", counting)
    monkeypatch.setattr("charlm.report.transitions.ROWS_AT_ONCE", 70)
    table = transitions(lm)
    assert table.symbols == expected.symbols == characters[-MOST_SYMBOLS:]
    np.testing.assert_allclose(table.probabilities, expected.probabilities)
    assert max(rows) == MOST_SYMBOLS


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [0.0, 0.0], [1e-9, 3e-9], [1e9, 5.0], [-3.0, 4.0]])
def test_any_values_can_be_drawn(values: list[float]) -> None:
    points = [(float(step), value) for step, value in enumerate(values, 1)]
    svg = chart("Loss", [Curve(name="train", points=points)], Axis(label="nats"), Axis(label="bits", factor=1.44))
    assert "nan" not in svg
    heights = [float(height) for height in re.findall(r" [\d.]+,([\d.-]+)", svg.split('points="')[1].split('"')[0])]
    assert all(0 <= height <= 300 for height in heights)


@pytest.mark.parametrize("value", [3e-4, 1.0, 500.0])
def test_a_value_that_stays_is_drawn_at_mid_height_between_two_ticks(value: float) -> None:
    svg = chart("Rate", [Curve(name="rate", points=[(1.0, value), (2.0, value)])], Axis(label="rate"))
    assert svg.count('class="grid"') >= 2
    height = float(svg.split('points="')[1].split(",")[1].split(" ")[0])
    assert height == pytest.approx((TOP + HEIGHT - BOTTOM) / 2, abs=1)


def test_a_long_curve_is_thinned_from_end_to_end() -> None:
    points = [(float(step), 1.0) for step in range(100_003)]
    kept = thinned(points)
    assert len(kept) <= 1001
    assert (kept[0], kept[-1]) == (points[0], points[-1])


def test_ticks_are_round_and_inside() -> None:
    for lowest, highest in ((0.0, 1.0), (1.37, 1.39), (-5.0, 3.0), (0.0, 12345.0)):
        found = ticks(lowest, highest)
        assert 2 <= len(found) <= 8
        assert all(lowest - 1e-9 <= tick <= highest + 1e-9 for tick in found)


# ------------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium here")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


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


def test_the_table_is_hovered_and_walked(open_page: Any) -> None:
    page = open_page()
    told = page.locator("#heat-told")
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


def test_the_text_says_what_was_likelier(open_page: Any) -> None:
    page = open_page()
    told = page.locator("#text-told")
    page.hover("#text span:nth-of-type(2)")
    assert re.match(r"h: [\d.]+%, [\d.]+ bits; likeliest: . [\d.]+%, ", told.inner_text())
    page.focus("#text")
    page.keyboard.press("End")
    last = told.inner_text()
    page.keyboard.press("Home")
    assert told.inner_text().startswith("t: ")
    assert last != told.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(open_page: Any, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    selectors = [
        "h1",
        "h2",
        ".lead",
        "p",
        "dt",
        "figcaption",
        "summary",
        ".heat th",
        ".tables th",
        ".tables td",
        "pre",
        "footer",
    ]
    for selector in selectors:
        assert contrast(page, selector) >= 4.5, selector
    page.evaluate(
        "() => { const spans = [...document.querySelectorAll('#text span')];"
        "spans.sort((a, b) => b.style.getPropertyValue('--surprise') - a.style.getPropertyValue('--surprise'));"
        "spans[0].id = 'strongest' }"
    )
    assert contrast(page, "#strongest") >= 4.5


def contrast(page: Any, selector: str) -> float:
    """Returns the contrast of WCAG 2 between the text of an element and the colours behind it."""
    layers = page.eval_on_selector(
        selector,
        """element => {
            const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            const rgba = (color) => {
                canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data];
            };
            const layers = [rgba(getComputedStyle(element).color)];
            for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
            return layers;
        }""",
    )
    behind = [255.0, 255.0, 255.0]
    for *color, alpha in reversed(layers[1:]):
        behind = [under + (over - under) * alpha / 255 for over, under in zip(color, behind, strict=True)]
    darker, lighter = sorted((luminance(layers[0][:3]), luminance(behind)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: list[float]) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_phone_scrolls_down_alone(open_page: Any) -> None:
    page = open_page(viewport={"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_screen_reader_finds_its_way(open_page: Any) -> None:
    page = open_page()
    assert re.fullmatch(r"hostile <b> run\d* · charlm", page.title())
    assert page.evaluate("document.documentElement.lang") == "en"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.locator("main").count() == page.locator("h1").count() == 1
    nameless = page.evaluate(
        "[...document.querySelectorAll('svg, table, [role=region], [role=group]')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.querySelector('caption')?.textContent)).length"
    )
    assert nameless == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0


def test_without_scripts_all_but_the_telling_is_there(browser: Any, report: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(report.as_uri())
    assert page.locator("svg.chart").count() == 4
    assert page.locator("#text span").first.get_attribute("title")
    page.close()


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfanna\r\nhanna\r\n", b"anna;hanna;"])
def test_records_are_colored_as_records_with_the_end_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    lm = CharLM.fit(["anna", "hanna", "joanna"], order=3)
    lm.save("names.safetensors")
    Path("names.txt").write_bytes(content)
    typed = ["--delimiter", ";"] if b";" in content else []
    assert main(["report", "names.safetensors", "--text", "names.txt", "--out", "report.html", *typed]) == 0
    html = Path("report.html").read_text(encoding="utf-8")
    spans = [f"{''.join(lm.inspect(name).spans())}" for name in ("anna", "hanna")]
    assert "<br>".join(spans) in html
    assert html.count(">end</span>") == 2
    Path("empty.txt").touch()
    CharLM.fit(TEXT, order=3).save("text.safetensors")
    for model in ("names.safetensors", "text.safetensors"):
        assert main(["report", model, "--text", "empty.txt", "--out", "empty.html"]) == 1
        assert capsys.readouterr().err == "charlm: 'empty.txt': text is empty: there is nothing to color\n"
    assert not Path("empty.html").exists()
    Path("other.txt").write_bytes(b"anna\nbob\n")
    refused = ["report", "names.safetensors", "--text", "other.txt", "--errors", "strict"]
    assert main(refused) == 1
    assert "character 1 of line 2 of 'other.txt' is U+0062 'b'" in capsys.readouterr().err
    RunFolder(tmp_path).write_description(
        RunDescription(text="a", characters=9, symbols=4, excerpt="anna\nhanna", settings={"model": "ngram"})
    )
    lm.save("model.safetensors")
    assert "<br>".join(spans) in write_report(tmp_path, "own.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="text must be one str for a model of text"):
        write_report("text.safetensors", text=["anna"])
