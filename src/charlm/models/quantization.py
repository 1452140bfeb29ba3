"""Models whose weights a tool has replaced by quantized ones: they run, but no file holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from torch import nn

QUANTIZED_MODULES = "torch.ao.nn.quantized"
"""The package of the modules by which ``torch.ao.quantization`` replaces those of a model."""


def check_not_quantized(model: nn.Module, action: str) -> None:
    """Checks that the weights of a model are plain tensors.

    Args:
        model: The model.
        action: What is to be done with it, such as ``saved``.

    Raises:
        ValueError: ``torch.ao.quantization`` has replaced a module, or ``torchao`` a tensor.
    """
    modules, tensors = dict(model.named_modules()), tensors_of(model)
    replaced = [name for name in modules if type(modules[name]).__module__.startswith(QUANTIZED_MODULES)]
    replaced += [name for name in tensors if type(tensors[name]) is not Tensor]
    if replaced:
        raise ValueError(
            f"a model with quantized weights, such as {min(replaced)!a}, cannot be {action}: keep the one that it was "
            "made from, and quantize again what comes of it"
        )


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Returns the tensors of a model by name, quantized ones included."""
    found: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        packed = enumerate(value) if isinstance(value, tuple) else ()
        found |= {f"{name}.{place}": part for place, part in packed if isinstance(part, Tensor)}
        if isinstance(value, Tensor):
            found[name] = value
    return found
