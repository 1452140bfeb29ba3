"""What charlm raises when a file of its own is wrong."""

from __future__ import annotations


class ArpaFileError(ValueError):
    """An ARPA file is malformed or cut short, or not the model of single characters that is wanted."""


class CheckpointCorruptError(ValueError):
    """A file is not what was written: damaged, cut short, or of another kind."""


class CheckpointMismatchError(ValueError):
    """A state was made with other data, another model or other settings than those it is to be used with.

    A model file of a family that is none of charlm's raises it too.
    """


class CheckpointVersionError(ValueError):
    """A file was written by a newer version of charlm."""


class NonFiniteLossError(ArithmeticError):
    """Training has come to a loss that is infinite or not a number."""
