"""What charlm raises when a file of its own is wrong."""

from __future__ import annotations


class CheckpointCorruptError(ValueError):
    """A file is not what was written: damaged, cut short, or of another kind."""


class CheckpointVersionError(ValueError):
    """A file was written by a newer version of charlm."""
