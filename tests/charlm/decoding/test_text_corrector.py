"""Texts come back without slips, and with their spaces and their case."""

import math
from typing import Any, cast

import numpy as np
import pytest

from charlm import CharLM
from charlm.decoding.beam import IMPOSSIBLE
from charlm.decoding.channel import Channel
from chartok import UnknownCharacterError, Vocabulary
from decoders import counted

CATS = CharLM.fit("the cat sat on the mat. the dog sat on the log. " * 50, order=6)


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


def test_what_is_impossible_for_the_model_is_corrected_all_the_same() -> None:
    lm = CharLM.fit(["ab", "abab"], "bigram", smoothing=0.0)
    assert lm.correct("abb", channel=Channel(insertions=0.1)) == "ab"
    assert lm.correct("bb", channel=Channel(substitutions={"a": {"b": 0.1}})) in {"ab", "bb"}
    assert IMPOSSIBLE < -1e4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CATS.correct(cast("Any", 3)), TypeError, "text must be a str or an iterable of str, got int"),
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
        (lambda: CharLM.fit("1 2 " * 50, order=2).restore_case("1"), ValueError, "no symbol has a variant in case"),
        (lambda: CATS.correct("a", channel="accents"), ValueError, "no symbol has an accent"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
