"""Guess numbers beside the places of all records."""

import math
import pickle
from typing import Any, cast

import numpy as np
import pytest

from charlm import BigramTable, CharLM
from charlm.data.framing import Framing
from charlm.decoding.guess_numbers import GuessNumbers
from chartok import UnknownCharacterError, Vocabulary
from decoders import counted, strings, transformer

RECORDS = counted(Vocabulary("abc", special_tokens=["bos", "eos"]), order=3)


@pytest.mark.parametrize(
    ("lm", "places"),
    [
        (RECORDS, [1, 2, 5, 20, 100, 500]),
        (counted(Vocabulary("abc", special_tokens=["bos", "eos", "unk"])), [1, 2, 5, 20, 100]),
        (counted(Vocabulary(["a", "b", "ab", "ba"], special_tokens=["bos", "eos"])), [1, 2, 5, 20, 100]),
        (transformer(["bos", "eos"], 6), [1, 5, 50]),
    ],
    ids=["n-gram", "with unknown", "symbols of several characters", "transformer"],
)
def test_an_estimate_is_as_near_to_the_place_among_all_as_its_error_says(lm: CharLM, places: list[int]) -> None:
    found = lm.most_likely(max(places))
    numbers, errors = lm.guess_numbers([found[place - 1][0] for place in places], samples=20_000, return_errors=True)
    assert (np.abs(numbers - places) <= 4 * errors + 1e-6).all(), (numbers, errors)
    assert (errors[1:] < np.array(places[1:]) / 3).all()


def test_estimates_are_right_on_average_and_their_errors_are_what_they_vary_by() -> None:
    found = RECORDS.most_likely(300)
    places = np.array([3, 30, 300])
    texts = [found[place - 1][0] for place in places]
    drawn = [RECORDS.guess_numbers(texts, samples=500, seed=seed, return_errors=True) for seed in range(60)]
    off = np.array([(numbers - places) / errors for numbers, errors in drawn])
    assert (np.abs(off.mean(axis=0)) < 4 / math.sqrt(60)).all()
    assert (off.std(axis=0) > 0.7).all()
    assert (off.std(axis=0) < 1.4).all()


def test_records_of_the_same_probability_have_the_same_number() -> None:
    lm = CharLM.fit(["ab", "ba"], "bigram", smoothing=1e6)  # uniform
    numbers = lm.guess_numbers(["a", "b"])
    assert numbers[0] == numbers[1] == pytest.approx(2, abs=0.1)  # only the empty record is likelier


def test_likelier_records_never_have_larger_numbers() -> None:
    texts = strings("abc", 5)
    order = np.argsort(-RECORDS.score_samples(texts), kind="stable")
    numbers = RECORDS.guess_numbers(texts)[order]
    assert (np.diff(numbers) >= 0).all()
    assert numbers[0] >= 1


def test_a_seed_decides_and_a_count_model_draws_once() -> None:
    lm = counted(Vocabulary("abc", special_tokens=["bos", "eos"]))
    first = lm.guess_number("abca", seed=3)
    assert lm.guess_number("abca", seed=3) == first != lm.guess_number("abca", seed=4)
    assert lm.guess_number("abca", seed=-1) >= 1
    assert lm.guess_number("abca", seed=None) >= 1
    assert pickle.loads(pickle.dumps(lm)).guess_number("abca", seed=3) == first  # noqa: S301 - made here


def test_what_is_beyond_a_float_is_infinite() -> None:
    estimates = GuessNumbers(np.array([-1.0, -800.0])).of(np.array([-900.0, -1.0]))
    assert estimates.numbers.tolist() == [math.inf, 1.0]
    assert estimates.errors.tolist() == [math.inf, 0.0]


@pytest.mark.filterwarnings("error")
def test_an_impossible_record_is_never_guessed() -> None:
    lm = CharLM.fit(["ab", "abab"], "bigram", smoothing=0)
    numbers, errors = lm.guess_numbers(["ab", "ba"], return_errors=True)
    assert numbers.tolist() == [1.0, math.inf]
    assert errors.tolist() == [0.0, 0.0]


def test_only_the_latest_samples_are_kept() -> None:
    lm = counted(Vocabulary("abc", special_tokens=["bos", "eos"]))
    first = lm.guess_number("abca", samples=10)
    for seed in range(1, 9):
        lm.guess_number("abca", samples=10, seed=seed)
    assert len(vars(lm)["_guesses"]) == 4
    assert lm.guess_number("abca", samples=10) == first


def test_a_model_that_never_ends_has_no_guess_numbers() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["bos", "eos"])
    table = np.zeros((4, 4), dtype=np.float32)
    table[:, Framing(vocabulary).eos] = -np.inf
    endless = CharLM(BigramTable(vocab_size=4, context_only=Framing(vocabulary).context_only, table=table), vocabulary)
    with pytest.raises(ValueError, match="the model ends no record within 1024 symbols"):
        endless.guess_number("a", samples=3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RECORDS.guess_number(cast("Any", 3)), TypeError, "text must be a str, got int"),
        (lambda: RECORDS.guess_numbers("abc"), TypeError, "texts must be an iterable of str, got a single str"),
        (lambda: RECORDS.guess_number("a?"), UnknownCharacterError, "U\\+003F"),
        (lambda: RECORDS.guess_number("a", samples=1), ValueError, "samples must be at least 2, got 1"),
        (lambda: RECORDS.guess_number("a", samples=0), ValueError, "samples must be at least 1, got 0"),
        (lambda: RECORDS.guess_number("a", seed=cast("Any", 1.5)), TypeError, "seed must be an integer"),
        (lambda: CharLM.fit("abab" * 9).guess_number("a"), ValueError, "only records have guess numbers"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
