"""The floating-point precision of training."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from charlm.training.config import Precision


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """Returns the dtype of a precision; ``"auto"`` is bfloat16 on a GPU that supports it, else float32.

    Args:
        precision: The name of the dtype, or ``"auto"``.
        device: The device of the model.

    Raises:
        ValueError: The device does not support the dtype.

    Example:
        >>> resolve_precision("auto", torch.device("cpu"))
        torch.float32
    """
    has_bfloat16 = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "auto":
        return torch.bfloat16 if device.type == "cuda" and has_bfloat16 else torch.float32
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    lacks = not torch.amp.is_autocast_available(device.type) or (dtype == torch.bfloat16 and not has_bfloat16)
    if dtype != torch.float32 and lacks:
        raise ValueError(f"precision {precision!r} is not available on {device}: use 'auto' or 'float32'")
    return dtype


def computing_in(dtype: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Returns a context in which torch multiplies matrices in ``dtype`` and keeps sums and weights in float32."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
