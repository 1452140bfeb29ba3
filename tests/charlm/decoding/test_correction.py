"""Corrections beside all texts that there are, and what becomes of whole texts."""

import math
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.decoding import beam
from charlm.decoding.beam import IMPOSSIBLE
from charlm.decoding.channel import Channel
from charlm.decoding.correction import Corrector
from charlm.decoding.edit_table import LEAST_KEPT
from chartok import UnknownCharacterError, Vocabulary
from decoders import counted, strings, transformer
from strategies import costly

CATS = CharLM.fit("the cat sat on the mat. the dog sat on the log. " * 50, order=6)
CHANNELS = st.builds(
    Channel,
    substitutions=st.just({"a": {"b": 0.2, "c": 0.1}, "b": {"a": 0.3}, "c": {"?": 0.3}}),
    deletions=st.sampled_from([0.0, 0.1]) | st.just({"a": 0.2}),
    insertions=st.sampled_from([0.0, 0.2]) | st.just({"b": 0.1, "?": 0.2}),
    transpositions=st.sampled_from([0.0, 0.1]),
    most_deletions=st.integers(1, 2),
)


def log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def best_cause(channel: Channel, true: str, seen: str, *, n_symbols: int, has_start: bool) -> float:
    """Returns ln P(seen | true) of the likeliest edits, as plainly as can be."""
    inserted = channel.insertions
    total = inserted if isinstance(inserted, float) else sum(inserted.values())

    def insertion(symbol: str) -> float:
        return log(inserted / n_symbols if isinstance(inserted, float) else inserted.get(symbol, 0.0))

    @cache
    def best(i: int, j: int, put_back: int, owed: str) -> float:
        if i == len(seen) and j == len(true) and not owed:
            return 0.0
        ways = [-math.inf]
        if owed:
            return best(i + 1, j + 1, 0, "") if j < len(true) and i < len(seen) and true[j] == owed else -math.inf
        none = math.log1p(-total)
        if j < len(true) and put_back < channel.most_deletions and (has_start or j > 0):
            ways.append(best(i, j + 1, put_back + 1, "") + log(channel.deletion(true[j])) + none)
        if i < len(seen):
            ways.append(best(i + 1, j, 0, "") + insertion(seen[i]))
        if i < len(seen) and j < len(true):
            share = channel.substitutions.get(true[j], {}).get(seen[i], 0.0)
            cost = max(log(channel.kept(true[j])), LEAST_KEPT) if true[j] == seen[i] else log(share)
            ways.append(best(i + 1, j + 1, 0, "") + cost + none)
            if i + 1 < len(seen) and true[j] == seen[i + 1] != seen[i]:
                ways.append(best(i + 1, j + 1, 0, seen[i]) + log(channel.transpositions) + 2 * none)
        return max(ways)

    return best(0, 0, 0, "")


@costly(30)
@given(
    channel=CHANNELS,
    seen=st.text("abc", max_size=4),
    order=st.integers(1, 4),
    roles=st.sampled_from([[], ["bos"], ["bos", "eos"], ["bos", "eos", "unk"]]),
)
def test_a_wide_beam_finds_the_likeliest_of_all_texts(channel: Channel, seen: str, order: int, roles: Any) -> None:
    lm = counted(Vocabulary("abc", special_tokens=roles), order)
    texts = strings("abc", len(seen) + 1)
    channel_scores = [best_cause(channel, text, seen, n_symbols=3, has_start="eos" in roles) for text in texts]
    expected = np.array(channel_scores) + lm.score_samples(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beam, "MARGIN", math.inf)
        found = Corrector(lm.vocabulary, lm.predictor, channel, beam_width=100_000).corrections([seen, seen[:1], seen])
    assert found[0] == found[2]
    longer = found[0].score > expected.max() + 1e-9  # by a text with more symbols put back than were enumerated
    assert longer == (len(found[0].text) > len(seen) + 1)
    if not longer:
        assert found[0].score == pytest.approx(expected.max())
        assert expected[texts.index(found[0].text)] == pytest.approx(expected.max())


@costly(10)
@given(seen=st.text("abc", max_size=3), block_size=st.integers(2, 5), roles=st.sampled_from([[], ["bos", "eos"]]))
def test_a_transformer_corrects_as_well(seen: str, block_size: int, roles: Any) -> None:
    lm = transformer(roles, block_size)
    channel = Channel(substitutions={"a": {"b": 0.3}}, deletions={"a": 0.2}, insertions=0.2)
    texts = strings("abcd", len(seen) + 1)
    scores = [best_cause(channel, text, seen, n_symbols=4, has_start="eos" in roles) for text in texts]
    expected = (np.array(scores) + lm.score_samples(texts)).max()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beam, "MARGIN", math.inf)
        found = Corrector(lm.vocabulary, lm.predictor, channel, beam_width=10_000).corrections([seen, "ab"])[0]
    assert found.score >= expected - 1e-3
    if len(found.text) <= len(seen) + 1:
        assert found.score == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("seen", "true"),
    [
        ("the cst sat on the mat", "the cat sat on the mat"),
        ("hte cat sat on teh mat", "the cat sat on the mat"),
        ("the ct sat onn the mat", "the cat sat on the mat"),
        ("the cat sat on the log.", "the cat sat on the log."),
        ("", ""),
    ],
)
def test_slips_at_the_keyboard_are_corrected(seen: str, true: str) -> None:
    assert CATS.correct(seen) == true


def test_several_texts_are_corrected_as_each_alone() -> None:
    seen = ["the cst", "", "on teh mat. the dgo sat", "x", "the log" * 3] * 20
    assert CATS.correct(seen, beam_width=6) == [CATS.correct(text, beam_width=6) for text in seen]
    assert CATS.correct([]) == []


def test_what_the_model_does_not_know_stays() -> None:
    assert CATS.correct("the cst § sat") == "the cat § sat"
    strict = counted(Vocabulary("abc"))
    assert strict.correct("?a\U0001f600b?") == "?a\U0001f600b?"
    assert strict.correct("???") == "???"


def test_a_symbol_that_only_the_channel_knows_becomes_what_it_was() -> None:
    channel = Channel(substitutions={"a": {"@": 0.1}, "t": {"†": 0.1}})
    assert CATS.correct("the c@† s@t @ §", channel=channel)[:11] == "the cat sat"


def test_symbols_of_several_characters_are_edited_as_one() -> None:
    lm = counted(Vocabulary(["C", "Cl", "Br", "r", "O"], special_tokens=["bos", "eos"]))
    channel = Channel(substitutions={"Cl": {"Br": 0.4}, "Br": {"Cl": 0.4}})
    texts = ["ClCl", "ClBr", "BrCl", "BrBr"]
    scores = lm.score_samples(texts) + 2 * math.log(0.4) + np.array([2, 1, 1, 0]) * math.log(0.6 / 0.4)
    assert lm.correct("ClCl", channel=channel) == texts[int(scores.argmax())]


def test_spaces_and_case_are_restored() -> None:
    assert CATS.restore_spaces("thecatsatonthemat.") == "the cat sat on the mat."
    assert CATS.restore_spaces(["thecat saton", "  the"]) == ["the cat sat on", "  the"]
    people = CharLM.fit("Anna met Bob. Bob met Anna. " * 50, order=5)
    assert people.restore_case(["anna met bob", "ANNA MET BOB"], context=" ") == ["Anna met Bob", "Anna met Bob"]
    accents = CharLM.fit("un été à Paris, un café à Nice. " * 50, order=5)
    assert accents.correct("un ete a Paris, un café a Nice", channel="accents") == "un été à Paris, un café à Nice"


def test_a_context_comes_before_each_text_and_is_not_part_of_it() -> None:
    lm = CharLM.fit("one\ntwo\nthree\n" * 50, order=4)
    channel = Channel(deletions=0.2)
    assert lm.correct(["ne", "wo", "hree"], channel=channel, context="\n") == ["one", "two", "three"]
    assert lm.correct("ne", channel=channel) == "ne"


def test_a_long_text_is_corrected_in_the_memory_of_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = "the cst sat on teh mat. " * 40
    expected = CATS.correct(seen)
    assert expected == "the cat sat on the mat. " * 40
    monkeypatch.setattr(beam, "MOST_NODES", 500)
    assert CATS.correct([seen, seen[:100]])[0] == expected


def test_what_is_impossible_for_the_model_is_corrected_all_the_same() -> None:
    lm = CharLM.fit(["ab", "abab"], "bigram", smoothing=0.0)
    assert lm.correct("abb", channel=Channel(insertions=0.1)) == "ab"
    assert lm.correct("bb", channel=Channel(substitutions={"a": {"b": 0.1}})) in {"ab", "bb"}
    assert IMPOSSIBLE < -1e4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CATS.correct(cast("Any", 3)), TypeError, "text must be a str, got int"),
        (lambda: CATS.correct(cast("Any", ["a", 3])), TypeError, r"text\[1\] must be a str, got int"),
        (lambda: CATS.correct(cast("Any", b"a")), TypeError, "decode the bytes first"),
        (lambda: CATS.correct("a", beam_width=0), ValueError, "beam_width must be at least 1, got 0"),
        (
            lambda: CATS.correct("a", channel=cast("Any", "qwertz")),
            ValueError,
            "channel must be a Channel or one of keyb",
        ),
        (lambda: CATS.correct("a", channel=cast("Any", 3)), TypeError, "channel must be a Channel or the name of one"),
        (lambda: CATS.correct("a", context=cast("Any", 3)), TypeError, "context must be a str, got int"),
        (lambda: counted(Vocabulary("ab")).correct("a", context="?"), UnknownCharacterError, "context"),
        (lambda: counted(Vocabulary("ab")).restore_spaces("ab"), ValueError, "has no space: there is none to restore"),
        (lambda: CharLM.fit("1 2 " * 50, order=2).restore_case("1"), ValueError, "none with a variant in case"),
        (lambda: CATS.correct("a", channel="accents"), ValueError, "none with an accent"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
