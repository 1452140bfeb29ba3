"""The pictures of the documentation are what their scripts draw, and read on a light and on a dark screen."""

import re
from pathlib import Path

import pytest

import attending
import diagrams_of_counts
import draw
import losses
import surprising
from dinosaurs import DINOSAURS
from drawing import Drawing
from page_checks import chromium, troubles_at_every_size

ROOT = Path(__file__).parents[2]
SEEN = attending.Glance([0.3] + [0.01] * 4 + [0.6] + [0.0] * (len(attending.QUESTION) - 6), [("<", 0.75), ("&", 0.2)])


@pytest.mark.parametrize("name", draw.PICTURES)
def test_every_picture_is_what_its_script_draws(name: str) -> None:
    assert (draw.IMAGES / f"{name}.svg").read_text("utf-8") == draw.PICTURES[name]().svg()


def test_the_attention_in_the_picture_is_mostly_that_to_the_owl() -> None:
    drawn = (draw.IMAGES / "attention.svg").read_text("utf-8")
    assert float(re.findall(r"(\d+)% goes to the owl", drawn)[0]) > 50


def test_a_model_that_was_hardly_trained_can_be_drawn_too() -> (
    None
):  # the tutorial's page trains the one in the picture
    seen = attending.glance(steps=2)
    assert sum(seen.weights) == pytest.approx(1, abs=1e-5)
    assert len(seen.weights) == len(attending.QUESTION)
    assert "Who sleeps?" in attending.attention(seen).svg()


def test_what_a_picture_shows_cannot_become_markup() -> None:
    drawn = attending.attention(SEEN).svg()
    assert "&lt;" in drawn
    assert "&amp;" in drawn
    assert not re.search(r"<[^a-z/?]", drawn)


def test_no_text_of_a_picture_is_cut_off_overprinted_or_faint(tmp_path: Path) -> None:
    pictures = [
        path.read_text("utf-8") for name in {**draw.PICTURES, **draw.TRAINED} for path in [draw.IMAGES / f"{name}.svg"]
    ]
    page = tmp_path / "pictures.html"
    scheme = "<style>:root { color-scheme: light dark; } body { max-width: 760px; }</style>"
    page.write_text(f"<!doctype html><html lang=en><title>Pictures</title>{scheme}{''.join(pictures)}", "utf-8")
    with chromium() as browser:
        assert troubles_at_every_size(browser, page.as_uri(), widths=(1440,)) == []


def test_back_off_shows_counts_of_the_text() -> None:
    contexts = [diagrams_of_counts.CONTEXT[start:] for start in range(4)]
    assert [diagrams_of_counts.continuations(context).total() for context in contexts] == [0, 0, 4, 8]


def test_the_plot_shows_every_model_that_was_measured() -> None:
    drawn = losses.losses().svg()
    assert all(f">{losses.NAMES.get(name, name)}</text>" in drawn for name in losses.LABELS)


def test_the_colored_paragraph_is_more_surprising_where_it_is_misspelled() -> None:
    shares = [float(share) for share in re.findall(r"--surprise: ([\d.]+)", surprising.paragraph())]
    assert len(shares) == len(surprising.PARAGRAPH)
    half = surprising.PARAGRAPH.index("The whith")
    assert sum(shares[half:]) / len(shares[half:]) > 1.5 * sum(shares[:half]) / half


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_names_of_the_readme_and_of_the_landing_page_are_those_of_the_picture(page: str) -> None:
    shown = re.findall(r'>>> dinosaurs = """\n(.*?)"""', (ROOT / page).read_text("utf-8"), re.DOTALL)
    assert [names.replace("...", "").split() for names in shown] == [DINOSAURS]


def test_a_drawing_has_a_title_for_who_cannot_see_it() -> None:
    drawing = Drawing(10, 10, "<what there is>")
    drawing.text(0, 0, "a & b")
    assert '<title id="title">&lt;what there is&gt;</title>' in drawing.svg()
