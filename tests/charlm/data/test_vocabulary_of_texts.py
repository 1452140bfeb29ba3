"""The vocabulary of texts that are counted is that of the texts repeated."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.vocabulary_of_texts import vocabulary_of_counted_texts, vocabulary_of_texts
from chartok import Vocabulary

counted = st.dictionaries(
    st.text("abcde\u0301\u4e00", min_size=1, max_size=5), st.integers(1, 9), min_size=1, max_size=6
)
settings = st.fixed_dictionaries(
    {},
    optional={
        "min_count": st.integers(1, 12),
        "max_size": st.none() | st.integers(1, 6),
        "unit": st.sampled_from(["character", "grapheme", "word"]),
        "symbols": st.lists(st.sampled_from(["a", "z", "ab"]), unique=True),
        "extends": st.sampled_from([None, Vocabulary("xa", special_tokens=["unk"])]),
        "vocabulary": st.sampled_from([None, None, Vocabulary("abc")]),
    },
)


def outcome(make: Any, *arguments: Any, **asked: Any) -> Any:
    try:
        return make(*arguments, ["bos", "unk"], **asked)
    except ValueError as error:
        return str(error)


@given(counted=counted, asked=settings)
def test_a_text_that_counts_is_one_that_is_repeated(counted: dict[str, int], asked: dict[str, Any]) -> None:
    repeated = [text for text, count in counted.items() for _ in range(count)]
    expected = outcome(vocabulary_of_texts, repeated, **asked)
    assert outcome(vocabulary_of_counted_texts, [*counted], [*counted.values()], **asked) == expected


def test_how_often_a_text_occurs_costs_no_time() -> None:
    found = vocabulary_of_counted_texts(["abba", "c"], [1 << 32, 1], [], min_count=1 << 33, max_size=2)
    assert found.symbols == ("a", "b")


@pytest.mark.parametrize("asked", [{"min_count": 0}, {"min_count": "2"}, {"max_size": 0}, {"symbols": "ab"}])
def test_what_is_asked_is_checked(asked: dict[str, Any]) -> None:
    asked = {"min_count": 2} | asked
    for extends in (None, Vocabulary("xy")):
        with pytest.raises((ValueError, TypeError)) as expected:
            vocabulary_of_texts(["a", "a"], [], extends=extends, **asked)
        with pytest.raises(type(expected.value), match=str(expected.value)):
            vocabulary_of_counted_texts(["a"], [2], [], extends=extends, **asked)
