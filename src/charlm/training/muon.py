"""Muon, an optimizer for hidden matrices, applied to all matrices of the same shape at once.

PyTorch has had one since 2.9. It processes one matrix at a time, in bfloat16, which is ten times slower than float32 on
processors without bfloat16 instructions; and results should not depend on the processor.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from charlm.training.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the polynomial that Jordan found to bring singular values near 1 in the fewest iterations."""


class Muon(Optimizer):
    """Updates each matrix by its orthogonalized momentum: all directions count equally, however small their gradient.

    Jordan et al. (2024), <https://kellerjordan.github.io/posts/muon>. With the gradient G and the momentum M of each
    matrix W of r rows and c columns:

        M <- 0.95 M + 0.05 G
        W <- (1 - rate * decay) W - rate * sqrt(max(1, r / c)) * orthogonalized(0.95 M + 0.05 G)

    Args:
        matrices: Two-dimensional parameters.
        lr: The learning rate.
        weight_decay: The weight decay, scaled by the learning rate.

    Example:
        >>> weights = torch.nn.Parameter(torch.eye(2))
        >>> weights.grad = torch.tensor([[0.0, 2.0], [0.02, 0.0]])
        >>> Muon([weights], lr=0.1).step()
        >>> weights.data.round(decimals=1)  # both moved by the same amount
        tensor([[ 1.0000, -0.1000],
                [-0.1000,  1.0000]])
    """

    def __init__(self, matrices: Iterable[Tensor], *, lr: float, weight_decay: float = 0.0) -> None:
        super().__init__([{"params": sorted(matrices, key=_wide_shape), "lr": lr, "weight_decay": weight_decay}])

    @torch.no_grad()
    def step(self) -> None:
        """Updates every matrix that has a gradient."""
        for group in self.param_groups:
            with_gradient = [matrix for matrix in group["params"] if matrix.grad is not None]
            for _, alike in groupby(with_gradient, key=_wide_shape):
                self._step(list(alike), group["lr"], group["weight_decay"])

    def _step(self, matrices: list[Tensor], lr: float, weight_decay: float) -> None:
        """Updates matrices of the same shape, up to transposition."""
        updates = torch.stack([_lying(self._with_momentum(matrix)) for matrix in matrices])
        for matrix, update in zip(matrices, orthogonalized(updates), strict=True):
            rows, columns = matrix.shape
            matrix.mul_(1 - lr * weight_decay)
            matrix.add_(update if rows <= columns else update.T, alpha=-lr * math.sqrt(max(1, rows / columns)))

    def _with_momentum(self, matrix: Tensor) -> Tensor:
        assert matrix.grad is not None  # noqa: S101 - those without a gradient are skipped
        state = self.state.setdefault(matrix, {})
        momentum = state.setdefault("momentum_buffer", torch.zeros_like(matrix))
        momentum.lerp_(matrix.grad, 1 - MOMENTUM)
        return matrix.grad.lerp(momentum, MOMENTUM)


def orthogonalized(matrices: Tensor) -> Tensor:
    """Returns matrices with the same singular vectors and with singular values between about 0.7 and 1.2.

    A Newton-Schulz iteration, X <- a X + (b X X^T + c (X X^T)^2) X, starting from X divided by its Frobenius norm. It
    runs in float32 on the CPU, elsewhere in bfloat16.

    Args:
        matrices: Matrices with at most as many rows as columns, ``(N, rows, columns)``.

    Example:
        >>> orthogonalized(torch.tensor([[[3.0, 0.0, 0.0], [0.0, 0.2, 0.0]]])).round(decimals=1)
        tensor([[[0.7000, 0.0000, 0.0000],
                 [0.0000, 1.1000, 0.0000]]])
    """
    x = matrices.to(torch.float32 if matrices.device.type == "cpu" else torch.bfloat16)
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    is_wide = x.shape[-1] > x.shape[-2] and x.dtype == torch.float32
    x = _through_gram_matrix(x) if is_wide else _iterated(x)
    return x.to(matrices.dtype)


def _iterated(x: Tensor) -> Tensor:
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _through_gram_matrix(x: Tensor) -> Tensor:
    """Returns the same as ``_iterated``, from products of matrices of ``rows`` by ``rows``.

    One iteration takes X to Q X and its Gram matrix G = X X^T to Q G Q, where Q = a I + b G + c G^2 is symmetric. It
    needs float32: an error of G in a direction in which X is small grows with that direction.
    """
    gram = x @ x.mT
    factor = product = _factor(gram)
    for _ in range(ITERATIONS - 1):
        gram = factor @ gram @ factor
        factor = _factor(gram)
        product = factor @ product
    return product @ x


def _factor(gram: Tensor) -> Tensor:
    """Returns ``a I + b G + c G^2``."""
    a, b, c = COEFFICIENTS
    factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    factor.diagonal(dim1=-2, dim2=-1).add_(a)
    return factor


def _lying(matrix: Tensor) -> Tensor:
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T


def _wide_shape(matrix: Tensor) -> tuple[int, int]:
    rows, columns = sorted(matrix.shape)
    return rows, columns
