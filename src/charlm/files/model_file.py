"""A single safe file for a model: its tensors, its settings and its vocabulary, in safetensors.

The metadata in the safetensors header has one entry, ``charlm``, a JSON object: the version of this format, the
family of the model and its settings, the vocabulary, the version of the library that wrote it, and a SHA-256 of all
of that and of every tensor. Loading executes no code, and imports PyTorch only for a family that needs it.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.errors import (
    CheckpointCorruptError,
    CheckpointMismatchError,
    CheckpointVersionError,
    ForeignFileError,
)
from charlm.files.kinds import FOLDERS, IMPORT, PYTORCH, SAFETENSORS, SEVERAL_MODELS, explained
from charlm.files.model_arrays import check_storable, hashed_parts
from charlm.files.run_folder import RunFolder, run_of_model
from charlm.files.serializing import VERSION, check_pair, serialized_model
from charlm.files.tensor_file import StoredTensor, parse_tensor_file, read_tensor_file
from charlm.files.weights import check_weights
from charlm.models.registry import FAMILIES, ModelFamily
from charlm.runtime.pytorch import require_pytorch
from chartok import Vocabulary, VocabularyError
from chartok.arguments import file_path, flag
from chartok.files.atomic import replace_file
from chartok.files.envelope import check_seal, check_version
from chartok.files.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

    from charlm.files.tensor_file import TensorFile
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel

LONGEST_REASON = 1000
"""In characters; a hostile file could make an error quote all of it."""


def save_model(
    path: str | os.PathLike[str],
    model: LanguageModel | CountModel,
    vocabulary: Vocabulary,
    *,
    compact: bool = False,
    calibration: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model and its vocabulary to one file; an existing file is replaced only when the new one is complete.

    Args:
        path: The file.
        model: A model of any family.
        vocabulary: Its vocabulary.
        compact: Whether an n-gram model takes less than 3 bytes an n-gram where the alphabet has about a hundred
            symbols, and more where it has thousands or the model is tiny: its probabilities are rounded, so that the
            loss changes by about one ten-thousandth, and it has no counts, so that no texts can be added.
        calibration: What ``Calibration.to_dict`` returned, if the model is calibrated.

    Raises:
        ValueError: The sizes of the model and the vocabulary differ, or a file could not hold all of the model; or it
            is to be compact, and is not an n-gram model, or has not been fitted.
        TypeError: ``compact`` is not a ``bool``.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from charlm import BigramLanguageModel
        >>> path = Path(tempfile.mkdtemp()) / "bigram.safetensors"
        >>> save_model(path, BigramLanguageModel(3), Vocabulary("abc"))
        >>> load_model(path)[1]
        Vocabulary('abc')
    """
    check_pair(model, vocabulary)
    check_storable(model)
    if not isinstance(calibration, Mapping | None):
        raise TypeError(f"calibration must be a mapping, got {type(calibration).__name__}")
    data = serialized_model(model, vocabulary, compact=flag("compact", compact), calibration=calibration)
    with replace_file(path) as file:
        file.write(data)


def load_model(path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> tuple[LanguageModel, Vocabulary]:
    """Returns the model, in evaluation mode and the dtype of its weights, and the vocabulary in a file or a run folder.

    Args:
        path: A model file, or the folder of a run, whose model is the best so far.
        device: The device of the model, or ``"auto"``.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ForeignFileError: It is not a model file, but a file of another kind.
        CheckpointCorruptError: It is not a model file, or is damaged.
        CheckpointVersionError: It was written by a newer version.
        CheckpointMismatchError: The family of the model is not one of charlm's.
        ValueError: There is no such device.
        ModuleNotFoundError: PyTorch is not installed.

    Warns:
        UserWarning: It is the Transformer of a mixture alone, from a checkpoint or from a run that has not ended.
    """
    file, found = _read(path)
    if file.family in FAMILIES and FAMILIES[file.family].counted is not None:
        require_pytorch(instead=f"CharLM.load reads this {file.family} model without it")
    return _language_model(file, found, device), file.vocabulary


def load_stored_model(
    path: str | os.PathLike[str], *, device: str | torch.device = "cpu"
) -> tuple[LanguageModel | CountModel, Vocabulary]:
    """Returns the model and the vocabulary in a file or a run folder; a count model in NumPy, without PyTorch.

    A count model in bfloat16, which NumPy does not have, is a ``LanguageModel``.

    Args:
        path: As for ``load_model``.
        device: The device of a ``LanguageModel``.

    Raises:
        OSError: As for ``load_model``, like the other errors.
    """
    model, file = load_with_file(path, device=device)
    return model, file.vocabulary


def load_with_file(
    path: str | os.PathLike[str], *, device: str | torch.device = "cpu"
) -> tuple[LanguageModel | CountModel, ModelFile]:
    """Returns the model that ``load_stored_model`` does, and the contents of its file."""
    file, found = _read(path)
    with _explained(found):
        counted = _count_model(file)
    return _language_model(file, found, device) if counted is None else counted, file


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """The contents of a model file.

    Attributes:
        family: The family of the model.
        settings: Its settings, not checked yet.
        vocabulary: Its vocabulary.
        stored: Its tensors by name.
        calibration: What it has been calibrated to, not checked yet; None if it has not.
    """

    family: str
    settings: dict[str, Any]
    vocabulary: Vocabulary
    stored: dict[str, StoredTensor]
    calibration: Any = None

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors by name, in PyTorch."""
        return {name: stored.tensor() for name, stored in self.stored.items()}


def read_model_file(path: str | os.PathLike[str]) -> ModelFile:
    """Returns the contents of a model file, of any family; raises what ``load_model`` does."""
    return _read(path)[0]


def parse_model_file(data: bytes, path: str | os.PathLike[str]) -> ModelFile:
    """Returns the contents of a model file whose bytes have already been checked against a hash.

    Args:
        data: The bytes.
        path: The file they come from, for messages.

    Raises:
        CheckpointCorruptError: They are not those of a model file.
        CheckpointVersionError: It was written by a newer version.
    """
    with _explained(Path(path)):
        file = parse_tensor_file(data)
        return _described(_checked_content(file.metadata), file)


def rebuilt_model(file: ModelFile, path: str | os.PathLike[str]) -> LanguageModel:
    """Returns the model in the contents of a file, on the CPU and in evaluation mode.

    Args:
        file: What ``read_model_file`` or ``parse_model_file`` returned.
        path: The file it comes from, for messages.

    Raises:
        CheckpointCorruptError: Its settings and its tensors do not match.
        CheckpointMismatchError: The family of the model is not one of charlm's.
        ModuleNotFoundError: PyTorch is not installed.
    """
    require_pytorch()
    with _explained(Path(path)):
        return _rebuilt(file).eval()


def _language_model(file: ModelFile, path: Path, device: str | torch.device) -> LanguageModel:
    model = rebuilt_model(file, path)
    from charlm.runtime.devices import resolve_device  # noqa: PLC0415 - needs PyTorch

    _warn_of_a_part(path, file.family)
    return model.to(resolve_device(device))


def _read(path: str | os.PathLike[str]) -> tuple[ModelFile, Path]:
    """Returns the contents of a model file, and its path; in a run folder that of the newest model."""
    path = file_path("path", path)
    while True:
        found = _model_file(path)
        try:
            return _read_file(found), found
        except FileNotFoundError:  # a run that goes on removes old checkpoints
            if found == path or _model_file(path) == found:
                raise


def _read_file(path: Path) -> ModelFile:
    with _explained(path):
        file = read_tensor_file(path)
        content = _checked_content(file.metadata)
        check_seal(content, "a model file", error=ValueError, more=hashed_parts(file.tensors))
        return _described(content, file)


def _model_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = RunFolder(path).newest_model_path()
    if not found.exists():
        for name in FOLDERS:
            if (path / name).exists():
                raise ForeignFileError(
                    f"{os.fspath(path)!a} is a folder of another program, and {name} in it {explained(PYTORCH, IMPORT)}"
                )
        for name, whose in SEVERAL_MODELS.items():
            if (path / name).exists():
                raise ForeignFileError(f"{os.fspath(path)!a} {whose}")
        why = "there is neither model.safetensors nor a checkpoint in this folder"
        raise FileNotFoundError(errno.ENOENT, why, os.fspath(path))
    return found


def _warn_of_a_part(path: Path, family: str) -> None:
    """Warns of a model that is only what a run has to mix when it ends."""
    try:
        description = run_of_model(path).read_description()
    except (OSError, ValueError):  # whatever it is, the model file itself is valid
        return
    if description is not None and description.family == "mixture" != family:
        warnings.warn(
            f"{os.fspath(path)!a} is the Transformer of a mixture alone: the run mixes it with an n-gram model when "
            "it ends",
            stacklevel=4,
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except ForeignFileError as error:
        raise ForeignFileError(f"{os.fspath(path)!a} {error}") from None
    except (CheckpointVersionError, CheckpointMismatchError) as error:
        raise type(error)(f"{os.fspath(path)!a}: {error}") from None
    except (KeyError, VocabularyError, ValueError, TypeError, RuntimeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)[:LONGEST_REASON]
        raise CheckpointCorruptError(f"{os.fspath(path)!a} is not a valid model file: {reason}") from error


def _family(name: str) -> ModelFamily:
    if name not in FAMILIES:
        raise CheckpointMismatchError(
            f"its model is of family {name[:80]!a}, which charlm does not know: build the model and fill it "
            "with safetensors.torch.load_model"
        )
    return FAMILIES[name]


def _count_model(file: ModelFile) -> CountModel | None:
    """Returns the model in NumPy; None if it is not a count model, or is in a dtype that NumPy does not have."""
    counted = _family(file.family).counted
    if counted is None or any(stored.dtype == "bfloat16" for stored in file.stored.values()):
        return None
    model = counted.from_arrays(file.settings, {name: stored.array() for name, stored in file.stored.items()})
    check_pair(model, file.vocabulary)
    return model


def _rebuilt(file: ModelFile) -> LanguageModel:
    import torch  # noqa: PLC0415 - count models do without

    family = _family(file.family).language_model()
    with torch.device("meta"):  # takes no memory, whatever the settings say
        model = family.from_settings(file.settings)
    check_pair(model, file.vocabulary)
    model.load_state_dict(file.tensors, assign=True)  # views of what was read, all of which are needed
    for part in getattr(model, "models", [model]):
        check_weights(part)
    return model


def _checked_content(metadata: Mapping[str, str]) -> Mapping[str, Any]:
    if "charlm" not in metadata:
        raise ForeignFileError(explained(SAFETENSORS, f"if it is a GPT-2, {IMPORT}"))
    content = parse_json(metadata["charlm"])
    return check_version(content, VERSION, "a model file", error=ValueError, newer=CheckpointVersionError)


def _described(content: Mapping[str, Any], file: TensorFile) -> ModelFile:
    family, settings = content["family"], content["settings"]
    if not (isinstance(family, str) and isinstance(settings, dict)):
        raise ValueError("its family must be a string, and its settings a JSON object")  # noqa: TRY004 - the file is wrong
    return ModelFile(
        family=family,
        settings=settings,
        vocabulary=Vocabulary.from_dict(content["vocabulary"]),
        stored=file.tensors,
        calibration=content.get("calibration"),
    )
