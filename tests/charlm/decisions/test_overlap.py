"""Texts that a model has counted have no n-grams that are new to it."""

import random
from itertools import pairwise

import numpy as np
import pytest

from charlm import CharLM
from charlm.data.framing import Framing
from charlm.decisions.overlap import NewNGrams, new_ngrams


@pytest.fixture(scope="module")
def lines() -> list[str]:
    generator = random.Random(0)  # noqa: S311 - made-up lines
    return [f"{generator.randrange(10**9):,} of {generator.randrange(10**6):x} done" for _ in range(1200)]


def found(lm: CharLM, texts: list[str]) -> NewNGrams:
    ids, lengths = Framing(lm.vocabulary).to_score(texts)
    return new_ngrams(lm.stored, ids, lengths, skipped=int(not lm.is_of_records))  # type: ignore[arg-type]  # counted


@pytest.mark.parametrize("order", [2, 5, None])
def test_new_texts_have_about_as_many_new_n_grams_as_expected_and_counted_ones_none(
    lines: list[str], order: int | None
) -> None:
    lm = CharLM.fit(lines[:800], order=order)
    new, counted = found(lm, lines[800:]), found(lm, lines[:400])
    assert counted.found == 0
    assert new.found == pytest.approx(new.expected, rel=0.2, abs=10)
    assert not new.are_too_few
    assert counted.are_too_few == (counted.expected >= 50)


def test_a_text_is_not_new_because_it_was_counted_without_its_beginning(lines: list[str]) -> None:
    lm = CharLM.fit("\n".join(lines[:800]), order=5)
    assert found(lm, lines[:400]).found == 0
    assert found(lm, lines[800:]).found > 0


def test_n_grams_are_looked_up_one_by_one() -> None:
    lm = CharLM.fit(["abcab", "abd", "cab"], order=3)
    ids, lengths = Framing(lm.vocabulary).to_score(["acb", "ab"])
    grams = {(first, second) for text in ("^abcab$", "^abd$", "^cab$") for first, second in pairwise(text)}
    new = sum(pair not in grams for text in ("^acb$", "^ab$") for pair in pairwise(text))
    assert found(lm, ["acb", "ab"]).found == new
    assert len(ids) == int(np.sum(lengths))
