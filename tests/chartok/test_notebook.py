"""What a notebook shows is small, escaped, and keeps to itself."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from chartok import Vocabulary
from chartok.notebook import STYLE, Shown, card
from strategies import costly

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u202e\x07\ud800"


class Elements(HTMLParser):
    """Collects the elements of a page, and its text outside the style sheet."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        if self.tags[-1] != "style":
            self.text += data


@costly(50)
@given(name=st.text(max_size=20), value=st.text(max_size=40))
def test_a_card_shows_any_text_as_text(name: str, value: str) -> None:
    page = Elements(card("Thing", {f"{name}{HOSTILE}": f"{value}{HOSTILE}"}))
    assert page.tags == ["div", "style", "strong", "table", "tbody", "tr", "th", "td"]
    assert page.text.count("<script>alert(1)</script>") == 2


def test_a_card_can_be_encoded_and_is_cut() -> None:
    assert len(card("Thing", {"path": "/x" * 10_000 + HOSTILE}).encode("utf-8")) < 3000


def test_a_style_sheet_in_an_output_leaves_the_rest_of_the_page_alone() -> None:
    for selectors in re.findall(r"([^{}]+)\{", STYLE):
        assert selectors.strip().startswith(".chartok")


def test_the_symbols_of_a_vocabulary_are_shown_with_their_ids() -> None:
    vocabulary = Vocabulary(["a", " ", "Cl", "<b>"], special_tokens={"pad": 0, "unk": 5})
    page = Elements(vocabulary._repr_html_())
    assert "symbols4" in page.text
    assert "special tokenspad 0, unk 5" in page.text
    assert re.findall(r"(\S+) (\d)", page.text.split("unk 5", 1)[1]) == [
        ("pad", "0"), ("a", "1"), ("\u2423", "2"), ("Cl", "3"), ("<b>", "4"), ("unk", "5"),
    ]  # fmt: skip


def test_the_symbols_of_a_large_vocabulary_are_cut_and_counted() -> None:
    html = Vocabulary([chr(0x4E00 + place) for place in range(5000)])._repr_html_()
    assert "and 4,900 more" in html
    assert len(html) < 10_000
    assert "more" not in Vocabulary("abc")._repr_html_()


def test_symbols_that_would_rule_the_page_are_shown_as_what_they_are() -> None:
    page = Elements(Vocabulary([*dict.fromkeys(HOSTILE), HOSTILE, "x" * 10_000], special_tokens=["unk"])._repr_html_())
    assert "script" not in page.tags
    for shown in ("U+202E", "\u2407", "U+D800"):
        assert shown in page.text
    assert "\u202e" not in page.text
    assert len(page.text) < 600


def test_whatever_shows_itself_is_one_line_outside_a_notebook() -> None:
    class Thing(Shown):
        def _facts(self) -> dict[str, str]:
            return {"size": "3", "kind": "small"}

    assert repr(Thing()) == "Thing(size: 3, kind: small)"
    assert Elements(Thing()._repr_html_()).text == "Thingsize3kindsmall"
