from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import BigramLanguageModel, RecordDataset, TextDataset, evaluate
from charlm.training.validation import Beginning, scored_part


def scored(dataset: Any, targets: int | None, overlap: int) -> list[int]:
    """Returns the ids of a dataset that count as targets, in order."""
    found: list[int] = []
    for ids, lengths, counts, _ in dataset.pieces(targets, overlap):
        is_target = np.ones(len(ids), dtype=bool)
        is_target[np.cumsum(lengths) - lengths] = False
        found += ids[is_target][counts].tolist()
    return found


@given(
    length=st.integers(3, 60),
    characters=st.integers(1, 70),
    targets=st.none() | st.integers(1, 70),
    overlap=st.integers(0, 5),
)
def test_the_beginning_of_a_text_is_scored_and_no_more(
    length: int, characters: int, targets: int | None, overlap: int
) -> None:
    dataset = TextDataset(range(length), block_size=2)
    found = scored(Beginning(dataset, characters), targets, overlap)
    assert found == list(range(1, len(found) + 1))
    assert len(found) == min(characters, length - 1)
    assert scored_part(dataset, characters) == (characters if characters < length - 1 else None)


@given(st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=9), st.integers(1, 60))
def test_of_records_the_first_are_scored(records: Sequence[str], characters: int) -> None:
    dataset = RecordDataset(records)
    found, everything = (scored(made, None, 0) for made in (Beginning(dataset, characters), dataset))
    assert found == everything[: len(found)]
    assert len(found) == min(characters, len(everything))
    assert scored_part(dataset, characters) == (characters if characters < len(everything) else None)


def test_an_id_that_the_model_does_not_have_is_refused_wherever_it_is() -> None:
    with pytest.raises(ValueError, match=r"ids\[8\] is 8"):
        evaluate(BigramLanguageModel(8), Beginning(TextDataset(range(9), block_size=2), 3))
