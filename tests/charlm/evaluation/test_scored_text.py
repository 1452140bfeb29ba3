import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, TrainerConfig
from charlm.evaluation.scored_text import SHOWN_TEXTS, likeliest
from chartok.codepoints import CODE_POINTS
from chartok.markup import escaped, visible
from strategies import costly

TEXT = "the quick brown fox jumps over the lazy dog. " * 8
FAST = TrainerConfig(max_steps=1)


@pytest.fixture(scope="module", params=["ngram", "bigram", "gpt", "records"])
def lm(request: pytest.FixtureRequest) -> CharLM:
    if request.param == "records":
        return CharLM.fit(["anna", "hanna", "joanna"], order=3)
    if request.param == "gpt":
        return CharLM.fit(TEXT, "gpt", config=FAST, device="cpu")
    return CharLM.fit(TEXT, request.param)


@costly(15)
@given(text=st.text(alphabet="thequ anj.\ud800\u4e00", max_size=90))
def test_what_is_inspected_is_what_is_scored(lm: CharLM, text: str) -> None:
    scored = lm.inspect(text, k=3)
    np.testing.assert_array_equal(scored.log_probabilities, lm.log_probabilities(text))
    assert len(scored.alternatives) == len(scored.log_probabilities)
    for place, alternatives in enumerate(scored.alternatives):
        shares = dict(alternatives)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        own = shares.get(text[place : place + 1])
        if own is not None:  # the alternatives share out what unknown characters do not have
            expected = np.exp(scored.log_probabilities[place]) / (1 - share_of_unknown(lm, text[:place]))
            assert own == pytest.approx(expected, abs=1e-6)
        if alternatives and lm.predictor.block_size is None:
            following = lm.next_symbols(text[:place], k=3)
            assert [character for character, _ in following] == [character for character, _ in alternatives]
            assert [share for _, share in following] == pytest.approx([share for _, share in alternatives], abs=1e-9)


def share_of_unknown(lm: CharLM, context: str) -> float:
    """Returns the probability that an unknown character comes next: that of one of them, times their number."""
    one = np.exp(lm.log_probabilities(context + "\U0010ffff")[len(context)])
    return float(one * (CODE_POINTS - len(lm.vocabulary.symbols)))


def test_the_end_of_a_record_has_alternatives_and_is_one(lm: CharLM) -> None:
    if not lm.is_of_records:
        pytest.skip("a model of text knows no end")
    scored = lm.inspect("anna")
    assert len(scored.bits) == 5
    assert scored.alternatives[4][0][0] == ""
    shown = scored._repr_html_()
    assert 'class="end" title="end: ' in shown
    assert ".chartok .text .end{margin-left" in shown


def test_several_texts_are_shown_in_color_below_each_other(lm: CharLM) -> None:
    several = lm.inspect(["an", "hu"])
    shown = several._repr_html_()  # type: ignore[attr-defined]  # what a notebook looks for
    assert shown.count('<div class="text">') == 2
    assert shown.count("<style>") == 1
    assert all(scored._repr_html_().split('<div class="text">')[1].split("</div>")[0] in shown for scored in several)
    many = lm.inspect(["an"] * (SHOWN_TEXTS + 2))._repr_html_()  # type: ignore[attr-defined]  # likewise
    assert many.count('<div class="text">') == SHOWN_TEXTS
    assert "and 2 more" in many


def test_k_is_checked(lm: CharLM) -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        lm.inspect("the", k=0)


@pytest.mark.parametrize("logits", [[-np.inf, -np.inf, 0], [np.nan, 0, 0]])
def test_there_is_no_likeliest_of_what_cannot_come(logits: list[float]) -> None:
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match=r"no likeliest id: every id that may come has .* zero, or a logit is NaN"),
    ):
        likeliest(np.array(logits), {0: "a", 1: "b"}, k=1)


class Texts(HTMLParser):
    """Collects the text of a page, and the elements that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@costly(40)
@given(text=st.text(max_size=30) | st.just("</script><img src=x onerror=alert(1)>\"'&\x00\u202e\ud800"))
def test_no_text_becomes_markup(text: str) -> None:
    lm = CharLM.fit(text + "ab", order=2)
    for html in (lm.inspect(text)._repr_html_(), lm._repr_html_()):
        html.encode("utf-8")
        parser = Texts()
        parser.feed(html)
        own = {"div", "style", "strong", "span", "br", "small", "table", "tbody", "tr", "th", "td"}
        assert parser.tags <= own


@costly()
@given(st.text())
def test_escaped_text_can_be_encoded_and_holds_no_markup(text: str) -> None:
    assert not re.search("[<>\"']", escaped(text))
    escaped(text).encode("utf-8")


@costly()
@given(st.characters())
def test_every_character_can_be_seen(character: str) -> None:
    assert visible(character).strip()
    assert visible(character).isprintable()
