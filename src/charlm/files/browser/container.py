"""The bytes of a model for a browser: a safetensors file behind a magic number and its SHA-256.

The metadata of the safetensors header has one entry, ``charlm``, a JSON object with a version. The SHA-256 covers the
whole safetensors file as it is, so a reader needs no canonical form of JSON. All of it is compressed with gzip, which
every current browser can unpack, and which saves a fifth of an n-gram model.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.files.tensor_file import StoredTensor, serialized_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MAGIC = b"charlmjs"
"""The first eight bytes."""
VERSION = 1
"""Of what the description says and of how arrays are laid out."""


def browser_bytes(arrays: Mapping[str, NDArray[Any]], description: Mapping[str, Any]) -> bytes:
    """Returns the bytes of a model for a browser; the same model gives the same bytes.

    Args:
        arrays: Its arrays by name, of any dtype that safetensors and JavaScript both have.
        description: What is to be known about it besides, JSON values.

    Example:
        >>> gzip.decompress(browser_bytes({"a": np.zeros(3, np.uint8)}, {"family": "none"}))[:8]
        b'charlmjs'
    """
    tensors = {name: _stored(array) for name, array in arrays.items()}
    metadata = json.dumps({"version": VERSION, **description}, sort_keys=True, allow_nan=False)
    body = serialized_tensors(tensors, {"charlm": metadata})
    return gzip.compress(MAGIC + hashlib.sha256(body).digest() + body, compresslevel=9, mtime=0)


def size_of_text(data: bytes) -> int:
    """Returns how many characters bytes take as base64, in which a page has them.

    Example:
        >>> size_of_text(b"abcd")
        8
    """
    return 4 * -(-len(data) // 3)


def _stored(array: NDArray[Any]) -> StoredTensor:
    little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return StoredTensor(array.dtype.name, array.shape, memoryview(little_endian.tobytes()))
