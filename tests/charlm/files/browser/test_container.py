"""The bytes of a model for a browser are sealed, little-endian and the same each time."""

import gzip
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from charlm.files.browser.container import MAGIC, browser_bytes, size_of_text
from charlm.files.tensor_file import parse_tensor_file

SEALED = len(MAGIC) + 32
DTYPES = st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "float32", "float64"]).map(np.dtype)


def body_of(data: bytes) -> bytes:
    whole = gzip.decompress(data)
    assert whole[: len(MAGIC)] == MAGIC
    assert whole[len(MAGIC) : SEALED] == hashlib.sha256(whole[SEALED:]).digest()
    return whole[SEALED:]


@settings(max_examples=40)
@given(st.dictionaries(st.text(min_size=1), DTYPES.flatmap(lambda dtype: arrays_of.arrays(dtype, (2, 3))), max_size=3))
def test_what_is_written_is_a_sealed_safetensors_file(arrays: dict[str, np.ndarray]) -> None:
    arrays.pop("__metadata__", None)
    found = parse_tensor_file(body_of(browser_bytes(arrays, {"family": "none"})))
    assert json.loads(found.metadata["charlm"]) == {"version": 1, "family": "none"}
    assert found.tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found.tensors[name].array().tobytes() == array.tobytes()
        assert found.tensors[name].shape == array.shape


def test_numbers_are_little_endian_whatever_they_were() -> None:
    big = np.array([1, 2], dtype=">u4")
    assert bytes(parse_tensor_file(body_of(browser_bytes({"a": big}, {}))).tensors["a"].data) == b"\1\0\0\0\2\0\0\0"


def test_the_same_model_gives_the_same_bytes() -> None:
    one, two = np.arange(9, dtype=np.uint8), np.zeros(3, dtype=np.float32)
    other = browser_bytes({"b": two, "a": one}, {"y": 2, "x": 1})
    assert browser_bytes({"a": one, "b": two}, {"x": 1, "y": 2}) == other


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_description_has_only_what_json_has(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        browser_bytes({}, {"loss": number})


@given(st.binary(max_size=9))
def test_the_size_of_base64_is_known_before(data: bytes) -> None:
    import base64  # noqa: PLC0415 - what is measured

    assert size_of_text(data) == len(base64.b64encode(data))
