"""Which device a name stands for, and in what devices differ."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import torch

FUSED_DEVICES = {"cpu", "cuda", "mps", "xpu"}
"""Where torch has AdamW as one kernel."""
READS_EACH_LOSS = {"cpu"}
"""Where reading a loss makes nothing wait."""
WITHOUT_FLOAT64 = {"mps"}
"""For which values must be float32 before they go there."""


def resolve_device(device: str | torch.device) -> torch.device:
    """Returns the device that a name stands for; ``"auto"`` is CUDA, else MPS, else the CPU.

    Args:
        device: A device, its name, or ``"auto"``.

    Raises:
        ValueError: There is no such device, or not on this machine.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    if device == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        return torch.device("cpu") if found is None else _numbered(found)
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"device {device!r} cannot be used here: {reason}") from None
    return _numbered(resolved)


def _numbered(device: torch.device) -> torch.device:
    # "cuda" and "cuda:0" are the same device but do not compare equal; tensors carry the second form.
    return torch.empty(0, device=device).device


def peak_memory(device: torch.device) -> int:
    """Returns the most bytes that were allocated so far on a GPU, or else that this process held.

    Args:
        device: Where the model is.

    Returns:
        Bytes; 0 where the system does not tell.

    Example:
        >>> peak_memory(torch.device("cpu")) < 1 << 50
        True
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        resource: Any = importlib.import_module("resource")
    except ModuleNotFoundError:  # Windows
        return 0
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
