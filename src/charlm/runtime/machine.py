"""Describes the environment on which the results of a run depend: processor, system, libraries."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.runtime.processors import processors
from chartok import __version__

if TYPE_CHECKING:
    import torch


def machine(device: str | torch.device) -> dict[str, str]:
    """Returns a description of the environment; PyTorch is loaded only for the name of a GPU.

    Args:
        device: The device of the computation.
    """
    return {
        "device": _device_name(str(device)),
        "processor": _processor(),
        "cores": str(processors()),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **_versions("numpy", "torch"),
        "chartok": __version__,
    }


def _versions(*names: str) -> dict[str, str]:
    """Returns the versions of libraries, of those that are installed."""
    from importlib import metadata  # noqa: PLC0415 - it brings the email package, a tenth of the time of NumPy

    return {name: metadata.version(name) for name in names if any(metadata.distributions(name=name))}


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch  # noqa: PLC0415 - it takes a second to load

    return torch.cuda.get_device_name(device)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
