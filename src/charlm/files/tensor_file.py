"""Reads the safetensors format without a copy: the whole header is validated, and tensors view one buffer.

The safetensors library opens a path itself, and copies every tensor out of the mapped file. Here a file that is open is
read once, into one buffer, and the header is validated before any tensor is created.
<https://huggingface.co/docs/safetensors>
"""

from __future__ import annotations

import io
import json
import math
import os
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlm.errors import ForeignFileError
from charlm.files.kinds import SAMPLE, explained, kind_of
from chartok.files.atomic import Naming
from chartok.files.opening import open_file
from chartok.files.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

LENGTH_BYTES = 8
"""The size of the header's length, little-endian, which precedes it."""
LONGEST_HEADER = 1 << 25
"""In bytes; longer than that of a model with every code point."""
MOST_DIMENSIONS = 8
DTYPES = {
    "BOOL": ("bool", 1),
    "BF16": ("bfloat16", 2),
    **{f"F{8 * size}": (f"float{8 * size}", size) for size in (2, 4, 8)},
    **{f"I{8 * size}": (f"int{8 * size}", size) for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": (f"uint{8 * size}", size) for size in (1, 2, 4, 8)},
}
"""The names of dtypes in PyTorch, and their sizes in bytes; NumPy has all but ``bfloat16``."""


class StoredTensor(NamedTuple):
    """A tensor as it is stored.

    Attributes:
        dtype: The name of its dtype, such as ``float32``.
        shape: Its shape.
        data: Its bytes, little-endian.
    """

    dtype: str
    shape: tuple[int, ...]
    data: memoryview

    def array(self) -> NDArray[Any]:
        """Returns it as an array, a read-only view; NumPy has no ``bfloat16``."""
        array = np.frombuffer(self.data, dtype=f"<{np.dtype(self.dtype).str[1:]}").reshape(self.shape)
        array.flags.writeable = False
        return array

    def tensor(self) -> Tensor:
        """Returns it as a PyTorch tensor, a view."""
        import torch  # noqa: PLC0415 - count models do without

        dtype: torch.dtype = getattr(torch, self.dtype)
        if not self.data:  # frombuffer takes no empty buffer
            return torch.empty(self.shape, dtype=dtype)
        return torch.frombuffer(self.data, dtype=dtype).reshape(self.shape)


class TensorFile(NamedTuple):
    """The contents of a file.

    Attributes:
        metadata: The metadata from its writer.
        tensors: The tensors by name.
    """

    metadata: Mapping[str, str]
    tensors: dict[str, StoredTensor]


def read_tensor_file(path: str | os.PathLike[str]) -> TensorFile:
    """Returns the contents of a safetensors file, opened and read once.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read, or is not a regular file.
        ForeignFileError: It is a file of another kind; the message goes on after its name.
        ValueError: It is not a valid safetensors file; says why.
    """
    with open_file(path) as file, Naming(os.fspath(path)):
        return _contents(file, os.fstat(file.fileno()).st_size)


def serialized_tensors(tensors: Mapping[str, StoredTensor], metadata: Mapping[str, str]) -> bytes:
    """Returns the bytes of a safetensors file, of any dtype, without PyTorch.

    Args:
        tensors: The tensors by name.
        metadata: The metadata.

    Example:
        >>> stored = StoredTensor("uint8", (3,), memoryview(b"abc"))
        >>> parse_tensor_file(serialized_tensors({"a": stored}, {"by": "me"})).tensors["a"].array()
        array([97, 98, 99], dtype=uint8)
    """
    codes = {dtype: (code, size) for code, (dtype, size) in DTYPES.items()}
    ordered = sorted(tensors.items(), key=lambda item: (-codes[item[1].dtype][1], item[0]))  # so that all are aligned
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, stored in ordered:
        start, end = end, end + len(stored.data)
        header[name] = {"dtype": codes[stored.dtype][0], "shape": stored.shape, "data_offsets": [start, end]}
    described = json.dumps(header, separators=(",", ":")).encode()
    described += b" " * (-len(described) % LENGTH_BYTES)
    return b"".join(
        [len(described).to_bytes(LENGTH_BYTES, "little"), described, *(stored.data for _, stored in ordered)]
    )


def parse_tensor_file(data: bytes) -> TensorFile:
    """Returns the contents of the bytes of a safetensors file.

    Raises:
        ValueError: They are not those of such a file; says why.

    Example:
        >>> from safetensors.numpy import save
        >>> file = parse_tensor_file(save({"a": np.arange(3)}, {"by": "me"}))
        >>> file.metadata, file.tensors["a"].array()
        ({'by': 'me'}, array([0, 1, 2]))
    """
    return _contents(io.BytesIO(data), len(data))


def _contents(file: IO[bytes], size: int) -> TensorFile:
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if length > min(size - LENGTH_BYTES, LONGEST_HEADER):
        file.seek(0)
        if kind := kind_of(file.read(SAMPLE)):
            raise ForeignFileError(explained(*kind))
        raise ValueError("it is truncated, or not a safetensors file")
    header = parse_json(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")  # noqa: TRY004 - the file is wrong, not an argument
    metadata, places = _metadata(header), _places(header, size - LENGTH_BYTES - length)
    body = np.empty(size - LENGTH_BYTES - length, dtype=np.uint8).data  # not filled with zeros first
    if file.readinto(body) != len(body):  # type: ignore[attr-defined]  # every file of bytes has it
        raise ValueError("it was truncated while it was read")
    return TensorFile(metadata, {place.name: _stored(place, body) for place in places})


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


def _stored(place: _Place, body: memoryview) -> StoredTensor:
    if place.dtype not in DTYPES:
        raise ValueError(f"tensor {place.name[:80]!a} is of dtype {place.dtype[:80]!a}, which no model has")
    dtype, size = DTYPES[place.dtype]
    if place.stop - place.start != math.prod(place.shape) * size:
        raise ValueError(f"tensor {place.name!a} of shape {place.shape} takes {place.stop - place.start} bytes")
    return StoredTensor(dtype, place.shape, body[place.start : place.stop])


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
