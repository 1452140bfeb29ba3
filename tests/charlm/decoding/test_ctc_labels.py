"""Labels are symbols of the language model, or refused."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import ctc_decode
from charlm.decoding.ctc_labels import ids_of_labels, spelled_twice
from chartok import Vocabulary
from decoders import counted, frames_of

WITH_UNKNOWN = ["bos", "eos", "unk"]


def test_labels_of_a_network_in_another_case_are_refused_even_if_some_are_known() -> None:
    lm = counted(Vocabulary("abc '", special_tokens=WITH_UNKNOWN))
    with pytest.raises(ValueError, match=r"3 of 4 labels of the alphabet: '\|', 'A', 'B'\. Write .* instead of \|"):
        ctc_decode(frames_of(0, 3, 5), ["-", "|", "A", "B", "'"], blank=0, lm=lm)
    with pytest.raises(ValueError, match=r"1 of 3 labels of the alphabet: '7'"):
        ctc_decode(frames_of(0, 3, 4), ["", "a", "b", "7"], lm=lm)


def test_marks_that_the_model_does_not_know_count_as_unknown() -> None:
    vocabulary = Vocabulary("ab", special_tokens=WITH_UNKNOWN)
    unknown = vocabulary.special_tokens["unk"]
    assert ids_of_labels(vocabulary, ["a", "", "?", "<s>"[:1]], 1).tolist() == [
        vocabulary.id_of("a"),
        -1,
        unknown,
        unknown,
    ]


@given(labels=st.sets(st.text("ab", min_size=1, max_size=4), max_size=4))
def test_labels_spell_a_text_in_two_ways_if_and_only_if_one_is_found(labels: Any) -> None:
    found = spelled_twice(labels)
    ways = dict[str, int]()
    for n_labels in range(6):
        for chosen in product(sorted(labels), repeat=n_labels):
            ways["".join(chosen)] = ways.get("".join(chosen), 0) + 1
    assert max(ways.values()) == 1 or found is not None
    if found is not None:
        spelled = [1] + [0] * len(found)
        for stop in range(1, len(found) + 1):
            spelled[stop] = sum(spelled[stop - len(each)] for each in labels if found[:stop].endswith(each))
        assert spelled[-1] > 1


def test_a_language_model_is_refused_that_would_score_a_text_in_two_ways() -> None:
    lm = counted(Vocabulary(["C", "l", "Cl"], special_tokens=["bos", "eos"]))
    with pytest.raises(ValueError, match=r"alphabet spells 'Cl' in two ways.*leave out lm"):
        ctc_decode(frames_of(0, 3, 4), ["", "C", "l", "Cl"], lm=lm)
    with pytest.raises(ValueError, match="has 'Cl' as one symbol, and the alphabet spells it with several labels"):
        ctc_decode(frames_of(0, 3, 3), ["", "C", "l"], lm=lm)
    assert ctc_decode(np.log([[0.1, 0.1, 0.1, 0.7]]), ["", "C", "l", "Cl"])[0].text == "Cl"
