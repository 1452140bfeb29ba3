"""One safe file for a model: its tensors, its settings and its vocabulary, in safetensors.

The metadata of the safetensors header hold one entry, ``charlm``, a JSON object: the version of this format, the
family of the model and its settings, the vocabulary, the version of the library that wrote it, and a SHA-256 over all
of that and over every tensor. Loading executes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from charlm.errors import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError
from charlm.files.run_folder import RunFolder
from charlm.models.registry import FAMILIES
from charlm.runtime.devices import resolve_device
from chartok import Vocabulary, VocabularyError, __version__
from chartok.files.atomic import replace_file
from chartok.files.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charlm.models.base import LanguageModel

VERSION = 1
HEADER_START = 8
"""Bytes of a safetensors file before its header: the length of that."""


def save_model(path: str | os.PathLike[str], model: LanguageModel, vocabulary: Vocabulary) -> None:
    """Writes a model and its vocabulary to one file; an older file stays whole until the new one is.

    Args:
        path: The file.
        model: A model of any family.
        vocabulary: What its ids mean.

    Raises:
        ValueError: The vocabulary is not of the size that the model has.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from charlm import BigramLanguageModel
        >>> path = Path(tempfile.mkdtemp()) / "bigram.safetensors"
        >>> save_model(path, BigramLanguageModel(3), Vocabulary("abc"))
        >>> load_model(path)[1]
        Vocabulary('abc')
    """
    data = serialized_model(model, vocabulary)
    with replace_file(path) as file:
        file.write(data)


def serialized_model(model: LanguageModel, vocabulary: Vocabulary) -> bytes:
    """Returns what ``save_model`` writes."""
    content = model_description(model, vocabulary)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    content["sha256"] = _digest(content, tensors)
    return safetensors.torch.save(tensors, {"charlm": json.dumps(content)})


def model_description(model: LanguageModel, vocabulary: Vocabulary) -> dict[str, Any]:
    """Returns what a file says of a model beside its tensors, as JSON values.

    Raises:
        ValueError: The vocabulary is not of the size that the model has.
    """
    check_sizes(model, vocabulary)
    return {
        "version": VERSION,
        "family": model.family,
        "settings": model.settings(),
        "vocabulary": vocabulary.to_dict(),
        "library": __version__,
    }


def check_sizes(model: LanguageModel, vocabulary: Vocabulary) -> None:
    """Checks that a model and a vocabulary have as many ids.

    Raises:
        ValueError: They have not.
    """
    if vocabulary.size != model.vocab_size:
        raise ValueError(f"the model has {model.vocab_size} ids and the vocabulary {vocabulary.size}")


def load_model(path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> tuple[LanguageModel, Vocabulary]:
    """Returns the model, in evaluation mode, and the vocabulary that a file or a run folder holds.

    Args:
        path: A model file, or the folder of a run; of a run that has not ended, its newest checkpoint is taken.
        device: Where the model is to be, or ``"auto"``.

    Raises:
        OSError: There is no such file, or it cannot be read.
        CheckpointCorruptError: It is not a model file, or not what was written.
        CheckpointVersionError: It was written by a newer version.
        CheckpointMismatchError: It holds a model of a family that is none of charlm's.
        ValueError: There is no such device.
    """
    path = RunFolder(path).newest_model_path() if Path(path).is_dir() else Path(path)
    with _explained(path):
        file = _read(path)
        model = _rebuilt(file)
    return model.to(resolve_device(device)).eval(), file.vocabulary


class ModelFile(NamedTuple):
    """What a model file holds."""

    family: str
    settings: dict[str, Any]
    vocabulary: Vocabulary
    tensors: dict[str, Tensor]


def read_model_file(path: str | os.PathLike[str]) -> ModelFile:
    """Returns what a model file holds, of whatever family the model is; raises what ``load_model`` does."""
    with _explained(Path(path)):
        return _read(Path(path))


def parse_model_file(data: bytes, path: str | os.PathLike[str]) -> ModelFile:
    """Returns what the bytes of a model file hold that were checked against a hash of all of them.

    Args:
        data: The bytes.
        path: Where they come from, for messages.

    Raises:
        CheckpointCorruptError: They are not those of a model file.
        CheckpointVersionError: It was written by a newer version.
    """
    with _explained(Path(path)):
        tensors = safetensors.torch.load(data)
        header = parse_json(data[HEADER_START : HEADER_START + int.from_bytes(data[:HEADER_START], "little")])
        content = _checked_content(header.get("__metadata__", {}).get("charlm"))
        return ModelFile(content["family"], content["settings"], Vocabulary.from_dict(content["vocabulary"]), tensors)


def rebuilt_model(file: ModelFile, path: str | os.PathLike[str]) -> LanguageModel:
    """Returns the model of a file that was read, on the CPU and in evaluation mode.

    Args:
        file: What ``read_model_file`` or ``parse_model_file`` returned.
        path: Where it comes from, for messages.

    Raises:
        CheckpointCorruptError: Its settings and its tensors do not fit.
        CheckpointMismatchError: The model is of a family that is none of charlm's.
    """
    with _explained(Path(path)):
        return _rebuilt(file).eval()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (CheckpointVersionError, CheckpointMismatchError) as error:
        raise type(error)(f"{os.fspath(path)!a}: {error}") from None
    except (SafetensorError, VocabularyError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a sound model file: {error}") from error


def _read(path: Path) -> ModelFile:
    with path.open("rb"):
        pass  # A missing or unreadable file gets Python's own error, with its name.
    with safe_open(path, framework="pt") as file:
        content = _checked_content((file.metadata() or {}).get("charlm"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    _check_digest(content, tensors)
    return ModelFile(content["family"], content["settings"], Vocabulary.from_dict(content["vocabulary"]), tensors)


def _rebuilt(file: ModelFile) -> LanguageModel:
    if isinstance(file.family, str) and file.family not in FAMILIES:
        raise CheckpointMismatchError(
            f"it holds a model of family {file.family!a}, which charlm does not know: build the model and give its "
            "load_state_dict what safetensors.torch.load_file returns"
        )
    family = FAMILIES[file.family]
    with torch.device("meta"):  # takes no memory, whatever the settings say
        skeleton = family.from_settings(file.settings)
    check_sizes(skeleton, file.vocabulary)
    if _values(skeleton.state_dict()) > _values(file.tensors):
        raise ValueError("its settings ask for more values than it holds")
    model = family.from_settings(file.settings)
    model.load_state_dict(file.tensors)
    return model


def _values(tensors: dict[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def _checked_content(encoded: str | None) -> dict[str, Any]:
    if encoded is None:
        raise ValueError("it has no charlm metadata")
    content = parse_json(encoded)
    if not isinstance(content, dict) or type(content.get("version")) is not int:
        raise ValueError("its charlm metadata have no version")
    if content["version"] > VERSION:
        raise CheckpointVersionError(
            f"a model file of version {content['version']}, newer than {VERSION}: upgrade chartok"
        )
    return content


def _check_digest(content: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    unsigned = {key: value for key, value in content.items() if key != "sha256"}
    if content.get("sha256") != _digest(unsigned, tensors):
        raise ValueError("its content does not match its SHA-256")


def _digest(content: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        if tensor.numel():  # an empty one may have a stride of 0, which no view can change
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
