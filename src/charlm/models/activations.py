"""What the layers of a Transformer compute on the way to the logits, recorded while it runs as it always does."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import nn


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations:
    """What the layers of a model compute for a batch.

    Attributes:
        hidden_states: The representation of each position before the first layer and after each layer, floating point,
            ``(layers + 1, B, T, width)``.
        attention: How much each position, ``(layers, B, heads, T, T)``, attends to itself and those before it, floating
            point: each row sums to 1.
    """

    hidden_states: Tensor
    attention: Tensor


class _AttentionRecorder(TorchFunctionMode):
    """Keeps the weights of each call of ``scaled_dot_product_attention`` in this thread, which returns only sums."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - what the function returns
        if func is functional.scaled_dot_product_attention:
            self.weights.append(causal_weights(*args[:2]))
        return func(*args, **(kwargs or {}))


def causal_weights(query: Tensor, key: Tensor) -> Tensor:
    """Returns ``softmax(Q K^T / sqrt(head_size))`` over the positions up to each.

    Args:
        query: ``(..., T, head_size)``.
        key: Likewise.

    Example:
        >>> causal_weights(torch.zeros(2, 4), torch.ones(2, 4))
        tensor([[1.0000, 0.0000],
                [0.5000, 0.5000]])
    """
    scores = query @ key.mT / query.shape[-1] ** 0.5
    is_later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    weights: Tensor = scores.masked_fill(is_later, -torch.inf).softmax(dim=-1)
    return weights


def recorded(layers: Iterable[nn.Module], run: Callable[[], object]) -> Activations:
    """Returns what layers compute in a run.

    Args:
        layers: Those through which all positions pass, one after the other, each with one attention.
        run: Runs the model once.
    """
    hidden_states, thread = list[Tensor](), get_ident()

    def keep(_: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        if get_ident() == thread:  # another one may use the model meanwhile
            hidden_states.extend([output] if hidden_states else [arguments[0], output])

    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(layer.register_forward_hook(keep).remove)
        attention = hooks.enter_context(_AttentionRecorder())
        run()
    return Activations(hidden_states=torch.stack(hidden_states), attention=torch.stack(attention.weights))
