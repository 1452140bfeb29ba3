"""Each example of the gallery runs, says little, warns of nothing, and draws one picture that explains itself."""

import re
import runpy
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

import gallery_pictures
from page_checks import chromium
from recorded import recorded

GALLERY = Path(__file__).parents[2] / "examples" / "gallery"
EXAMPLES = sorted(GALLERY.glob("plot_*.py"))
WITHOUT_AXES = {*("plot_correcting", "plot_language_map", "plot_mixed_languages", "plot_molecules", "plot_surprise")}
"""Their pictures show texts, or a map: there is nothing to read off along an axis."""


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CHARTOK_GALLERY", "small")
    monkeypatch.chdir(GALLERY)  # where their lists are
    monkeypatch.setattr(sys, "path", [str(GALLERY), *sys.path])
    gallery_pictures.use_house_style({}, "")
    yield
    plt.close("all")
    mpl.rcdefaults()


def test_there_are_at_least_twelve_examples_each_with_its_place_in_the_reading_order() -> None:
    order = gallery_pictures.ReadingOrder("")
    assert sorted(order(path.name) for path in EXAMPLES) == list(range(len(gallery_pictures.READING_ORDER)))
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_draws_one_picture_with_a_title_named_axes_and_nothing_cut_off(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count("\n") <= 20
    (number,) = plt.get_fignums()
    figure = plt.figure(number)
    assert gallery_pictures.titles_of(figure)
    if path.stem not in WITHOUT_AXES:
        assert any(axes.get_xlabel() for axes in figure.axes)
        assert all(axes.get_ylabel() for axes in figure.axes)
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1) > -0.02


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_begins_with_its_title(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    _, docstring, code = text.split('"""', 2)
    assert len([line for line in code.splitlines() if line and not line.startswith("#")]) < 60
    _, title, line, *_ = docstring.splitlines()
    assert re.fullmatch("=+", line)
    assert len(line) == len(title)


def test_what_takes_minutes_is_read_from_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARTOK_GALLERY")

    def measure(_text: str, _steps: int) -> list[dict[str, float]]:
        raise AssertionError("it was measured again")

    history = recorded("gpt", measure, steps=400)
    assert all(before["seconds"] < after["seconds"] for before, after in pairwise(history))


def test_a_run_is_full_or_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTOK_GALLERY", "fast")
    with pytest.raises(ValueError, match="CHARTOK_GALLERY must be 'full' or 'small', got 'fast'"):
        recorded("gpt", lambda _text, _steps: [], steps=400)


def luminance(color: str) -> float:
    """Returns the relative luminance of a color as WCAG 2 defines it."""
    shares = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = ((share / 12.92) if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("is_dark", [False, True])
def test_every_color_of_the_house_style_but_the_grid_reads_on_its_paper(is_dark: bool) -> None:
    (light_paper, dark_paper), *inks = gallery_pictures.IN_DARK.items()
    paper = luminance(dark_paper if is_dark else light_paper)
    for light, dark in inks:
        if light != plt.rcParams["grid.color"]:
            darker, lighter = sorted([paper, luminance(dark if is_dark else light)])
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_colors_of_the_house_style_follow_the_scheme_of_the_system() -> None:
    style = (GALLERY / "house.mplstyle").read_text(encoding="utf-8")
    used = {f"#{color}" for color in re.findall(r"\b[0-9a-f]{6}\b", style)}
    assert used == gallery_pictures.IN_DARK.keys()
    svg = gallery_pictures.in_both_schemes('<svg><defs></defs><path style="fill: #1f2933; stroke: #123456"/></svg>')
    assert 'style="fill: var(--color-1); stroke: #123456"' in svg
    assert "prefers-color-scheme: dark" in svg


def test_a_picture_leaves_out_its_texts_where_they_would_be_too_small_to_read(tmp_path: Path) -> None:
    plt.figure().text(0.5, 0.5, "words")
    plt.savefig(tmp_path / "drawn.svg")
    svg = gallery_pictures.in_both_schemes((tmp_path / "drawn.svg").read_text("utf-8"))
    (tmp_path / "picture.svg").write_text(svg, "utf-8")
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": gallery_pictures.READABLE_FROM - 1, "height": 200})
        tab.goto((tmp_path / "picture.svg").as_uri())
        is_shown = "getComputedStyle(document.querySelector('#text_1')).display != 'none'"
        assert not tab.evaluate(is_shown)
        tab.set_viewport_size({"width": gallery_pictures.READABLE_FROM, "height": 200})
        assert tab.evaluate(is_shown)
