"""A fitted estimator in a folder: its models, and ``estimator.json`` with its parameters; no pickle."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.errors import CheckpointCorruptError, CheckpointVersionError
from chartok.files.atomic import replace_file
from chartok.files.envelope import check_seal, check_version, sealed
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION = 1
DESCRIPTION = "estimator.json"
MODELS = "models"
WHAT = "the description of an estimator"


def write_description(
    path: str | os.PathLike[str],
    name: str,
    params: Mapping[str, Any],
    fitted: Mapping[str, Any],
    write_models: Callable[[Path], None],
) -> None:
    """Writes an estimator to a folder, the description last.

    Args:
        path: The folder, which need not exist.
        name: The name of its class.
        params: Its parameters.
        fitted: What it has learned besides models.
        write_models: Writes its models into a folder that is there.

    Raises:
        TypeError: A parameter is no value of JSON.
        OSError: It cannot be written, or the folder has something else in it.
    """
    folder = Path(path)
    content = {"version": VERSION, "estimator": name, "params": dict(params), "fitted": dict(fitted)}
    try:
        text = json.dumps(sealed(content), indent=1, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise TypeError(f"a parameter, or a class, is no value of JSON, and cannot be saved: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / DESCRIPTION).is_file() and any(folder.iterdir()):
        raise FileExistsError(errno.EEXIST, "the folder has something else in it: give a new one", os.fspath(path))
    (folder / MODELS).mkdir(exist_ok=True)
    write_models(folder / MODELS)
    with replace_file(folder / DESCRIPTION) as file:
        file.write(text.encode())


def read_description(path: str | os.PathLike[str], name: str) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """Returns the folder of the models, the parameters, and what was learned besides, of an estimator in a folder.

    Args:
        path: The folder.
        name: The name of the class that reads it.

    Raises:
        OSError: It cannot be read.
        CheckpointCorruptError: The description is not one.
        CheckpointVersionError: It was written by a newer version.
        TypeError: It is that of another class.
    """
    description = Path(path) / DESCRIPTION
    try:
        content = check_version(
            parse_json(read_json(description)), VERSION, WHAT, error=ValueError, newer=CheckpointVersionError
        )
        check_seal(content, WHAT, error=ValueError)
        params, fitted, estimator = content.get("params"), content.get("fitted"), content.get("estimator")
    except CheckpointVersionError as error:
        raise CheckpointVersionError(f"{os.fspath(description)!a}: {error}") from None
    except ValueError as error:
        raise CheckpointCorruptError(f"{os.fspath(description)!a} is not {WHAT}: {error}") from error
    if not (isinstance(params, dict) and isinstance(fitted, dict) and isinstance(estimator, str)):
        raise CheckpointCorruptError(f"{os.fspath(description)!a} is not {WHAT}: it lacks params, fitted or estimator")
    if estimator != name:
        raise TypeError(f"{os.fspath(path)!a} has a {estimator[:80]}: load it with that, not with {name}")
    return Path(path) / MODELS, params, fitted
