"""The shortest record that a model has learned from is known from its n-grams, or from records that were held out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.report.shortest import shortest_record

RECORDS = st.lists(st.text("ab", min_size=1, max_size=6), min_size=1, max_size=6)


@given(RECORDS, st.integers(1, 9))
def test_an_n_gram_model_knows_the_shortest_record_up_to_its_order(records: list[str], order: int) -> None:
    lm = CharLM.fit(records, order=order)
    assert shortest_record(lm, ["a"]) == max(1, min(order - 1, *map(len, records)))


def test_of_other_models_the_shortest_record_held_out_counts() -> None:
    lm = CharLM.fit(["anna", "hanna"], "bigram")
    assert shortest_record(lm, ["joanna", "ella"]) == 4
    assert shortest_record(lm) == shortest_record(lm, [""]) == 1


@pytest.mark.parametrize("entropy", [1e-4, 1e-1])
def test_a_pruned_model_gives_a_length_too(entropy: float) -> None:
    lm = CharLM.fit(["anna", "hanna", "johanna"] * 9, order=5).prune(entropy=entropy)
    assert 1 <= shortest_record(lm) <= 7
