"""What is held out from a class is not learned, and all of it is held out once."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.classification.held_out import OneText, SeparateTexts, texts_of_class
from strategies import any_text

texts = st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=12)


@given(texts, st.integers(2, 5), st.integers(0, 9))
def test_each_separate_text_is_held_out_once_and_equal_texts_together(
    given_texts: list[str], n_folds: int, seed: int
) -> None:
    texts_of_it = texts_of_class(iter(given_texts), "texts")
    assert isinstance(texts_of_it, SeparateTexts)
    assert texts_of_it.source() == Counter(given_texts)
    folds = [*texts_of_it.folds(n_folds, np.random.default_rng(seed))]
    assert len(folds) == (min(n_folds, len(set(given_texts))) if len(set(given_texts)) > 1 else 0)
    for rest, held_out in folds:
        assert rest
        assert held_out
        assert rest == {text: count for text, count in Counter(given_texts).items() if text not in held_out}
    if folds:
        assert sorted(text for _, held_out in folds for text in held_out) == sorted(set(given_texts))


@given(any_text, st.integers(2, 5))
def test_pieces_of_a_text_are_what_the_rest_does_not_have(text: str, n_folds: int) -> None:
    folds = [*OneText(text).folds(n_folds, np.random.default_rng(0))]
    held_out = "".join(piece for _, pieces in folds for piece in pieces)
    remaining = "".join(text.split())
    for rest, pieces in folds:
        assert len(rest) + sum(map(len, pieces)) <= len(text)
        assert all(piece and piece == piece.strip() for piece in pieces)
    if len(folds) == n_folds:
        assert "".join(held_out.split()) == remaining


def test_pieces_are_of_many_lengths_and_end_where_words_do() -> None:
    words = [f"word{place}" for place in range(600)]
    for _, pieces in OneText(" ".join(words)).folds(3, np.random.default_rng(0)):
        assert min(map(len, pieces)) < 10
        assert max(map(len, pieces)) > 100
        inner = [word for piece in pieces[1:-1] for word in piece.split()]
        assert set(inner) <= set(words)


def test_a_class_is_given_as_for_a_model(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat", encoding="utf-8")
    assert texts_of_class(tmp_path / "text.txt", "texts") == OneText("the cat")
    assert texts_of_class("the cat", "texts") == OneText("the cat")
    assert texts_of_class({"a": 3, "b": 1}, "texts") == SeparateTexts({"a": 3, "b": 1})


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("", ValueError, "texts is empty: give at least one character"),
        ([], ValueError, "texts is empty: give at least one text"),
        (["a", ""], ValueError, "texts has an empty text"),
        ([b"a"], TypeError, r"texts\[0\] must be a str, got bytes"),
        (None, TypeError, "texts must be a str or an iterable of str, got NoneType"),
    ],
)
def test_what_is_no_text_is_refused(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        texts_of_class(source, "texts")
