"""Reads the safetensors format into NumPy without a copy: the whole header is validated, and tensors view one buffer.

The safetensors library copies every tensor out of the mapped file, and its NumPy functions do not return the metadata
of bytes. Here a file is read once, into one buffer, and the header is validated before any tensor is created.
<https://huggingface.co/docs/safetensors>
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chartok.files.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LENGTH_BYTES = 8
"""The size of the header's length, little-endian, which precedes it."""
LONGEST_HEADER = 1 << 25
"""In bytes; longer than that of a model with every code point."""
MOST_DIMENSIONS = 8
DTYPES = {
    "BOOL": "|b1",
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
}
"""The dtypes that NumPy also has."""


class TensorFile(NamedTuple):
    """The contents of a file.

    Attributes:
        metadata: The metadata from its writer.
        arrays: The tensors by name, read-only views of the buffer; None if NumPy lacks one of their dtypes.
    """

    metadata: Mapping[str, str]
    arrays: dict[str, NDArray[Any]] | None


def read_tensor_file(path: Path, wanted: Callable[[Mapping[str, str]], bool]) -> TensorFile | None:
    """Returns the contents of a safetensors file, read once; None if ``wanted`` rejects its metadata.

    Args:
        path: The file.
        wanted: Returns whether to read the tensors, given the metadata.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not a valid safetensors file; says why.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if length > min(size - LENGTH_BYTES, LONGEST_HEADER):
            raise ValueError("it is truncated, or not a safetensors file")
        header = _header(file.read(length))
        metadata = _metadata(header)
        if not wanted(metadata):
            return None
        places = _places(header, size - LENGTH_BYTES - length)
        return TensorFile(metadata, _arrays(places, file.read(size - LENGTH_BYTES - length)))


def parse_metadata(data: bytes) -> Mapping[str, str]:
    """Returns the metadata in the bytes of a safetensors file.

    Raises:
        ValueError: They are not those of such a file; says why.

    Example:
        >>> from safetensors.numpy import save
        >>> parse_metadata(save({"a": np.arange(3)}, {"by": "me"}))
        {'by': 'me'}
    """
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    if length > len(data) - LENGTH_BYTES:
        raise ValueError("it is truncated, or not a safetensors file")
    return _metadata(_header(data[LENGTH_BYTES : LENGTH_BYTES + length]))


def _header(data: bytes) -> dict[str, Any]:
    header = parse_json(data)
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")  # noqa: TRY004 - the file is wrong, not an argument
    return header


def _metadata(header: dict[str, Any]) -> Mapping[str, str]:
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata must be a mapping of strings")
    return metadata


def _places(header: dict[str, Any], size: int) -> list[_Place]:
    """Returns where each tensor is, once they have been found to fill the file without a gap."""
    entries = ((name, entry) for name, entry in header.items() if name != "__metadata__")
    places = sorted((_place(name, entry) for name, entry in entries), key=lambda place: (place.start, place.stop))
    end = 0
    for place in places:
        if place.start != end:
            raise ValueError(f"tensor {place.name!a} does not begin where the previous one ends")
        end = place.stop
    if end != size:
        raise ValueError(f"its tensors take {end} bytes, but it contains {size}")
    return places


def _arrays(places: list[_Place], body: bytes) -> dict[str, NDArray[Any]] | None:
    if places and places[-1].stop != len(body):
        raise ValueError("it was truncated while it was read")
    if any(place.dtype not in DTYPES for place in places):
        return None
    return {place.name: _view(place, body) for place in places}


def _view(place: _Place, body: bytes) -> NDArray[Any]:
    dtype = np.dtype(DTYPES[place.dtype])
    if place.stop - place.start != math.prod(place.shape) * dtype.itemsize:
        raise ValueError(f"tensor {place.name!a} of shape {place.shape} takes {place.stop - place.start} bytes")
    return np.frombuffer(memoryview(body)[place.start : place.stop], dtype=dtype).reshape(place.shape)


class _Place(NamedTuple):
    name: str
    start: int
    stop: int
    dtype: str
    shape: tuple[int, ...]


def _place(name: str, entry: Any) -> _Place:  # noqa: ANN401 - JSON
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!a} must be described by a dtype, a shape and data_offsets")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not (_are_counts(shape) and _are_counts(offsets)) or len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"tensor {name[:80]!a} has a shape or offsets that are not a few whole numbers")
    if len(offsets) != 2 or offsets[0] > offsets[1] or not isinstance(entry["dtype"], str):  # noqa: PLR2004 - two ends
        raise ValueError(f"tensor {name!a} has invalid offsets {offsets!a} or an invalid dtype {entry['dtype']!a}")
    return _Place(name, offsets[0], offsets[1], entry["dtype"], tuple(shape))


def _are_counts(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 48 for item in value)
