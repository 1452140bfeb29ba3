"""Records as ids: what is read is what a list of them would give, however they are chosen, repeated and limited."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.record_sources import RecordsInMemory
from charlm.data.records import Records

BOS, EOS = 98, 99

texts_of_ids = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), min_size=1, max_size=8)


def read(records: Records, at_once: int) -> list[list[int]]:
    found = list[list[int]]()
    for part in records.parts(at_once):
        ends = np.cumsum(part.lengths)
        found += [ids.tolist() for ids in np.split(part.ids, ends[:-1])]
    return found


@given(texts_of_ids, st.data())
def test_chosen_repeated_and_limited_records_are_those_of_a_list(texts: list[list[int]], data: Any) -> None:
    rows = [[BOS, *text, EOS] for text in texts]
    lengths = np.array([len(row) for row in rows])
    weights = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows))))
    records = Records(RecordsInMemory.of(np.concatenate(rows), lengths), weights)
    is_chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)).filter(any)))
    max_length = data.draw(st.integers(1, 6))
    expected = [
        row if len(row) <= max_length + 2 else row[: max_length + 1]
        for row, weight, chosen in zip(rows, weights, is_chosen, strict=True)
        for _ in range(weight)
        if chosen
    ]
    found = records.chosen(is_chosen).limited(max_length, "truncate").repeated()
    at_once = data.draw(st.integers(1, 40))
    assert read(found, at_once) == expected
    ids, lengths = found.joined()
    assert [row.tolist() for row in np.split(ids, np.cumsum(lengths)[:-1])] == expected


@given(texts_of_ids, st.integers(1, 30))
def test_a_part_is_no_larger_than_asked_unless_it_is_one_record(texts: list[list[int]], at_once: int) -> None:
    rows = [[BOS, *text, EOS] for text in texts]
    records = Records(
        RecordsInMemory.of(np.concatenate(rows), np.array([len(row) for row in rows])), np.full(len(rows), 50)
    ).repeated()
    assert all(len(part.ids) <= at_once or len(part.lengths) == 1 for part in records.parts(at_once))


def test_a_record_that_is_too_long_is_named_by_its_place_among_all() -> None:
    records = Records(RecordsInMemory.of(np.arange(10, dtype=np.uint8), np.array([2, 3, 5])))
    with pytest.raises(ValueError, match=r"^record 3 has 3 symbols"):
        records.chosen(np.array([False, True, True])).limited(2, "error")
