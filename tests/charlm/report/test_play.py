"""A page to play with a model is whole by itself, runs nothing but its own scripts, and can be used in every way."""

import base64
import gzip
import hashlib
import json
import re
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM, CheckpointCorruptError, GPTConfig, MixtureLanguageModel, write_play
from charlm.cli.app import main
from charlm.data.framing import Framing
from charlm.files.run_folder import RunFolder
from charlm.models.registry import as_language_model
from charlm.report.play import MOST_CHARACTERS
from chartok.markup import visible
from lively_gpt import lively
from page_checks import chromium, troubles, troubles_at_every_size

TEXT = "the cat sat on the mat. the dog sat on the log.\nthe owl ate the rat and the fox ate the hen.\n" * 4
NAMES = ["anna", "hanna", "joanna", "johanna", "emma", "ella", "olivia", "mia", "ava", "noah"] * 3
HOSTILE = (
    "</script><script>document.title='x'</script><!--<img src=x onerror=alert(1)>\"'&"
    "\u202e\u2066\x07\x1b\u200b\xa0\x85e\u0301"
)
MANY = "".join(map(chr, range(0xE000, 0xE000 + 600)))
"""More private characters than there are signs of the usual kinds."""
READY = "#main:not([hidden])"


@pytest.fixture(scope="module")
def lm() -> CharLM:
    return CharLM.fit(TEXT, order=4)


@pytest.fixture(scope="module")
def of_names() -> CharLM:
    return CharLM.fit(NAMES, order=4)


def mixture(lm: CharLM) -> CharLM:
    vocabulary = lm.vocabulary
    never = Framing(vocabulary).context_only
    config = GPTConfig(vocab_size=vocabulary.size, block_size=8, n_layers=2, n_heads=2, width=8, context_only=never)
    return CharLM(MixtureLanguageModel([lively(config), as_language_model(lm.stored)]), vocabulary)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, lm: CharLM, of_names: CharLM) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    hostile = CharLM.fit((HOSTILE + "abc") * 5, order=3)
    certain = CharLM.fit(["anna", "hanna", "joanna", "zo\u00eb"] * 9, "bigram", smoothing=0)
    return {
        "text": write_play(lm, folder / "text.html", text="the cat sat", title="A cat"),
        "names": write_play(of_names, folder / "names.html"),
        "mixture": write_play(mixture(lm), folder / "mixture.html", text="the cat sat on"),
        "surrogate": write_play(CharLM.fit("ab\ud83d" * 30), folder / "surrogate.html", text="a\U0001f600b"),
        "replacement": write_play(
            CharLM.fit("abc\ufffd" * 30), folder / "replacement.html", text="a\xa0\u200d\ufffd\u2460\u202eb"
        ),
        "many": write_play(CharLM.fit((MANY + "a") * 2, "bigram"), folder / "many.html", text=MANY),
        "one": write_play(CharLM.fit("aaaa", order=1), folder / "one.html", text="a"),
        "certain": write_play(certain, folder / "certain.html"),
        "hostile": write_play(hostile, folder / "hostile.html", text=HOSTILE, title=HOSTILE),
    }


# -------------------------------------------------------------------------------------------------------- the file


def test_a_page_refers_to_nothing_outside_and_lets_only_its_own_scripts_run(pages: dict[str, Path]) -> None:
    for path in pages.values():
        html = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:src|href)=[\"'](?!#)|url\(|@import|https?://(?!www\.w3\.org/2000/svg)", html)
        scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
        (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
        hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
        assert len(hashes) == 3
        assert policy.split("; ")[:2] == [
            "default-src 'none'", "script-src " + " ".join(f"'sha256-{each}'" for each in hashes),
        ]  # fmt: skip
        assert html.count("<script") == html.count("</script>") == 5
        assert "<img" not in html


def test_a_page_lies_beside_what_it_was_made_from(tmp_path: Path, lm: CharLM) -> None:
    lm.save(tmp_path / "cats.safetensors")
    assert write_play(tmp_path / "cats.safetensors") == tmp_path / "cats.play.html"
    run = tmp_path / "run of cats"
    run.mkdir()
    lm.save(run / "model.safetensors")
    assert write_play(run) == run / "play.html"
    assert "<h1>run of cats</h1>" in (run / "play.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="both a source and the destination"):
        write_play(run, run / "model.safetensors")


def test_the_same_model_gives_the_same_page(tmp_path: Path, lm: CharLM) -> None:
    first, again = (write_play(lm, tmp_path / name, title="a").read_bytes() for name in ("a.html", "b.html"))
    assert first == again


def size_of_model(page: Path) -> int:
    (model,) = re.findall('id="charlm-model">([^<]*)', page.read_text(encoding="utf-8"))
    return len(model)


def test_an_n_gram_model_is_pruned_to_a_size_and_another_is_refused_with_its_size(tmp_path: Path, lm: CharLM) -> None:
    path = write_play(lm, tmp_path / "play.html")
    content, said = path.read_bytes(), list[str]()
    size = size_of_model(path)
    write_play(lm, path, max_bytes=size)
    assert path.read_bytes() == content
    assert said == []
    assert size_of_model(write_play(lm, path, max_bytes=size - 100, note=said.append)) <= size - 100
    assert re.match(r"\d+ of \d+ n-grams are kept", said[0])
    path.write_bytes(content)
    with pytest.raises(ValueError, match="max_bytes of 100 is too small"):
        write_play(lm, path, max_bytes=100)
    with pytest.raises(ValueError, match=r"the model takes [\d,]+ bytes in a page, and 300 is the most"):
        write_play(CharLM.fit(TEXT, "bigram"), path, max_bytes=300)
    assert path.read_bytes() == content


def test_a_text_is_cut_to_what_the_page_takes(tmp_path: Path, lm: CharLM) -> None:
    said = list[str]()
    html = write_play(lm, tmp_path / "play.html", text="\u65e5" * 5000 + "!", note=said.append).read_text("utf-8")
    (settings,) = re.findall('id="charlm-settings">([^<]*)', html)
    assert json.loads(settings)["text"] == "\u65e5" * 5000
    assert said == ["the page begins with 5,000 of the 5,001 characters of the text: it takes no more"]
    write_play(lm, tmp_path / "play.html", text="a" * 5000, note=said.append)
    assert len(said) == 1
    assert f"const MOST_CHARACTERS = {MOST_CHARACTERS};" in html


def test_what_cannot_be_made_a_page_is_refused(tmp_path: Path, lm: CharLM) -> None:
    with pytest.raises(ValueError, match="path must be given for a model that is not in a file"):
        write_play(lm)
    with pytest.raises(TypeError, match="source must be a run folder, a model file or a CharLM, got AdaptiveCharLM"):
        write_play(CharLM.fit("abc" * 9).adaptive(), tmp_path / "play.html")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match="text must be a str"):
        write_play(lm, tmp_path / "play.html", text=["a"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="title must be a str"):
        write_play(lm, tmp_path / "play.html", title=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="max_bytes must be"):
        write_play(lm, tmp_path / "play.html", max_bytes=1.5)  # type: ignore[arg-type]
    (tmp_path / "no.safetensors").write_text("no model")
    with pytest.raises(CheckpointCorruptError):
        write_play(tmp_path / "no.safetensors")
    with pytest.raises(FileNotFoundError):
        write_play(tmp_path / "missing.safetensors")
    assert not list(tmp_path.glob("*.html"))


# ------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lm: CharLM) -> str:
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    lm.save("cats.safetensors")
    return "cats.safetensors"


def test_the_command_writes_a_page_and_says_where(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["--prompt", r"the\ncat", "--title", "Cats", "--out", "play.html"]
    assert main(["play", model, *typed]) == 0
    assert capsys.readouterr() == ("saved to play.html\n", "")
    html = Path("play.html").read_text(encoding="utf-8")
    assert r'"text": "the\ncat"' in html
    assert "<h1>Cats</h1>" in html
    assert main(["play", model, "--max-bytes", str(size_of_model(Path("play.html")) - 100)]) == 0
    assert "n-grams are kept" in capsys.readouterr().err


def test_the_command_opens_the_page(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = list[str]()

    def opens(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", opens)
    assert main(["play", model, "--open"]) == 0
    assert opened == [Path("cats.play.html").resolve().as_uri()]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("display", [None, ":0"])
def test_without_a_display_or_a_browser_the_command_says_what_to_open(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], display: str | None
) -> None:
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert main(["play", model, "--open"]) == 0
    said = "charlm: there is no display to open it on: open cats.play.html in a browser\n"
    assert capsys.readouterr() == ("saved to cats.play.html\n", said)


# ----------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


Opener = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path]) -> Iterator[Opener]:
    """Opens a page, of which nothing may be said in the console and nothing be requested."""
    opened_pages = []

    def opens(name: str, **settings: Any) -> Any:
        url = pages[name].as_uri()
        page = browser.new_page(**settings)
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: None if request.url == url else page.said.append(request.url))
        page.goto(url)
        page.wait_for_selector(READY)
        opened_pages.append(page)
        return page

    yield opens
    for page in opened_pages:
        assert page.said == []
        page.close()


def drawn(page: Any, name: str) -> list[float]:
    """Returns a number with which each symbol of the text is drawn."""
    numbers: list[float] = page.eval_on_selector_all(
        "#sheet span:not(.end)",
        "(spans, name) => spans.map((e) => Number(e.style.getPropertyValue(name)))",
        f"--{name}",
    )
    return numbers


def text_of(page: Any) -> str:
    value: str = page.input_value("#text")
    return value


def bars_of(page: Any) -> list[str]:
    """Returns what a screen reader says of each bar."""
    return [bar.get_attribute("aria-label") for bar in page.locator(".bar:visible").all()]


@pytest.mark.parametrize("name", ["text", "names"])
def test_nothing_overflows_overlaps_is_faint_or_has_no_name(browser: Any, pages: dict[str, Path], name: str) -> None:
    assert troubles_at_every_size(browser, pages[name].as_uri()) == []


def test_the_narrowest_phone_and_the_strongest_colors_are_readable(opened: Opener) -> None:
    for scheme in ("light", "dark"):
        page = opened("hostile", viewport={"width": 360, "height": 700}, color_scheme=scheme)
        page.evaluate(
            "() => { const sheet = document.getElementById('sheet'); sheet.style.color = 'var(--ink)';"
            "for (const span of sheet.children) span.style.setProperty('--surprise', 1); }"
        )
        assert [trouble for trouble in troubles(page) if "overlap" not in trouble] == []


def test_what_is_typed_is_colored_and_what_comes_next_follows_the_caret(opened: Opener, lm: CharLM) -> None:
    page = opened("text")
    assert text_of(page) == "the cat sat"
    expected = [min(bits / 10, 1) for bits in lm.inspect("the cat sat").bits.tolist()]
    assert drawn(page, "surprise") == pytest.approx(expected, abs=6e-3)
    assert bars_of(page)[0] == "space, 95%"
    page.focus("#text")
    page.keyboard.type(" on")
    assert text_of(page) == "the cat sat on"
    assert page.locator("#where").inner_text() == "After “…e␣cat␣sat␣on”"
    for _ in "t on":
        page.keyboard.press("ArrowLeft")
    assert page.locator("#where").inner_text() == "After “the␣cat␣sa”"
    assert bars_of(page)[0] == "t, 98%, is in the text"
    assert re.match(r"“t”: [\d.]+%, [\d.]+ bits, the most likely character here\.", page.locator("#told").inner_text())
    page.keyboard.insert_text("nd wa")  # as a paste does
    assert text_of(page) == "the cat sand wat on"
    assert page.locator("#sheet span").count() == len("the cat sand wat on") + 1
    assert page.locator("#said").inner_text() == ""  # a screen reader is not interrupted by each key


def test_what_is_composed_is_taken_and_what_is_too_long_is_cut(opened: Opener) -> None:
    page = opened("text")
    page.focus("#text")
    composing = page.context.new_cdp_session(page)
    for text in ("e", "é"):
        composing.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})
        assert text_of(page) == f"the cat sat{text}"
    composing.send("Input.insertText", {"text": "é"})
    assert text_of(page) == "the cat saté"
    page.keyboard.press("ArrowLeft")
    assert "one of the characters that the model does not know" in page.locator("#told").inner_text()
    page.fill("#text", "the cat " * 700)
    assert text_of(page) == ("the cat " * 700)[:5000]
    said = "This page reads 5,000 characters at most: the rest was cut off"
    assert page.locator("#said").inner_text() == said


def caret_of(page: Any) -> int:
    place: int = page.evaluate("document.getElementById('text').selectionStart")
    return place


def typed_at(page: Any, place: int, keys: str) -> None:
    page.focus("#text")
    page.evaluate("(place) => document.getElementById('text').setSelectionRange(place, place)", place)
    page.keyboard.type(keys)


def test_what_is_typed_into_a_full_text_stays_together_and_the_end_of_the_text_goes(opened: Opener) -> None:
    page = opened("text")
    full = "abcdefghij" * 500
    page.fill("#text", full)
    typed_at(page, 0, "XYZ")
    assert text_of(page) == "XYZ" + full[:-3]
    assert caret_of(page) == 3
    composing = page.context.new_cdp_session(page)
    for text in ("e", "\u00e9"):
        composing.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})
    composing.send("Input.insertText", {"text": "\u00e9"})
    page.keyboard.type("Q")
    assert text_of(page) == "XYZ\u00e9Q" + full[:-5]


def test_a_cut_or_a_symbol_is_never_half_a_character(opened: Opener) -> None:
    page = opened("surrogate")
    assert page.locator("#figures").inner_text().endswith(" 3 characters")
    page.fill("#text", "a" + "\U0001f600" * 5000)
    assert text_of(page) == "a" + "\U0001f600" * 4999


def copied(page: Any) -> str:
    """Returns what is copied of the whole text."""
    page.focus("#text")
    page.evaluate("document.getElementById('text').select()")
    text: str = page.evaluate(
        "() => { let text; document.addEventListener('copy', (e) => { text = e.clipboardData.getData('text/plain'); },"
        "{ once: true }); document.execCommand('copy'); return text; }"
    )
    return text


def test_hidden_characters_that_the_model_does_not_know_stay_what_they_are(opened: Opener) -> None:
    page = opened("replacement")
    began = "a\xa0\u200d\ufffd\u2460\u202eb"  # U+2460 is the first of the stand-ins
    assert text_of(page) == "a\u2460\u2461\ufffd\u2462\u2463b"
    signs = page.locator("#signs").inner_text()
    assert signs.endswith(": \u2460 is U+00A0, \u2461 is U+200D, \u2462 is \u2460, \u2463 is U+202E.")
    typed_at(page, 7, "c")
    assert copied(page) == began + "c"
    typed_at(page, 2, "")
    page.keyboard.press("ArrowLeft")
    assert "does not know" in page.locator("#told").inner_text()


def test_any_number_of_hidden_characters_stay_what_they_are(opened: Opener) -> None:
    page = opened("many")
    typed_at(page, 0, "a")
    assert copied(page) == "a" + MANY
    assert len(set(text_of(page))) == len(MANY) + 1


def test_an_alternative_branches_and_stepping_back_returns(opened: Opener) -> None:
    page = opened("text")
    page.evaluate("document.getElementById('text').setSelectionRange(4, 4)")
    page.focus("#text")
    bars = bars_of(page)
    page.locator(".bar:visible").nth(2).click()
    branch = text_of(page)
    assert branch == "the " + bars[2].split(",")[0]
    page.click("#one")
    assert text_of(page).startswith(branch)
    assert len(text_of(page)) == len(branch) + 1
    page.click("#back")
    assert text_of(page) == branch
    page.click("#back")
    assert text_of(page) == "the cat sat"
    assert caret_of(page) == 4
    assert page.is_disabled("#back")
    page.click("#forward")
    assert text_of(page) == branch
    page.focus("#text")
    page.keyboard.type("xyz")
    assert page.is_disabled("#forward")
    page.keyboard.press("Control+z")
    assert text_of(page) == branch
    page.keyboard.press("Control+Shift+z")
    assert text_of(page) == branch + "xyz"


def test_the_keyboard_alone_does_everything(opened: Opener) -> None:
    page = opened("text")
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"
    stops = []
    for _ in range(12):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert stops[:6] == ["generate", "one", "copy", "clear", "bar", "temperature"]
    assert stops[6:10] == ["top-k", "top-p", "seed-number", "seed"]
    page.locator("#temperature").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    name = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert name == bars_of(page)[1]
    page.keyboard.press("Enter")
    assert text_of(page) == "the cat sat" + name.split(",")[0].replace("space", " ")
    page.locator("#temperature").focus()
    page.keyboard.press("Home")
    assert page.get_attribute("#temperature", "aria-valuetext") == "0, always the likeliest"
    assert bars_of(page)[0].split(",")[1] == " 100%"
    page.focus("#text")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#generate.running")
    page.keyboard.press("Control+Enter")
    assert page.locator("#generate").inner_text() == "Generate"
    assert len(text_of(page)) > len("the cat sat ")


def continued(page: Any, seed: int, characters: int) -> str:
    """Returns the text with characters that are drawn one by one."""
    page.locator("#seed").fill(str(seed))
    for _ in range(characters):
        page.click("#one")
    text = text_of(page)
    for _ in range(characters):
        page.click("#back")
    return text


def test_the_same_seed_gives_the_same_text_in_one_go_or_one_by_one(opened: Opener) -> None:
    page = opened("text")
    page.locator("#temperature").fill("2")
    first = continued(page, 7, 5)
    assert continued(page, 8, 5) != first
    assert continued(page, 7, 5) == first
    page.click("#generate")
    while len(text_of(page)) < len(first):
        page.evaluate("new Promise(requestAnimationFrame)")
    page.click("#generate")
    assert text_of(page).startswith(first)
    stopped = text_of(page)
    page.evaluate("new Promise(requestAnimationFrame)")
    assert text_of(page) == stopped
    page.click("#back")
    assert text_of(page) == "the cat sat"


def test_the_context_that_an_n_gram_model_found_is_drawn_and_told(opened: Opener, lm: CharLM) -> None:
    page = opened("text")
    assert page.locator("#ways").is_hidden()
    seen = "The model uses the last 3 characters, “sat”: as far back as it looks."
    assert page.locator("#seen").inner_text() == seen
    assert page.locator("#sheet .context").all_text_contents() == ["s", "a", "t"]
    assert drawn(page, "under")[:4] == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-3)
    page.locator("#sheet span").nth(1).hover(force=True)
    assert page.locator("#seen").inner_text().startswith("The model uses the last character, “t”")
    assert page.locator("#told").inner_text().startswith("“h”:")
    assert page.locator("#where").inner_text() == "After “the␣cat␣sat”"  # the bars stay, so that one can be chosen
    page.hover("h1")
    assert page.locator("#seen").inner_text() == seen


def test_attention_and_who_decided_are_shown_of_a_mixture_with_a_transformer(opened: Opener) -> None:
    page = opened("mixture", viewport={"width": 390, "height": 800})
    assert page.locator(".head").count() == 1 + 2 * 2
    page.get_by_label("Layer 2, head 1").click()
    assert page.get_by_label("Layer 2, head 1").get_attribute("aria-pressed") == "true"
    assert re.match(r"Layer 2, head 1 looks most at .+ \([\d.]+%\)\.", page.locator("#seen").inner_text())
    assert max(drawn(page, "under")) == 1
    assert troubles(page) == []
    page.get_by_label("Which part decided").check()
    shares = [float(share.rstrip("%")) for share in page.locator(".part-share").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=1)
    page.locator(".part").last.click()
    assert page.locator(".part").last.get_attribute("aria-pressed") == "true"
    assert troubles(page) == []
    page.get_by_label("Context found").check()
    assert page.locator("#seen").inner_text().startswith("Its n-grams use the last 3 characters, “␣on”")


def made(page: Any) -> list[str]:
    page.wait_for_selector("#made-told:has-text('seed'), #made-told:has-text('Found')")
    names: list[str] = page.locator(".made .name").all_inner_texts()
    return names


def test_records_are_made_up_with_a_beginning_and_a_length(opened: Opener, of_names: CharLM) -> None:
    page = opened("names")
    first = made(page)
    assert len(set(first)) == 10
    assert text_of(page) == first[0]
    assert page.locator("#least").input_value() == "3"  # mia, ava
    assert min(map(len, first)) >= 3
    assert page.locator("#top-p").input_value() == "0.9"
    assert page.locator("#make .hint").inner_text().startswith("Some of these may be on the list")
    page.locator("#top-p").fill("1")
    page.fill("#prefix", "jo")
    page.fill("#least", "6")
    page.fill("#most", "6")
    page.press("#prefix", "Enter")
    page.wait_for_selector("#made-told:has-text('seed 0'), #made-told:has-text('Found')")
    assert page.locator(".made .name").count() >= 1
    assert all(name.startswith("jo") and len(name) == 6 for name in made(page))
    page.fill("#prefix", "")
    page.fill("#least", "3")
    page.fill("#most", "20")
    page.locator("#top-p").fill("0.9")
    page.press("#most", "Enter")
    page.wait_for_selector("#made-told:has-text('seed 0')")
    assert made(page) == first
    bits = float(of_names.inspect(first[0]).bits.sum())
    assert page.locator(".made .bits").first.inner_text() == f"{bits:.1f} bits"
    page.locator("button.made").first.click()
    assert text_of(page) == first[0]
    assert page.locator("#sheet .end").inner_text() == "end"


def test_the_seed_shown_is_the_one_used_and_moves_on_when_the_same_is_asked_for_again(opened: Opener) -> None:
    page = opened("names")
    first = made(page)
    page.click("#make-form button")
    page.wait_for_selector("#made-told:has-text('seed 1')")
    assert page.locator("#seed-number").input_value() == page.locator("#seed").input_value() == "1"
    assert made(page) != first
    page.fill("#seed-number", "1000")
    assert page.locator("#seed").input_value() == "1"
    page.press("#seed-number", "Tab")
    assert page.locator("#seed-number").input_value() == "1"
    page.fill("#seed-number", "0")
    assert page.locator("#seed").input_value() == "0"
    page.click("#make-form button")
    page.wait_for_selector("#made-told:has-text('seed 0')")
    assert made(page) == first


def test_what_keeps_the_model_from_making_more_is_named(opened: Opener) -> None:
    page = opened("names")
    made(page)
    page.locator("#top-p").fill("0.05")
    page.fill("#prefix", "jo")
    page.click("#make-form button")
    page.wait_for_selector("#made-told:has-text('Found 1')")
    told = "Found 1. With top-p 0.05 the model makes no others: raise it, or ask for another beginning or length."
    assert page.locator("#made-told").inner_text() == told


def test_the_start_of_a_record_is_told_apart_from_its_characters(opened: Opener) -> None:
    page = opened("names")
    made(page)
    page.fill("#text", "em")
    assert (
        page.locator("#seen").inner_text()
        == "The model uses the start and the last 2 characters, “em”: all that precedes this place."
    )
    assert page.locator(".column.now .count").inner_text() == "1"
    assert page.locator("#figures").inner_text().endswith(", 2 characters and the end")
    page.fill("#text", "")
    assert page.locator("#seen").inner_text() == "The model uses the start: all that precedes this place."


def test_a_bar_is_as_long_as_its_number_says(opened: Opener) -> None:
    page = opened("text")
    lengths = page.eval_on_selector_all(
        "li:not([hidden]) > .bar",
        "(bars) => bars.map((bar) => bar.querySelector('b').offsetWidth / bar.querySelector('.track').offsetWidth)",
    )
    assert lengths[0] == pytest.approx(0.95, abs=0.01)
    assert sum(lengths) <= 1.05


def test_a_phone_shows_the_text_and_what_comes_next_together(opened: Opener) -> None:
    page = opened("text", viewport={"width": 390, "height": 664}, has_touch=True, is_mobile=True)
    page.fill("#text", "the cat sat on the mat. " * 20)
    top, bottom = page.locator("#paper").bounding_box()["y"], page.locator("#bars").bounding_box()
    assert bottom["y"] + bottom["height"] - top <= 664
    assert page.locator(".of-keyboard").is_hidden()


def test_a_frame_is_told_how_high_the_page_is(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    around = tmp_path / "around.html"
    listens = (
        "addEventListener('message', ({ data }) => { document.querySelector('iframe').height = data.charlmHeight; })"
    )
    around.write_text(f"<script>{listens}</script><iframe src='{pages['names'].as_uri()}#compact'></iframe>")
    page = browser.new_page()
    page.goto(around.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".made .name").last.wait_for()
    page.wait_for_function("document.querySelector('iframe').height > 600")
    page.wait_for_function("new Promise(requestAnimationFrame)")
    inside = frame.locator("html")
    assert inside.evaluate("(html) => html.scrollHeight <= innerHeight")
    page.close()


def test_a_page_of_a_run_tells_its_loss_and_begins_with_a_length_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join(["anna", "johanna", "olivia", "emma", "joanna", "hanna"] * 20))
    run = tmp_path / "run"
    assert main(["train", str(tmp_path / "names.txt"), "--records", "--model", "bigram", "--out", str(run)]) == 0
    html = write_play(run).read_text(encoding="utf-8")
    description = RunFolder(run).read_description()
    assert description is not None
    least = min(map(len, description.excerpt))
    assert f'"least": {least}, "most": {max(20, 3 * least)}' in html
    assert description.validation_loss is not None
    model = re.findall('id="charlm-model">([^<]*)', html)[0]
    assert f'"validationLoss": {description.validation_loss}'.encode() in gzip.decompress(
        base64.b64decode(model)
    ).replace(b'\\"', b'"')


@pytest.mark.parametrize(
    ("prefix", "most", "sentence"),
    [
        ("a1", "9", "The model does not know “1”: begin with something else."),
        ("anna", "3", "At most 3 characters is too short: make it 4 or more."),
    ],
)
def test_records_that_cannot_be_made_are_explained(opened: Opener, prefix: str, most: str, sentence: str) -> None:
    page = opened("names")
    made(page)
    page.fill("#prefix", prefix)
    page.fill("#most", most)
    page.click("#make-form button")
    assert page.locator("#made-told").inner_text() == sentence


def test_no_record_is_made_where_the_model_can_only_end(opened: Opener) -> None:
    page = opened("certain")
    made(page)
    page.fill("#prefix", "zo\u00eb")
    page.fill("#least", "10")
    page.click("#make-form button")
    page.wait_for_selector("#made-told:has-text('Found 0.')")
    assert page.locator(".made .name").count() == 0


def test_what_cannot_come_is_called_impossible(opened: Opener) -> None:
    page = opened("certain")
    made(page)
    page.fill("#text", "annn")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#figures").inner_text() == "Impossible for this model, 4 characters and the end"
    page.fill("#text", "aj")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#told").inner_text() == "\u201cj\u201d: impossible here."


def test_one_of_something_is_told_as_one(opened: Opener) -> None:
    page = opened("one", viewport={"width": 390, "height": 800})
    assert page.locator("#figures").inner_text().endswith(", 1 character")
    assert "1 n-gram of up to 1 character, 1 symbol." in page.locator("#lead").inner_text()


def test_hostile_symbols_are_shown_and_nothing_of_them_runs(opened: Opener) -> None:
    page = opened("hostile")
    title = "".join(each if each.isprintable() else visible(each) for each in HOSTILE)
    assert page.title() == f"{title} · charlm"
    assert page.locator("h1").inner_text() == title
    assert page.locator("img, #main script").count() == 0
    shown = text_of(page)
    assert "</script>" in shown
    assert "⑥⑦①②⑤④③" in shown
    assert not re.search("[\u202e\u2066\u200b\x07\x1b\x85]", shown)
    signs = page.locator("#signs").inner_text()
    assert all(f"is U+{code}" in signs for code in ("202E", "2066", "0007", "001B", "200B", "0085", "00A0"))
    assert copied(page) == HOSTILE


def test_without_scripts_the_page_says_what_is_missing(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(pages["text"].as_uri())
    assert "which is turned off in this browser" in page.locator("noscript").inner_text()
    assert page.locator("#main").is_hidden()
    page.close()


@pytest.mark.parametrize(
    "missing",
    ["delete window.DecompressionStream", "Object.fromEntries = Object.hasOwn = undefined; window.atob = null"],
)
def test_a_browser_that_is_too_old_is_told_so(browser: Any, pages: dict[str, Path], missing: str) -> None:
    page = browser.new_page()
    page.add_init_script(missing)
    page.goto(pages["text"].as_uri())
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.locator("#main").is_hidden()
    page.close()


@pytest.mark.parametrize("damage", ["H4sI", "", "AAAA" * 9])
def test_a_damaged_model_is_told(browser: Any, pages: dict[str, Path], tmp_path: Path, damage: str) -> None:
    html = pages["text"].read_text(encoding="utf-8")
    path = tmp_path / "damaged.html"
    path.write_text(re.sub(r'(id="charlm-model">)[^<]*', rf"\g<1>{damage}", html), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.locator("#trouble").inner_text().endswith("Make the page again with charlm play.")
    assert page.locator("#main").is_hidden()
    page.close()
