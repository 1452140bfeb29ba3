import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chartok import TokenIdError
from chartok.ids import as_id_array

integer_arrays = hnp.arrays(
    st.one_of(hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes(endianness="?")),
    hnp.array_shapes(max_dims=2, min_side=0),
)


@example(np.array([-1], dtype=np.int8), 256)
@given(integer_arrays, st.none() | st.integers(0, 300))
def test_the_range_check_agrees_with_looking_at_each_id(ids: np.ndarray, size: int | None) -> None:
    wrong = [i for i, value in enumerate(ids.ravel().tolist()) if value < 0 or (size is not None and value >= size)]
    if not wrong:
        assert as_id_array(ids, size) is ids
        return
    with pytest.raises(TokenIdError) as caught:
        as_id_array(ids, size)
    assert caught.value.position == wrong[0]
    assert caught.value.token_id == ids.ravel().tolist()[wrong[0]]
