"""Tensors of a model that share memory, such as the weights of a head that is tied to an embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def aliases(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Returns for each tensor that is an earlier one under another name the name of the earlier one.

    Args:
        tensors: What ``state_dict`` of a model returned.

    Example:
        >>> from torch import nn
        >>> model = nn.ModuleDict({"embedding": nn.Embedding(3, 2), "head": nn.Linear(2, 3, bias=False)})
        >>> aliases(model.state_dict())
        {}
        >>> model["head"].weight = model["embedding"].weight
        >>> aliases(model.state_dict())
        {'head.weight': 'embedding.weight'}
    """
    found: dict[str, str] = {}
    names: dict[tuple[object, ...], str] = {}
    for name, tensor in tensors.items():
        if tensor.numel() and not tensor.is_meta:
            place = (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
            first = names.setdefault(place, name)
            if first != name:
                found[name] = first
    return found


def each_once(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors without their aliases."""
    left_out = aliases(tensors)
    return {name: tensor for name, tensor in tensors.items() if name not in left_out}
