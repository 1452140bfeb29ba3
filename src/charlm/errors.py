"""Exceptions of charlm."""

from __future__ import annotations


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


class NonFiniteLossError(ArithmeticError):
    """A loss in training is infinite or NaN."""
