"""A classifier in a folder: a model file for each class, and ``classifier.json``, which says which is which.

``classifier.json`` has the version of this format, the labels with the SHA-256 of the model file of each, their priors,
the temperature, and a SHA-256 of all that. Model files are named by their places, ``0.safetensors`` and so on: a label
is any string, and never becomes part of a path.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.decisions.temperature import Temperature
from charlm.errors import CheckpointCorruptError, CheckpointVersionError
from charlm.lm import CharLM
from chartok.files.atomic import replace_file
from chartok.files.envelope import check_seal, check_version, sealed
from chartok.files.opening import open_file
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

VERSION = 1
DESCRIPTION = "classifier.json"
WHAT = "the description of a classifier"


@dataclass(frozen=True, kw_only=True)
class StoredClassifier:
    """What the folder of a classifier has.

    Attributes:
        models: The models by label.
        priors: The probability of each label before a text is seen.
        temperature: What log-likelihoods are divided by.
    """

    models: dict[str, CharLM]
    priors: dict[str, float]
    temperature: Temperature


def is_classifier_folder(path: str | os.PathLike[str]) -> bool:
    """Returns whether a folder has a classifier."""
    return (Path(path) / DESCRIPTION).is_file()


def save_classifier(path: str | os.PathLike[str], classifier: StoredClassifier, *, compact: bool) -> None:
    """Writes a classifier to a folder; an existing one is replaced, the description last.

    Args:
        path: The folder, which need not exist.
        classifier: The classifier.
        compact: As for ``CharLM.save``, for each model.

    Raises:
        OSError: It cannot be written, or the folder has something else in it.
        ValueError: As for ``CharLM.save``.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    if not is_classifier_folder(folder) and any(folder.iterdir()):
        raise FileExistsError(errno.EEXIST, "the folder has something else in it: give a new one", os.fspath(path))
    classes = []
    for place, (label, model) in enumerate(classifier.models.items()):
        model_path = _model_path(folder, place)
        model.save(model_path, compact=compact)
        classes.append({"label": label, "prior": classifier.priors[label], "model_sha256": _sha256(model_path)})
    temperature = {"scale": classifier.temperature.scale, "power": classifier.temperature.power}
    content = sealed({"version": VERSION, "classes": classes, "temperature": temperature})
    with replace_file(folder / DESCRIPTION) as file:
        file.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def load_classifier(path: str | os.PathLike[str], *, device: str | torch.device) -> StoredClassifier:
    """Returns the classifier in a folder, once all of it has been checked.

    Args:
        path: The folder.
        device: As for ``CharLM.load``.

    Raises:
        OSError: A file cannot be read.
        CheckpointCorruptError: The description is not one, or a model file is damaged or another.
        CheckpointVersionError: It was written by a newer version.
    """
    folder = Path(path)
    description = folder / DESCRIPTION
    try:
        content = check_version(
            parse_json(read_json(description)), VERSION, WHAT, error=ValueError, newer=CheckpointVersionError
        )
        check_seal(content, WHAT, error=ValueError)
        classes = _checked_classes(content)
        temperature = Temperature(**_checked_numbers(content.get("temperature"), ("scale", "power")))
    except CheckpointVersionError as error:
        raise CheckpointVersionError(f"{os.fspath(description)!a}: {error}") from None
    except (ValueError, TypeError) as error:
        raise CheckpointCorruptError(f"{os.fspath(description)!a} is not {WHAT}: {error}") from error
    models = dict[str, CharLM]()
    for place, one in enumerate(classes):
        model_path = _model_path(folder, place)
        if _sha256(model_path) != one["model_sha256"]:
            raise CheckpointCorruptError(
                f"{os.fspath(model_path)!a} is not the file that {DESCRIPTION} describes: its SHA-256 differs"
            )
        models[one["label"]] = CharLM.load(model_path, device=device)
    return StoredClassifier(
        models=models, priors={one["label"]: one["prior"] for one in classes}, temperature=temperature
    )


def _model_path(folder: Path, place: int) -> Path:
    return folder / f"{place}.safetensors"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(io.DEFAULT_BUFFER_SIZE):
            digest.update(block)
    return digest.hexdigest()


def _checked_classes(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    classes = content.get("classes")
    if not isinstance(classes, list) or not classes:
        raise ValueError("it must have a list of classes")
    for one in classes:
        if not isinstance(one, dict) or set(one) != {"label", "prior", "model_sha256"}:
            raise ValueError("each class must have a label, a prior and model_sha256")
        if not isinstance(one["label"], str):
            raise TypeError("each label must be a string")
        _checked_numbers({"prior": one["prior"]}, ("prior",))
    if len({one["label"] for one in classes}) < len(classes):
        raise ValueError("a label occurs twice")
    return classes


def _checked_numbers(content: object, names: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(content, dict) or set(content) != set(names):
        raise ValueError(f"it must have the numbers {', '.join(names)}")
    for name, number in content.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(f"{name} must be a number")
    return content
