"""The likeliest texts in order, beside all texts that there are."""

import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.decoding import likeliest
from chartok import UnknownCharacterError, Vocabulary
from decoders import counted, strings, transformer
from strategies import costly

NAMES = CharLM.fit(["anna", "hanna", "joanna", "johanna", "ann"], order=3)
RECORDS = st.sampled_from([["bos", "eos"], ["bos", "eos", "unk"], ["pad", "bos", "eos"]])


def check_most_likely(lm: CharLM, n: int, longest: int, prefix: str, tolerance: float) -> None:
    vocabulary = lm.vocabulary
    texts = {text for text in strings(vocabulary.symbols, longest) if text.startswith(prefix)}
    texts = {
        text
        for text in texts
        if vocabulary.encode(text).tolist()[: len(vocabulary.encode(prefix))] == vocabulary.encode(prefix).tolist()
        and len(vocabulary.encode(text)) <= longest
    }
    expected = sorted(lm.score_samples(sorted(texts)), reverse=True)[:n]
    found = lm.most_likely(n, prefix=prefix, max_length=longest)
    assert len({text for text, _ in found}) == len(found) == min(n, len(texts))
    np.testing.assert_allclose([score for _, score in found], expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(lm.score_samples([text for text, _ in found]), expected, rtol=tolerance, atol=tolerance)


@costly(30)
@given(
    roles=RECORDS,
    order=st.integers(1, 4),
    n=st.integers(1, 60),
    prefix=st.text("abc", max_size=2),
    width=st.sampled_from([0.1, 3.0]),
)
def test_the_likeliest_records_are_those_of_all_records(
    roles: Any, order: int, n: int, prefix: str, width: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likeliest, "WIDTH", width)
        patch.setattr(likeliest, "AT_ONCE", 3)
        check_most_likely(counted(Vocabulary("abc", special_tokens=roles), order), n, 4, prefix, 1e-9)


@costly(10)
@given(n=st.integers(1, 60), block_size=st.integers(1, 5), prefix=st.text("ab", max_size=2))
def test_the_likeliest_records_of_a_transformer_are_those_of_all_records(n: int, block_size: int, prefix: str) -> None:
    check_most_likely(transformer(["bos", "eos"], block_size), n, 3, prefix, 1e-4)


@costly(20)
@given(n=st.integers(1, 60), symbols=st.lists(st.sampled_from(["ab", "ba", "bb", "aba"]), unique=True))
def test_of_symbols_of_several_characters_each_text_comes_once_as_it_is_scored(n: int, symbols: list[str]) -> None:
    check_most_likely(counted(Vocabulary(["a", "b", *symbols], special_tokens=["bos", "eos"])), n, 3, "", 1e-9)


def test_all_records_come_if_more_are_asked_for_than_there_are() -> None:
    lm = CharLM.fit(["a", "aa"], "bigram", smoothing=0.0)
    found = lm.most_likely(50, max_length=3)
    assert [text for text, _ in found] == ["a", "aa", "aaa"]


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


def test_a_search_that_finds_too_much_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"found \d+ of 5000 texts, and [\d,]+ beginnings .* more than 100: ask for"):
        NAMES.most_likely(5000, max_prefixes=100)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NAMES.most_likely(0), ValueError, "n must be at least 1, got 0"),
        (lambda: NAMES.most_likely(cast("Any", 1.5)), TypeError, "n must be an integer, got float"),
        (lambda: NAMES.most_likely(1, max_length=0), ValueError, "max_length must be at least 1"),
        (lambda: NAMES.most_likely(1, prefix="anna", max_length=3), ValueError, r"prefix \(4 symbols\) exceeds"),
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
