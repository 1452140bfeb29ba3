"""Whole continuations of a prompt, beside all that there are."""

import math
from typing import Any, cast

import pytest

from charlm import CharLM
from chartok import UnknownCharacterError, Vocabulary
from decoders import counted, strings

NAMES = CharLM.fit(["anna", "hanna", "joanna", "johanna", "ann"], order=3)


@pytest.mark.parametrize(("roles", "prompt"), [([], "a"), ([], "cab"), (["bos"], ""), (["bos"], "cab")])
def test_completions_are_those_of_all_texts(roles: Any, prompt: str) -> None:
    lm = counted(Vocabulary("abc", special_tokens=roles))
    expected = {}
    for text in strings("ab", 3):
        after = [dict(lm.next_symbols(prompt + text[:place])) for place in range(len(text) + 1)]
        shares = [shares_here[symbol] for shares_here, symbol in zip(after, text, strict=False)]
        expected[prompt + text] = math.prod(shares) * (1 if len(text) == 3 else after[-1]["c"])
    found = lm.complete(prompt, 99, stop="c", max_new_tokens=3)
    assert dict(found) == pytest.approx(expected)
    assert [share for _, share in found] == pytest.approx(sorted(expected.values(), reverse=True))
    assert sum(expected.values()) == pytest.approx(1)


def test_what_unknown_characters_may_follow_is_no_completion() -> None:
    lm = counted(Vocabulary("abc", special_tokens=["unk"]))
    total = sum(share for _, share in lm.complete("a", 99, max_new_tokens=1))
    share_of_a = math.exp(lm.start("aa").log_probability - lm.start("a").log_probability)
    assert total == pytest.approx(share_of_a / dict(lm.next_symbols("a"))["a"])
    assert total < 1


def test_completions_of_records_end_with_them_or_at_a_stop() -> None:
    found = dict(NAMES.complete("jo", 20, stop="h"))
    for text in ("jo", "joanna"):
        ended, stopped = NAMES.score_samples([text])[0], NAMES.start(text + "h").log_probability
        given = NAMES.start("jo").log_probability
        assert found[text] == pytest.approx(math.exp(ended - given) + math.exp(stopped - given))
    assert all("h" not in text for text in found)


def test_a_prompt_ends_a_symbol_where_symbols_have_several_characters() -> None:
    lm = CharLM.fit(["ClCl", "CCC", "ClC"] * 9, symbols=["Cl"], order=2)
    assert all(not text.startswith("Cl") for text, _ in lm.most_likely(9, prefix="C") + lm.complete("C", 9))
    assert all(text.startswith("Cl") for text, _ in lm.most_likely(3, prefix="Cl"))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NAMES.most_likely(0), ValueError, "n must be at least 1, got 0"),
        (lambda: NAMES.most_likely(cast("Any", 1.5)), TypeError, "n must be an integer, got float"),
        (lambda: NAMES.most_likely(1, max_length=0), ValueError, "max_length must be at least 1"),
        (lambda: NAMES.most_likely(1, prefix="anna", max_length=3), ValueError, r"prefix \(4 symbols\) exceeds"),
        (lambda: NAMES.most_likely(1, prefix=cast("Any", 5)), TypeError, "prefix must be a str, got int"),
        (lambda: NAMES.complete("a", stop=cast("Any", 5)), TypeError, "stop must be symbols, such as .* got int"),
        (lambda: NAMES.most_likely(1, prefix="?"), UnknownCharacterError, "prefix"),
        (lambda: NAMES.most_likely(1, max_prefixes=0), ValueError, "max_prefixes must be at least 1"),
        (lambda: NAMES.complete("a", 0), ValueError, "k must be at least 1, got 0"),
        (lambda: NAMES.complete(cast("Any", 3)), TypeError, "prompt must be a str, got int"),
        (lambda: NAMES.complete("?"), UnknownCharacterError, "prompt"),
        (lambda: NAMES.complete("a", stop=["an"]), ValueError, "stop must be symbols of the vocabulary, got 'an'"),
        (lambda: NAMES.complete("a", stop=cast("Any", [3])), TypeError, r"stop\[0\] must be a str, got int"),
        (lambda: NAMES.complete("a", max_new_tokens=0), ValueError, "max_new_tokens must be at least 1"),
        (lambda: CharLM.fit("abab" * 9).complete("a"), ValueError, "a model of text has no end: give stop or max"),
        (lambda: CharLM.fit("abab" * 9).most_likely(1), ValueError, "fit it to records, or call complete"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
