"""Classes come back from JSON as they were."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from charlm.sklearn.classes import classes_of, sorted_classes, stored_classes

kept = st.sampled_from(["?", "<i1", "<i8", "<u8", "<f4", "<f8", "<U3"]).flatmap(
    lambda dtype: arrays(
        dtype, st.integers(0, 5), elements={"allow_nan": False, "allow_infinity": False} if "f" in dtype else None
    )
)


@given(kept)
def test_classes_come_back_from_json_as_they_were(targets: NDArray[Any]) -> None:
    classes, places = sorted_classes(targets)
    np.testing.assert_array_equal(classes[places], targets)
    copy = classes_of(json.loads(json.dumps(stored_classes(classes))))
    assert copy.dtype == classes.dtype
    np.testing.assert_array_equal(copy, classes)


@pytest.mark.parametrize(
    "stored",
    [
        {"dtype": "<i8", "values": ["a"]},
        {"dtype": "<i8", "values": 5},
        {"dtype": "<U1", "values": ["ab"]},
        {"values": []},
    ],
)
def test_classes_of_another_type_are_refused(stored: Any) -> None:
    with pytest.raises((ValueError, KeyError)):
        classes_of(stored)
