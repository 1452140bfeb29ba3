"""What every JSON description in a file carries besides its content: a format version and a checksum, the seal.

Each format numbers its own versions, from 1. A version newer than this library knows is rejected.
The seal is a SHA-256 of the description, and of whatever else the format covers by it, such as the tensors of a
model. It detects damage. It is not a signature: anyone who changes a file on purpose can seal it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer  # in collections.abc from Python 3.12 on

SEAL = "sha256"
"""The key of the seal."""


def check_version(
    content: object, current: int, what: str, *, error: type[Exception], newer: type[Exception] | None = None
) -> Mapping[str, Any]:
    """Returns a description, checked to be of a version that can be read.

    Args:
        content: Any JSON value, or whatever a caller passed instead of one.
        current: The newest version that can be read.
        what: What is described, with its article: ``"a model file"``.
        error: Raised if there is no valid version.
        newer: Raised for a newer version; None raises ``error``.

    Raises:
        Exception: The version is missing, invalid or newer; of the class given.

    Example:
        >>> check_version({"version": 1}, 1, "a model file", error=ValueError)
        {'version': 1}
        >>> check_version({"version": 3}, 1, "a model file", error=ValueError)
        Traceback (most recent call last):
            ...
        ValueError: a model file of version 3 is newer than version 1, the newest supported: upgrade chartok
    """
    if not isinstance(content, Mapping):
        raise error(f"{what} must be a JSON object, got {type(content).__name__}")
    if "version" not in content:
        raise error(f"{what} has no version")
    version = content["version"]
    if type(version) is not int or version < 1:  # True is an int too
        raise error(f"the version of {what} must be a positive integer, got {version!a}")
    if version > current:
        raise (newer or error)(
            f"{what} of version {version} is newer than version {current}, the newest supported: upgrade chartok"
        )
    return content


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """Returns the canonical form of a JSON object, which is hashed: sorted keys, ASCII only.

    Raises:
        ValueError: A number is infinite or NaN, which JSON does not have.

    Example:
        >>> canonical_json({"b": 1, "a": [True, None]})
        b'{"a": [true, null], "b": 1}'
    """
    return json.dumps(content, sort_keys=True, allow_nan=False).encode()


def sealed(
    content: Mapping[str, Any],
    *,
    more: Iterable[Buffer] = (),
    encode: Callable[[Mapping[str, Any]], bytes] = canonical_json,
) -> dict[str, Any]:
    """Returns a description with its seal, which replaces an existing one.

    Args:
        content: JSON values.
        more: What else the seal covers, hashed in this order after the description.
        encode: Returns the bytes to hash; a format with its own order of keys passes its own.

    Example:
        >>> sealed({"version": 1})["sha256"][:16]
        'c3aa9744214caf6e'
    """
    unsealed = {key: value for key, value in content.items() if key != SEAL}
    digest = hashlib.sha256(encode(unsealed))
    for part in more:
        digest.update(part)
    return unsealed | {SEAL: digest.hexdigest()}


def check_seal(
    content: Mapping[str, Any],
    what: str,
    *,
    error: type[Exception],
    more: Iterable[Buffer] = (),
    encode: Callable[[Mapping[str, Any]], bytes] = canonical_json,
) -> None:
    """Checks that a description, and whatever else its seal covers, is unchanged.

    Args:
        content: The description as read.
        what: What to call it in the error.
        error: Raised if the seal is missing or does not match.
        more: As passed to ``sealed``.
        encode: As passed to ``sealed``.

    Raises:
        Exception: It is not; of the class given.

    Example:
        >>> check_seal(sealed({"version": 1}), "a note", error=ValueError)
        >>> check_seal(sealed({"version": 1}) | {"version": 2}, "a note", error=ValueError)
        Traceback (most recent call last):
            ...
        ValueError: a note does not match its SHA-256
    """
    if content.get(SEAL) != sealed(content, more=more, encode=encode)[SEAL]:
        raise error(f"{what} does not match its SHA-256")
