import math
import pickle
import random
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.decoding.channel import Channel
from strategies import any_text

NAN, INFINITE = math.nan, math.inf


def test_each_edit_happens_as_often_as_the_channel_says() -> None:
    channel = Channel(
        substitutions={"a": {"b": 0.1, "c": 0.2}}, deletions={"a": 0.05}, insertions={"?": 0.25}, transpositions=0.0
    )
    counts = Counter(channel.corrupt("a" * 100_000, seed=1))
    assert counts["b"] == pytest.approx(10_000, rel=0.05)
    assert counts["c"] == pytest.approx(20_000, rel=0.05)
    assert counts["a"] == pytest.approx(65_000, rel=0.02)
    assert counts["?"] == pytest.approx(100_000 * 0.25 / 0.75, rel=0.05)
    assert channel.kept("a") == pytest.approx(0.65)
    assert channel.kept("x") == 1


def test_neighbours_change_places_as_often_as_the_channel_says() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000)))
    seen = Channel(transpositions=0.1).corrupt(text, seed=1)
    assert sorted(seen) == sorted(text)
    moved = sum(one != other for one, other in zip(text, seen, strict=True))
    assert moved == pytest.approx(2 * 0.1 * 20_000 / 1.1, rel=0.1)


@given(text=any_text, seed=st.integers(0, 99))
def test_a_seed_decides_what_is_seen_of_any_text(text: str, seed: int) -> None:
    channel = Channel.keyboard(0.3)
    assert channel.corrupt(text, seed=seed) == channel.corrupt(text, seed=seed)
    assert Channel(substitutions={"\0none": {"x": 0.1}}).corrupt(text) == text


@pytest.mark.parametrize("make", [Channel.keyboard, Channel.ocr])
def test_the_error_of_a_made_channel_is_the_share_of_symbols_that_are_seen_wrong(make: Any) -> None:
    channel = make(0.1)
    symbols = "agl0"
    assert [1 - channel.kept(symbol) + channel.insertions for symbol in symbols] == pytest.approx([0.1] * 4)


def test_case_and_accents_are_those_of_the_symbols() -> None:
    assert dict(Channel.case("ab1").substitutions["A"]) == {"a": 0.5}
    assert set(Channel.case(["ß", "s"]).substitutions) == {"s", "S"}
    assert set(Channel.case("\u03c3").substitutions) == {"\u03c3", "\u03a3"}  # a sigma
    assert set(Channel.accents("éeñß").substitutions) == {"é", "ñ"}
    assert Channel.accents("éñ").corrupt("señé") == "sene"


def test_letters_that_do_not_decompose_have_bare_ones_and_syllables_have_none() -> None:
    assert Channel.accents("łøđıŁ").corrupt("łøđıŁ") == "lodiL"
    assert set(Channel.accents("é\ud55c\u2260é").substitutions) == {"é"}  # Hangul, and not equal
    assert set(Channel.accents(["é", "né", "lé", "le"]).substitutions) == {"é", "lé"}
    with pytest.raises(ValueError, match=r"no symbol has an accent.*: fit the model to unicodedata.normalize\(.NFC."):
        Channel.accents("e\u0301")
    with pytest.raises(ValueError, match=r"no symbol has an accent: there is nothing to restore$"):
        Channel.accents("\ud55c")


def test_a_symbol_in_several_pairs_of_cases_has_the_variants_of_all_of_them() -> None:
    turkish = Channel.case("iI\u0131\u0130").substitutions  # with the dotless i and the dotted I
    assert {true: {*seen} for true, seen in turkish.items()} == {
        "i": {"I", "\u0130"},
        "I": {"i", "\u0131"},
        "\u0131": {"I"},
        "\u0130": {"i"},
    }
    assert set(turkish["I"].values()) == {1 / 3}
    assert dict(Channel.case("iI").substitutions["i"]) == {"I": 0.5}
    assert {*Channel.case(["Cl", "CL", "a"]).substitutions["Cl"]} == {"CL"}
    assert {*Channel.case(["Cl", "a"]).substitutions} == {"a", "A"}


def test_case_comes_back_where_the_vocabulary_has_a_dotless_i() -> None:
    lm = CharLM.fit("I am. " * 200 + "kap\u0131. ", order=4)
    assert lm.restore_case("i am. i am.") == "I am. I am."


def test_a_channel_is_learned_from_what_it_did() -> None:
    channel = Channel(substitutions={"a": {"b": 0.2}}, deletions={"c": 0.1}, insertions={"x": 0.05})
    texts = ["".join(random.Random(place).choices("abcdefgh", k=20)) for place in range(600)]  # noqa: S311
    learned = Channel.learned((channel.corrupt(text, seed=place), text) for place, text in enumerate(texts))
    assert learned.substitutions["a"]["b"] == pytest.approx(0.2, rel=0.15)
    assert learned.deletion("c") == pytest.approx(0.1, rel=0.3)  # one beside an insertion is a substitution
    assert cast("Any", learned.insertions)["x"] == pytest.approx(0.05, rel=0.2)
    assert sum(learned.substitutions["d"].values()) < 0.02 if "d" in learned.substitutions else True


def test_a_channel_goes_to_other_processes_has_a_hash_and_shows_its_edits() -> None:
    for channel in (Channel.keyboard(), Channel(substitutions={"a": {"b": 0.1}}, insertions={"x": 0.1})):
        copy = pickle.loads(pickle.dumps(channel))  # noqa: S301 - made here
        assert {copy: 1}[channel] == 1
    assert repr(channel) == "Channel(1 substitutions of 1 symbols, insertions of 1 symbols)"
    assert repr(Channel(deletions=0.1, insertions=0.2, transpositions=0.3)) == (
        "Channel(deletions=0.1, insertions=0.2, transpositions=0.3)"
    )


def test_a_channel_does_not_change_with_what_it_was_made_from() -> None:
    table = {"a": {"b": 0.2}}
    channel = Channel(substitutions=table)
    table["a"]["b"] = 0.9
    assert channel.substitutions["a"]["b"] == 0.2
    with pytest.raises(TypeError):
        cast("Any", channel.substitutions)["a"] = {}


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({}, ValueError, "the channel has no edits: give substitutions"),
        ({"deletions": 0.0, "insertions": 0}, ValueError, "the channel has no edits"),
        ({"deletions": 1.0}, ValueError, "deletions must be below 1: what costs nothing could go on for ever"),
        ({"deletions": {" ": 1}}, ValueError, "deletions of ' ' must be below 1: what costs nothing"),
        ({"insertions": 1.0}, ValueError, "insertions must add up to less than 1, or there is no end to them: got 1"),
        ({"insertions": {"a": 0.5, "b": 0.5}}, ValueError, "insertions must add up to less than 1"),
        ({"substitutions": {"a": {"b": 0.7, "c": 0.7}}}, ValueError, "the edits of 'a' must have at most .* got 1.4"),
        ({"substitutions": {"a": {"b": 0.7}}, "deletions": 0.4}, ValueError, "the edits of 'a' must .* got 1.1"),
        ({"deletions": 0.7, "transpositions": 0.7}, ValueError, "the edits must have at most probability 1 together"),
        ({"substitutions": {"a": {"a": 0.7}}}, ValueError, r"substitutions\['a'\] has 'a' itself"),
        ({"substitutions": {"a": {"b": 1.7}}}, ValueError, r"substitutions\['a'\]\['b'\] must be a probability"),
        ({"substitutions": {"a": {"b": NAN}}}, ValueError, "must be finite, got nan"),
        ({"substitutions": {"a": {"b": "x"}}}, TypeError, "must be a number, got str"),
        ({"substitutions": {"a": {"": 0.1}}}, ValueError, "has an empty symbol: what is not seen is a deletion"),
        ({"substitutions": {1: {"a": 0.1}}}, TypeError, "each symbol of substitutions must be a str, got int"),
        ({"substitutions": [("a", "b")]}, TypeError, "substitutions must be a mapping from symbols, got list"),
        ({"substitutions": {"a": "b"}}, TypeError, r"substitutions\['a'\] must be a mapping"),
        ({"deletions": -0.1}, ValueError, "deletions must be a probability from 0 to 1, got -0.1"),
        ({"deletions": "a"}, TypeError, "deletions must be a mapping from symbols, got str"),
        ({"deletions": {"a": INFINITE}}, ValueError, "must be finite"),
        ({"transpositions": 2}, ValueError, "transpositions must be a probability"),
        ({"deletions": 0.1, "most_deletions": -1}, ValueError, "most_deletions must be at least 0"),
        ({"deletions": 0.1, "most_deletions": 1.5}, TypeError, "most_deletions must be an integer"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(keywords: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Channel(**keywords)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Channel.keyboard(0), ValueError, "error must be above 0 and below 1"),
        (lambda: Channel.ocr(cast("Any", "x")), TypeError, "error must be a number"),
        (lambda: Channel.case(cast("Any", 5)), TypeError, "symbols must be those of a vocabulary, .* got int"),
        (lambda: Channel.case("123"), ValueError, "no symbol has a variant in case"),
        (lambda: Channel.accents(cast("Any", [1])), TypeError, r"symbols\[0\] must be a str"),
        (lambda: Channel.learned(cast("Any", 5)), TypeError, "pairs must be pairs of what was seen .* got int"),
        (lambda: Channel.learned(cast("Any", ["ab"])), TypeError, r"pairs\[0\] must be .* tuple of two .* got 'ab'"),
        (lambda: Channel.learned([]), ValueError, "pairs is empty"),
        (lambda: Channel.learned([("ab", "ab")]), ValueError, "the channel has no edits"),
        (
            lambda: Channel.learned(cast("Any", [("ab", "ac"), "ab"])),
            TypeError,
            r"pairs\[1\] must be a tuple of two texts",
        ),
        (lambda: Channel.learned(cast("Any", [("ab", 3)])), TypeError, r"pairs\[0\] must be a tuple of two texts"),
        (lambda: Channel.learned([("ab", "ac")], smoothing=-1), ValueError, "smoothing must not be negative"),
        (lambda: Channel.keyboard().corrupt(cast("Any", 3)), TypeError, "text must be a str, got int"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
