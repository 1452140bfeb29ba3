import random
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, ErrorSpotter
from chartok import UnknownCharacterError, Vocabulary
from decoders import counted, transformer
from strategies import costly

TEXT = "the cat sat on the mat. the dog sat on the log. " * 50
FORWARD, BACKWARD = CharLM.fit(TEXT, order=5), CharLM.fit(TEXT[::-1], order=5)


def test_an_error_is_where_the_probability_is_lowest() -> None:
    spotter = ErrorSpotter(FORWARD, BACKWARD)
    true = "the cat sat on the mat. the dog sat on the log."
    for seed in range(30):
        generator = random.Random(seed)  # noqa: S311
        place = generator.randrange(len(true))
        seen = true[:place] + generator.choice(sorted({*true} - {true[place]})) + true[place + 1 :]
        found = spotter.log_probabilities(seen)
        if seen not in TEXT:
            assert abs(int(found.argmin()) - place) <= 1, (seen, place)
    assert spotter.log_probabilities(true)[3:].min() > -3


@costly(10)
@given(text=st.text("abcd", max_size=8), roles=st.sampled_from([[], ["bos"], ["bos", "eos"], ["bos", "eos", "unk"]]))
def test_what_is_in_one_place_has_probability_one_together(text: str, roles: Any) -> None:
    for lm in (counted(Vocabulary("abcd", special_tokens=roles)), transformer(roles, 4)):
        spotter = ErrorSpotter(lm, lm)
        assert spotter.log_probabilities(text).shape == (len(text),)
        for place in range(len(text)):
            others = [spotter.log_probabilities(text[:place] + symbol + text[place + 1 :])[place] for symbol in "abcd"]
            total = np.exp(others).sum()
            assert total == pytest.approx(1, abs=1e-5) if "unk" not in roles else 0 < total < 1


def test_models_may_number_their_symbols_differently_and_know_what_is_unknown() -> None:
    other = CharLM.fit(TEXT[::-1] + "t", order=5)
    mixed = CharLM(other.stored, other.vocabulary)
    assert ErrorSpotter(FORWARD, mixed).log_probabilities("the c?t")[5] < -10


def test_probabilities_of_zero_give_numbers() -> None:
    forward, backward = (CharLM.fit(records, "bigram", smoothing=0) for records in (["abc", "cab"], ["cba", "bac"]))
    found = ErrorSpotter(forward, backward).log_probabilities("aaccbb")
    assert not np.isnan(found).any()
    assert (found <= 0).all()
    assert np.isinf(ErrorSpotter(forward, backward).log_probabilities("acc")).any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ErrorSpotter(cast("Any", "a"), BACKWARD), TypeError, "forward must be a CharLM, got str"),
        (lambda: ErrorSpotter(FORWARD, cast("Any", None)), TypeError, "backward must be a CharLM, got NoneType"),
        (lambda: ErrorSpotter(FORWARD, CharLM.fit(TEXT + "!")), ValueError, "the same symbols, got 1 of one alone"),
        (lambda: ErrorSpotter(*[CharLM.fit("ClBr" * 9, symbols=["Cl"])] * 2), ValueError, "several characters"),
        (lambda: ErrorSpotter(CharLM.fit(["ab"]), CharLM.fit("abab" * 9)), ValueError, "both be of records, or both"),
        (
            lambda: ErrorSpotter(counted(Vocabulary("ab", special_tokens=["unk"])), counted(Vocabulary("ab"))),
            ValueError,
            "must both have unk, or neither",
        ),
        (lambda: ErrorSpotter(FORWARD, BACKWARD).log_probabilities(cast("Any", 3)), TypeError, "text must be a str"),
        (lambda: ErrorSpotter(*[counted(Vocabulary("ab"))] * 2).log_probabilities("?"), UnknownCharacterError, "003F"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
