"""The description of a run in its folder: the training text, the settings, and the machine."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from chartok.arguments import finite_number
from chartok.files.envelope import check_version
from chartok.files.strict_json import parse_json

VERSION = 1
LARGEST = 1e300
"""More than any loss or duration, and small enough to be drawn."""


@dataclass(frozen=True, kw_only=True)
class RunDescription:
    """The training text, the settings, and the machine of a run; ``RunFolder`` writes and reads it.

    Attributes:
        text: The path of the text, as it was given.
        characters: The number of characters in it.
        validation_characters: The number of characters in a validation text of its own; 0 if there is none.
        symbols: The number of distinct characters.
        excerpt: A part of the validation part: the beginning of a text, or records spread over all of them.
        settings: The settings that were given; JSON values.
        fingerprints: The SHA-256 of the training data and, if there are any, of the validation data.
        machine: What ``machine`` returned.
        began: When the run began, in UTC, in ISO 8601.
        validation_loss: The loss of the finished model on the validation part, in nats per character; None before the
            end of the run, where nothing is held out, and where it is infinite.
        seconds: How long a model that counts took to fit; None for one that is trained, whose log says it.

    Example:
        >>> description = RunDescription(
        ...     text="input.txt", characters=9, symbols=3, excerpt="abc", settings={"model": "ngram"}
        ... )
        >>> RunDescription.from_json(description.to_json()) == description
        True
    """

    text: str
    characters: int
    symbols: int
    excerpt: str | list[str]
    settings: dict[str, Any]
    validation_characters: int = 0
    fingerprints: dict[str, str] = dataclasses.field(default_factory=dict)
    machine: dict[str, str] = dataclasses.field(default_factory=dict)
    began: str = dataclasses.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    validation_loss: float | None = None
    seconds: float | None = None

    @property
    def family(self) -> str | None:
        """The family of the model, or None where the run does not say."""
        family = self.settings.get("model")
        return family if isinstance(family, str) else None

    def to_json(self) -> bytes:
        """Returns the description as the bytes of a JSON file."""
        return (json.dumps({"version": VERSION, **dataclasses.asdict(self)}, indent=1, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Returns the description that ``to_json`` encoded.

        Args:
            data: The bytes of a JSON file.

        Raises:
            ValueError: They are not the description of a run, or are of a newer version.
        """
        try:
            return cls(**_checked(parse_json(data)))
        except TypeError as error:  # an unknown field
            raise ValueError(str(error)) from None


def _checked(content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Returns the values of a description after validating it."""
    content = check_version(content, VERSION, "a description of a run", error=ValueError)
    content = {"fingerprints": {}, "validation_characters": 0, **content}
    types = {"text": str, "characters": int, "validation_characters": int, "symbols": int}
    for name, kind in (types | {"settings": dict, "fingerprints": dict, "machine": dict, "began": str}).items():
        if type(content.get(name)) is not kind:
            raise ValueError(f"{name} must be of type {kind.__name__}, got {type(content.get(name)).__name__}")
    excerpt = content.get("excerpt")
    if not (isinstance(excerpt, str) or (isinstance(excerpt, list) and all(isinstance(each, str) for each in excerpt))):
        raise ValueError(f"excerpt must be a str or a list of them, got {type(excerpt).__name__}")
    for name in ("validation_loss", "seconds"):
        if content.get(name) is not None and not 0 <= finite_number(name, content[name]) <= LARGEST:
            raise ValueError(f"{name} must be from 0 to {LARGEST:g}, got {content[name]}")
    return {name: value for name, value in content.items() if name != "version"}
