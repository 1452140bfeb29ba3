"""PyTorch, for what cannot do without."""

from __future__ import annotations

import re

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu", "meta")
"""What PyTorch calls the devices that this library is used on."""


DEVICE_NAME = re.compile(r"auto|[a-z]+(:[0-9]+)?")


def check_device_name(device: object) -> None:
    """Checks that a device could be one, without PyTorch, which alone knows whether it is there.

    Raises:
        TypeError: It is neither a ``str`` nor a ``torch.device``.
        ValueError: It could not.
    """
    if not isinstance(device, str) and type(device).__name__ != "device":  # that of PyTorch, which is not loaded
        raise TypeError(f"device must be a str or a torch.device, got {type(device).__name__}")
    if isinstance(device, str) and (DEVICE_NAME.fullmatch(device) is None or device.partition(":")[0] not in DEVICES):
        raise ValueError(
            f"device must be one of {', '.join(DEVICES)}, perhaps with a number, as in cuda:1, got {device!a}"
        )


def require_pytorch(*, instead: str | None = None) -> None:
    """Loads PyTorch, or says how to come by it.

    Args:
        instead: What there is to do without it, by default what can be done at all.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        import torch  # noqa: F401, PLC0415 - it takes a second to load
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        rest = instead or "only n-gram and bigram models work without it"
        raise ModuleNotFoundError(f"PyTorch is missing: pip install torch; {rest}", name=error.name) from None
