"""Puts a calibration into a model file that is there: everything else in it stays as it is, to the last bit."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from charlm.files.model_file import read_model_file
from charlm.files.run_folder import CheckpointFolder, RunFolder
from charlm.files.serializing import described, sealed_metadata
from charlm.files.tensor_file import serialized_tensors
from chartok.files.atomic import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from charlm.files.model_file import ModelFile


def write_calibration(path: str | os.PathLike[str], calibration: Mapping[str, Any]) -> Path:
    """Writes a calibration to a model file, or to the model of a run, atomically; returns the path of the file.

    Args:
        path: The file, or the folder of a run.
        calibration: What ``Calibration.to_dict`` returned.

    Raises:
        OSError: The file cannot be read or written, or another process is writing to the folder.
        ValueError: It is part of a checkpoint, from which training resumes only if it is as it was.
        CheckpointCorruptError: It is not a model file, or is damaged; and the other errors of ``load_model``.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from charlm import CharLM
        >>> path = Path(tempfile.mkdtemp()) / "digits.safetensors"
        >>> digits = [f"{number:03}" for number in range(1000)]
        >>> lm = CharLM.fit(digits[::2])
        >>> lm.save(path)
        >>> _ = write_calibration(path, lm.calibrate(digits[1::2]).calibration.to_dict())
        >>> CharLM.load(path).calibration
        Calibration(500 texts, false-alarm rates from 0.002)
    """
    folder = RunFolder(path)
    if not folder.path.is_dir():
        if CheckpointFolder(folder.path.parent).manifest_path.exists():
            raise ValueError(f"{os.fspath(path)!a} is part of a checkpoint: give the folder of the run")
        data = _calibrated(read_model_file(path), calibration)
        with replace_file(folder.path) as file:
            file.write(data)
        return folder.path
    with folder.locked() if folder.holds_a_run() else nullcontext():
        folder.write_model(_calibrated(read_model_file(path), calibration))
    return folder.model_path


def _calibrated(file: ModelFile, calibration: Mapping[str, Any]) -> bytes:
    """Returns the bytes of a model file with a calibration."""
    content = described(file.family, file.settings, file.vocabulary) | {"calibration": calibration}
    return serialized_tensors(file.stored, sealed_metadata(content, file.stored))
