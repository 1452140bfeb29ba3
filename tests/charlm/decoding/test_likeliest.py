"""The likeliest texts in order, beside all texts that there are."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.decoding import likeliest
from chartok import Vocabulary
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


def test_a_search_that_finds_too_much_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"found \d+ of 5000 texts, and [\d,]+ beginnings .* more than 100: ask for"):
        NAMES.most_likely(5000, max_prefixes=100)
