"""Exceptions of charlm."""

from __future__ import annotations

HASHED = {
    "dataset": "the training data",
    "batches.dataset": "the training data",
    "validation": "the validation data",
    "vocabulary": "the vocabulary",
}
"""What a state has only a SHA-256 of."""


class ArpaFileError(ValueError):
    """An ARPA file is malformed or truncated, or is not a model of single characters."""


class CheckpointCorruptError(ValueError):
    """A file is not what was written: it is damaged, truncated, or of another kind."""


class CheckpointMismatchError(ValueError):
    """A state was saved with different data, a different model or different settings.

    Also raised for a model file whose family is not one of charlm's.
    """


class CheckpointVersionError(ValueError):
    """A file was written by a newer version of charlm."""


class ForeignFileError(CheckpointCorruptError):
    """A file is not one of charlm's, and it can be told what it is."""


class NonFiniteLossError(ArithmeticError):
    """A loss in training is infinite or NaN."""


def described_change(name: str, saved: object, current: object) -> str:
    """Returns what has changed of what determines a run, for a ``CheckpointMismatchError``.

    Args:
        name: The name of a setting, or of data that are saved as their SHA-256.
        saved: Its value in the state.
        current: Its value now; None for data if there are none.

    Example:
        >>> described_change("seed", 1, 2), described_change("dataset", "5f3759df", "deadbeef")
        ('seed: 1 -> 2', 'the training data have changed')
    """
    if name not in HASHED:
        return f"{name}: {saved!a} -> {current!a}"
    if saved is None or current is None:
        return f"{HASHED[name]}: {'none' if saved is None else 'some'} -> {'none' if current is None else 'some'}"
    return f"{HASHED[name]} {'has' if name == 'vocabulary' else 'have'} changed"
