"""Which process this is, of how many; one of one where torch.distributed is not initialised."""

from __future__ import annotations

import torch.distributed


def rank() -> int:
    """Returns the number of this process, from 0."""
    return torch.distributed.get_rank() if _is_initialized() else 0


def world_size() -> int:
    """Returns the number of processes."""
    return torch.distributed.get_world_size() if _is_initialized() else 1


def _is_initialized() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
