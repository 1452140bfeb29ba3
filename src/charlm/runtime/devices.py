"""Which device a name stands for."""

from __future__ import annotations

import torch


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
