"""A classifier in a folder: a model file for each class, and ``classifier.json``, which says which is which.

``classifier.json`` has the version of this format, the labels with the SHA-256 of the model file of each, their priors,
the temperature, and a SHA-256 of all that. Model files are named by their SHA-256: a label is any string, and never
becomes part of a path.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.classification.model_folder import load_models, save_with_models
from charlm.decisions.temperature import Temperature
from charlm.errors import CheckpointCorruptError, CheckpointVersionError
from charlm.files.kinds import CLASSIFIER
from chartok.arguments import file_path
from chartok.files.envelope import check_seal, check_version, sealed
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from charlm.lm import CharLM

VERSION = 1
DESCRIPTION = CLASSIFIER
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


def _check_is_of_classifier(folder: Path) -> None:
    """Checks that something is a folder with the description of a classifier, unless there is nothing.

    Raises:
        OSError: It is not.
    """
    if folder.is_file():
        why = "expected the folder of a classifier, got a file: CharLM.load reads a model file"
        raise NotADirectoryError(errno.ENOTDIR, why, os.fspath(folder))
    if folder.is_dir() and not os.path.lexists(folder / DESCRIPTION):
        why = f"there is no {DESCRIPTION} in this folder: CharLM.load reads the folder of a run"
        raise FileNotFoundError(errno.ENOENT, why, os.fspath(folder))


def save_classifier(path: str | os.PathLike[str], classifier: StoredClassifier, *, compact: bool) -> None:
    """Writes a classifier to a folder; an existing one is replaced once all is written.

    Args:
        path: The folder, which need not exist.
        classifier: The classifier.
        compact: As for ``CharLM.save``, for each model.

    Raises:
        OSError: It cannot be written, or the folder has something else in it.
        ValueError: As for ``CharLM.save``.
    """

    def describe(digests: list[str]) -> bytes:
        classes = [
            {"label": label, "prior": classifier.priors[label], "model_sha256": digest}
            for label, digest in zip(classifier.models, digests, strict=True)
        ]
        temperature = {"scale": classifier.temperature.scale, "power": classifier.temperature.power}
        content = sealed({"version": VERSION, "classes": classes, "temperature": temperature})
        return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()

    save_with_models(path, DESCRIPTION, classifier.models.values(), describe, compact=compact)


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
    folder = file_path("path", path)
    description = folder / DESCRIPTION
    _check_is_of_classifier(folder)
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
    models = load_models(folder, [one["model_sha256"] for one in classes], DESCRIPTION, device=device)
    return StoredClassifier(
        models={one["label"]: model for one, model in zip(classes, models, strict=True)},
        priors={one["label"]: one["prior"] for one in classes},
        temperature=temperature,
    )


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
