"""Numbers of a calibration survive a file, and nothing else passes for one."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.decisions.stored_numbers import LARGEST, count, known_keys, number, numbers, rounded

finite = st.floats(-LARGEST / 2, LARGEST / 2)


@given(values=st.lists(finite, max_size=9))
def test_rounded_numbers_survive_json_and_are_close(values: list[float]) -> None:
    kept = rounded(np.array(values))
    assert json.loads(json.dumps(kept.tolist())) == kept.tolist()
    np.testing.assert_allclose(kept, values, rtol=1e-8)
    assert np.array_equal(rounded(kept), kept)


@given(values=st.lists(finite, max_size=9))
def test_rounding_keeps_the_order(values: list[float]) -> None:
    assert (np.diff(rounded(np.sort(values))) >= 0).all()


@pytest.mark.parametrize("value", [None, "1", True, math.nan, math.inf, -math.inf, 1e31, 10**400, [1], {}])
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^a of its calibration must be a finite number$"):
        number({"a": value}, "a")
    with pytest.raises(ValueError, match="must be a list of at most 3 finite numbers"):
        numbers({"a": [1.0, value]}, "a", most=3)


@pytest.mark.parametrize("values", [None, 1.0, "12", {"0": 1}, [1, 2, 3, 4]])
def test_what_is_no_list_of_so_many_numbers_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match=r"^a of its calibration must be a list of at most 3 finite numbers$"):
        numbers({"a": values}, "a", most=3)


def test_a_list_in_another_order_is_refused() -> None:
    assert numbers({"a": [1, 1, 2]}, "a", most=3, ascending=True).tolist() == [1, 1, 2]
    with pytest.raises(ValueError, match="a of its calibration must ascend"):
        numbers({"a": [1, 3, 2]}, "a", most=3, ascending=True)


@pytest.mark.parametrize("value", [0, 1.0, True, None, "5", 10**13])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="a of its calibration must be a whole number of at least 1"):
        count({"a": value}, "a", least=1)


def test_what_is_no_object_and_unknown_entries_are_refused() -> None:
    assert known_keys({"a": 1}, {"a"}, "it") == {"a": 1}
    with pytest.raises(ValueError, match="it of its calibration must be a JSON object"):
        known_keys([1], {"a"}, "it")
    with pytest.raises(ValueError, match="it of its calibration lacks the entry 'b'"):
        known_keys({"a": 1}, {"a", "b"}, "it")
    with pytest.raises(ValueError, match="it of its calibration has an unknown entry 'c'"):
        known_keys({"a": 1, "c": 2}, {"a"}, "it")
