"""A fitted estimator in a folder: its models, and ``estimator.json`` with their SHA-256 and its parameters."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.classification.model_folder import load_models, save_with_models
from charlm.errors import CheckpointCorruptError, CheckpointVersionError
from charlm.files.kinds import ESTIMATOR
from chartok.arguments import file_path
from chartok.files.envelope import check_seal, check_version, sealed
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from charlm.lm import CharLM

VERSION = 1
DESCRIPTION = ESTIMATOR
WHAT = "the description of an estimator"


def write_estimator(
    path: str | os.PathLike[str],
    name: str,
    params: Mapping[str, Any],
    fitted: Mapping[str, Any],
    models: Iterable[CharLM],
) -> None:
    """Writes an estimator to a folder; an existing one is replaced once all is written.

    Args:
        path: The folder, which need not exist.
        name: The name of its class.
        params: Its parameters; arrays and numbers of NumPy are written as lists and numbers.
        fitted: What it has learned besides models, as JSON values.
        models: Its models.

    Raises:
        TypeError: A parameter is no value of JSON.
        OSError: It cannot be written, or the folder has something else in it.
    """
    content = {"version": VERSION, "estimator": name, "fitted": dict(fitted)}
    content["params"] = {param: _plain(param, value) for param, value in params.items()}

    def describe(digests: list[str]) -> bytes:
        return (json.dumps(sealed(content | {"models": digests}), indent=1, allow_nan=False) + "\n").encode()

    save_with_models(path, DESCRIPTION, models, describe)


def _plain(name: str, value: object) -> Any:  # noqa: ANN401 - any value of JSON
    """Returns the value of a parameter as one of JSON."""

    def plain_number(number: object) -> Any:  # noqa: ANN401 - likewise
        if isinstance(number, np.ndarray | np.generic):
            return number.tolist()
        raise TypeError(f"{type(number).__name__} is no value of JSON")

    try:
        return json.loads(json.dumps(value, default=plain_number, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f"the parameter {name} cannot be saved: {error}") from None


def read_estimator(path: str | os.PathLike[str], name: str) -> tuple[list[CharLM], dict[str, Any], dict[str, Any]]:
    """Returns the models, the parameters, and what was learned besides, of an estimator in a folder.

    Args:
        path: The folder.
        name: The name of the class that reads it.

    Raises:
        OSError: It cannot be read.
        CheckpointCorruptError: The description is not one, or a model file is damaged or another.
        CheckpointVersionError: It was written by a newer version.
        TypeError: It is that of another class.
    """
    description = file_path("path", path) / DESCRIPTION
    try:
        content = check_version(
            parse_json(read_json(description)), VERSION, WHAT, error=ValueError, newer=CheckpointVersionError
        )
        check_seal(content, WHAT, error=ValueError)
        params, fitted, estimator, digests = map(content.get, ("params", "fitted", "estimator", "models"))
    except CheckpointVersionError as error:
        raise CheckpointVersionError(f"{os.fspath(description)!a}: {error}") from None
    except ValueError as error:
        raise CheckpointCorruptError(f"{os.fspath(description)!a} is not {WHAT}: {error}") from error
    if not (
        isinstance(params, dict)
        and isinstance(fitted, dict)
        and isinstance(estimator, str)
        and isinstance(digests, list)
    ):
        lacks = "it lacks params, fitted, estimator or models"
        raise CheckpointCorruptError(f"{os.fspath(description)!a} is not {WHAT}: {lacks}")
    if estimator != name:
        raise TypeError(f"{os.fspath(path)!a} has a {estimator[:80]}: load it with that, not with {name}")
    return [*load_models(Path(path), digests, DESCRIPTION, device="cpu")], params, fitted
