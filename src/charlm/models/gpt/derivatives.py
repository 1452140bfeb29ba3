"""What a layer does between its matrix products, with derivatives written by hand.

Those that PyTorch puts together go over memory more often, and going over a hidden layer once takes as long as a small
matrix product. Each backward pass is itself differentiable, so that second derivatives are right too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


class Normalization(Function):
    """``y = s x`` with ``s = 1 / sqrt(mean(x^2) + epsilon)``: gives both, ``(..., width)`` and ``(..., 1)``.

    From ``dy/dx = s (1 - y y^T / width)`` and ``ds/dx = -s^2 y^T / width`` follows the gradient.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns ``y`` and ``s``."""
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = torch.rsqrt(norm * norm / x.shape[-1] + torch.finfo(x.dtype).eps)
        return x * scale, scale

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:  # noqa: ANN401, ARG004
        """Keeps the results."""
        ctx.save_for_backward(*output)

    @staticmethod
    def backward(ctx: Any, of_y: Tensor, of_scale: Tensor) -> Tensor:  # noqa: ANN401
        """Returns the gradient of ``x``."""
        y, scale = ctx.saved_tensors
        along: Tensor = (torch.linalg.vecdot(of_y, y)[..., None] + of_scale * scale) / y.shape[-1]
        of_x: Tensor = torch.addcmul(of_y, y, along, value=-1) * scale
        return of_x


class Rotation(Function):
    """``y = x cos + swapped(x) sin``, where ``swapped`` exchanges the halves of the last dimension.

    The derivative of a rotation is the rotation back, by the negative angle.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Returns ``y``."""
        swapped = x.roll(x.shape[-1] // 2, dims=-1)
        return torch.addcmul(x * cos, swapped, sin).type_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401, ARG004
        """Keeps the angle."""
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, of_y: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        """Returns the gradient of ``x``; the angle is constant."""
        cos, sin = ctx.saved_tensors
        return Rotation.apply(of_y, cos, -sin), None, None  # type: ignore[no-untyped-call]


class SquaredReLU(Function):
    """``y = relu(x)^2``, whose derivative is ``2 relu(x)``."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Returns ``y``."""
        positive = x.relu()
        return positive.mul_(positive)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ANN401, ARG004
        """Keeps ``x``."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, of_y: Tensor) -> Tensor:  # noqa: ANN401
        """Returns the gradient of ``x``."""
        x: Tensor
        (x,) = ctx.saved_tensors
        return x.relu() * of_y * 2
