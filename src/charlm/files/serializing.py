"""A model as the bytes of its file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save as save_arrays

from charlm.files.model_arrays import hashed_parts, model_arrays
from charlm.models.predictor import check_model
from chartok import Vocabulary, __version__
from chartok.arguments import instance
from chartok.files.envelope import sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel, StoredModel

VERSION = 2
"""Of the format."""


def serialized_model(
    model: LanguageModel | CountModel,
    vocabulary: Vocabulary,
    *,
    compact: bool = False,
    calibration: Mapping[str, Any] | None = None,
) -> bytes:
    """Returns what ``save_model`` writes."""
    content = model_description(model, vocabulary)
    if calibration is not None:
        content["calibration"] = calibration
    arrays = model_arrays(model, compact=compact)
    metadata = sealed_metadata(content, arrays)
    if all(isinstance(array, np.ndarray) for array in arrays.values()):
        return save_arrays(arrays, metadata)
    from safetensors.torch import save as save_tensors  # noqa: PLC0415 - it loads PyTorch

    return save_tensors(arrays, metadata)


def model_description(model: StoredModel, vocabulary: Vocabulary) -> dict[str, Any]:
    """Returns what a file stores about a model besides its tensors, as JSON values.

    Raises:
        ValueError: The sizes of the model and the vocabulary differ.
    """
    check_pair(model, vocabulary)
    return described(model.family, model.settings(), vocabulary)


def described(family: str, settings: Mapping[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    """Returns the description of a model of a family with these settings."""
    return {
        "version": VERSION,
        "family": family,
        "settings": settings,
        "vocabulary": vocabulary.to_dict(),
        "library": __version__,
    }


def sealed_metadata(content: Mapping[str, Any], tensors: Mapping[str, Any]) -> dict[str, str]:
    """Returns the metadata of a file: a description, sealed with the tensors beside it."""
    return {"charlm": json.dumps(sealed(content, more=hashed_parts(tensors)))}


def check_pair(model: StoredModel, vocabulary: Vocabulary) -> None:
    """Checks that a model and a vocabulary are that, and have the same number of ids.

    Raises:
        TypeError: ``model`` is no model of any family, or ``vocabulary`` is not a ``Vocabulary``.
        ValueError: The numbers differ.
    """
    check_model(model)
    instance("vocabulary", vocabulary, Vocabulary)
    if vocabulary.size != model.vocab_size:
        raise ValueError(f"vocabulary must have as many ids as the model, {model.vocab_size}, got {vocabulary.size}")
