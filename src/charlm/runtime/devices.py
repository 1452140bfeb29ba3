"""Resolves device names, and lists how devices differ."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import torch

FUSED_DEVICES = {"cpu", "cuda", "mps", "xpu"}
"""Devices on which torch has a fused AdamW kernel."""
READS_EACH_LOSS = {"cpu"}
"""Devices on which reading a loss does not force a synchronization."""
WITHOUT_FLOAT64 = {"mps"}
"""Devices without float64, to which values must be moved as float32."""


def resolve_device(device: str | torch.device) -> torch.device:
    """Returns the device that a name stands for; ``"auto"`` is CUDA, else MPS, else the CPU.

    Args:
        device: A device, its name, or ``"auto"``.

    Raises:
        ValueError: The device is unknown, or not available on this machine.

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
    """Returns the peak memory allocated on a GPU so far, or else the peak memory of this process.

    Args:
        device: The device of the model.

    Returns:
        Bytes; 0 if the system does not report it.

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
