"""The sequence of labels is the likeliest of all."""
# ruff: noqa: RUF001 - the letters are those of the scripts

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from charlm.decisions.segmentation import likeliest_labels, places_of_changes
from strategies import any_text

scores_of_few = st.tuples(st.integers(1, 3), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-20, 0))
)


@given(scores_of_few, st.floats(0, 30), st.data())
def test_no_sequence_of_labels_is_likelier(scores: NDArray[np.float64], cost: float, data: st.DataObject) -> None:
    labels, length = scores.shape
    inner = data.draw(st.sets(st.integers(1, max(1, length - 1)), max_size=length - 1)) if length > 1 else set()
    starts = np.array(sorted({0, *inner}))
    of_units = np.add.reduceat(scores, starts, axis=1)
    begun = data.draw(arrays(np.float64, (len(starts), labels), elements=st.floats(-20, 0) | st.just(-np.inf)))
    begun[:, data.draw(st.integers(0, labels - 1))] = 0

    def total(path: tuple[int, ...]) -> float:
        changes = sum(one != other for one, other in itertools.pairwise(path))
        first = [0, *(unit for unit in range(1, len(path)) if path[unit] != path[unit - 1])]
        of_parts = sum(float(begun[unit, path[unit]]) for unit in first)
        return sum(float(of_units[label, unit]) for unit, label in enumerate(path)) + of_parts - cost * changes

    best = max(map(total, itertools.product(range(labels), repeat=len(starts))))
    found = likeliest_labels(scores, starts, cost, begun)
    assert total(tuple(found.tolist())) >= best - 1e-9 * (1 + abs(best))


@given(any_text)
def test_a_label_may_change_at_the_beginning_and_never_inside_an_ascii_word(text: str) -> None:
    places = places_of_changes(text)
    assert (np.diff(places) > 0).all()
    assert (len(places) > 0) == (len(text) > 0)
    assert not len(places) or places[0] == 0
    ascii_letters = {
        place
        for place in range(1, len(text))
        if (text[place - 1] + text[place]).isascii() and (text[place - 1] + text[place]).isalpha()
    }
    assert not ascii_letters & set(places.tolist())
    begins = {place for place in range(1, len(text)) if text[place - 1].isspace() and text[place].isalnum()}
    assert begins <= set(places.tolist())
    assert not {place for place in range(1, len(text)) if text[place].isspace()} & set(places.tolist())


@pytest.mark.parametrize(
    "whole",
    [
        "बाज़ार",
        "किताब",
        "שָׁלוֹם",
        "مُحَمَّد",
        "می\u200cخواهم",
        "n\u0303andu\u0301",
        "12,5",
        "1,234.5",
        "12:30",
        "1\u2019000",
        "٣٫١٤",
        "🇫🇷",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f",
        "👍🏽",
        "葛\U000e0100",
        "ที่",
        "e\u0301",
        "x\u200d\u200dy",
    ],
)
def test_what_is_read_as_one_is_of_one_part(whole: str) -> None:
    inside = [place for place in places_of_changes(whole).tolist() if place]
    assert inside == []
    assert places_of_changes(f"世{whole}世").tolist() == [0, 1, 1 + len(whole)]


def test_two_flags_and_two_numbers_are_two() -> None:
    assert places_of_changes("🇫🇷🇩🇪🇮").tolist() == [0, 2, 4]
    assert places_of_changes("1. 2,").tolist() == [0, 3]


@given(st.text(st.sampled_from("ab 1,.'\u0301\u200d\ufe0f🇫👍🏽世ा"), max_size=12))
def test_no_part_begins_with_a_mark_or_after_a_joiner(text: str) -> None:
    for place in places_of_changes(text).tolist()[1:]:
        assert text[place] not in "\u0301\u200d\ufe0f🏽ा"
        assert text[place - 1] != "\u200d"


def test_scripts_without_spaces_change_anywhere_and_accents_stay_with_their_letters() -> None:
    assert places_of_changes("世界です").tolist() == [0, 1, 2, 3]
    assert places_of_changes("สวัสดี")[0] == 0
    assert places_of_changes("e\u0301te\u0301 l'eau").tolist() == [0, 6]
    assert places_of_changes("Привет, мир!").tolist() == [0, 8]
    assert places_of_changes("(one) ¿two?").tolist() == [0, 1, 6, 7]
    assert places_of_changes("").tolist() == []


def test_a_long_text_loses_no_precision() -> None:
    scores = np.full((2, 200_000), -1000.0)
    scores[1, 100_000:] += 1e-3
    found = likeliest_labels(scores, np.arange(200_000), 1.0)
    assert found[0] == 0 or found[-1] == 1
    assert found[-1] == 1
