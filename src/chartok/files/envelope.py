"""What every JSON description in a file has around its content: the version of its format, and a seal over the rest.

Each format counts its versions by itself, from 1. A newer one than this library knows is refused and never guessed at.
The seal is a SHA-256 over the description, and over what else the format puts under it, the tensors of a model for
example. It finds damage. It is no signature: who changes a file on purpose can seal it again.
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
    """Returns a description whose format is known: its version is not above the current one.

    Args:
        content: Any JSON value, or what a caller gave instead of one.
        current: The newest version that can be read.
        what: What is described, with its article: ``"a model file"``.
        error: Raised for what has no valid version.
        newer: Raised for a newer version; ``error`` where it is None.

    Raises:
        Exception: One of the two, of the class given.

    Example:
        >>> check_version({"version": 1}, 1, "a model file", error=ValueError)
        {'version': 1}
        >>> check_version({"version": 3}, 1, "a model file", error=ValueError)
        Traceback (most recent call last):
            ...
        ValueError: a model file of version 3, newer than 1: upgrade chartok
    """
    if not isinstance(content, Mapping):
        raise error(f"{what} must be a JSON object, got {type(content).__name__}")
    if "version" not in content:
        raise error(f"{what} has no version")
    version = content["version"]
    if type(version) is not int or version < 1:  # True is an int too
        raise error(f"the version of {what} must be a positive integer, got {version!a}")
    if version > current:
        raise (newer or error)(f"{what} of version {version}, newer than {current}: upgrade chartok")
    return content


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """Returns the one form of a JSON object that is hashed: keys in order, ASCII alone.

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
    """Returns a description with its seal, which takes the place of an older one.

    Args:
        content: JSON values.
        more: What else is under the seal, hashed in this order after the description.
        encode: Gives the bytes that are hashed; a format that keeps its own order of keys brings its own.

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
    """Checks that a description, and what else is under its seal, is what was sealed.

    Args:
        content: As it was read.
        what: What to call it in the error.
        error: Raised where the seal is missing or another.
        more: As ``sealed`` was given it.
        encode: As ``sealed`` was given it.

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
