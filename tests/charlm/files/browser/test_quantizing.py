"""A matrix in one or two bytes a weight is as near to itself as these allow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray

from charlm.files.browser.quantizing import quantized_rows

MATRICES = arrays_of.arrays(np.float32, (3, 4), elements=st.floats(-1e6, 1e6, width=32))


@given(MATRICES, st.sampled_from([np.int8, np.int16]))
def test_each_weight_is_off_by_half_a_step_of_its_row_at_most(
    matrix: NDArray[np.float32], dtype: type[np.int8 | np.int16]
) -> None:
    codes, scales = quantized_rows(matrix, dtype)
    assert codes.dtype == dtype
    assert scales.dtype == np.float32
    assert scales.shape == (3,)
    step = np.abs(matrix).max(axis=1) / np.iinfo(dtype).max
    off = np.abs(codes.astype(np.float64) * scales[:, None] - matrix)
    assert (off <= 0.501 * step[:, None] + 1e-37).all()


@given(MATRICES)
def test_zero_stays_zero_and_the_largest_stays_the_largest(matrix: NDArray[np.float32]) -> None:
    codes, _ = quantized_rows(matrix)
    assert (codes[matrix == 0] == 0).all()
    assert (np.abs(codes).max(axis=1)[np.abs(matrix).max(axis=1) > 1e-30] == 127).all()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_number_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="a weight is infinite or NaN"):
        quantized_rows(np.array([[1.0, number]]))


def test_a_matrix_without_columns_has_scales_of_zero() -> None:
    codes, scales = quantized_rows(np.zeros((2, 0)))
    assert codes.shape == (2, 0)
    assert scales.tolist() == [0, 0]
