from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from chartok import UnknownCharacterError, Vocabulary
from decoders import LETTERS, counted, transformer
from strategies import costly, symbol_vocabularies, text_of_symbols

ROLES = st.sampled_from([[], ["bos"], ["unk"], ["bos", "eos"], ["bos", "unk"], ["bos", "eos", "unk"]])


def check(lm: CharLM, pieces: list[str], tolerance: float) -> None:
    state, text = lm.start(), ""
    for piece in pieces:
        state, text = state.extend(piece), text + piece
        assert state.text == text
        found = state.log_probability + state.end_log_probability
        np.testing.assert_allclose(found, lm.score_samples([text])[0], rtol=tolerance, atol=tolerance)
        expected = lm.log_probabilities(text)
        so_far = expected.sum() - (expected[-1] if lm.is_of_records else 0)
        np.testing.assert_allclose(state.log_probability, so_far, rtol=tolerance, atol=tolerance)
        shown, known = dict(state.next_symbols(k=99)), dict(lm.next_symbols(text, k=99))
        assert shown == pytest.approx(known, rel=1e-4, abs=1e-9)


@costly(40)
@given(data=st.data(), vocabulary=symbol_vocabularies)
def test_a_growing_text_is_scored_as_the_whole_whatever_its_symbols(
    data: st.DataObject, vocabulary: Vocabulary
) -> None:
    if not vocabulary.symbols:
        return
    whole_symbols = st.sampled_from(vocabulary.symbols)
    pieces = text_of_symbols if "unk" in vocabulary.special_tokens else whole_symbols
    check(counted(vocabulary), data.draw(st.lists(pieces, max_size=5)), 1e-9)


@costly(20)
@given(pieces=st.lists(st.text(LETTERS, max_size=5), max_size=5), roles=ROLES, order=st.integers(1, 5))
def test_a_growing_text_is_scored_as_the_whole_by_count_models(pieces: list[str], roles: Any, order: int) -> None:
    check(counted(Vocabulary(LETTERS, special_tokens=roles), order), pieces, 1e-9)


@costly(10)
@given(pieces=st.lists(st.text(LETTERS, max_size=5), max_size=5), roles=ROLES, block_size=st.integers(2, 9))
def test_a_growing_text_is_scored_as_the_whole_by_a_transformer(pieces: list[str], roles: Any, block_size: int) -> None:
    check(transformer(roles, block_size), pieces, 1e-4)


@pytest.mark.parametrize("lm", [CharLM.fit(["abba", "baab"], order=3), transformer(["bos", "eos"], 6)], ids=str)
def test_states_do_not_change_when_others_branch_from_them(lm: CharLM) -> None:
    state = lm.start("ab")
    before = state.log_probability, state.next_symbols()
    longer = [state.extend("ab"), state.extend("b"), state.extend("ab")]
    assert (state.log_probability, state.next_symbols()) == before
    assert state.text == "ab"
    assert longer[0].log_probability == pytest.approx(longer[2].log_probability, rel=1e-5)
    assert [branch.text for branch in longer] == ["abab", "abb", "abab"]


def test_a_last_character_can_become_part_of_a_longer_symbol() -> None:
    lm = counted(Vocabulary(["C", "Cl", "l"], special_tokens=["bos", "eos"]))
    state = lm.start("C").extend("l")
    assert state.log_probability == pytest.approx(lm.log_probabilities("Cl")[0])
    assert len(lm.log_probabilities("Cl")) == 2


def test_an_unknown_character_is_refused_where_it_is_in_the_whole_text() -> None:
    with pytest.raises(UnknownCharacterError) as caught:
        counted(Vocabulary("ab")).start("ab").extend("a?")
    assert caught.value.position == 3


def test_the_text_must_be_a_string() -> None:
    lm = counted(Vocabulary("ab"))
    with pytest.raises(TypeError, match="text must be a str, got int"):
        lm.start(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="text must be a str, got bytes; decode the bytes first"):
        lm.start().extend(b"a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        lm.start().next_symbols(k=0)


def test_a_state_shows_its_text() -> None:
    assert repr(counted(Vocabulary("ab")).start()) == "TextState('', log_probability=0.0000)"
