import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm.training.muon import COEFFICIENTS, ITERATIONS, MOMENTUM, Muon

shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))


def slowly_orthogonalized(matrix: torch.Tensor) -> torch.Tensor:
    """Returns what the iteration does to one matrix, through its singular values."""
    left, values, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    values = values / values.norm()
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        values = a * values + b * values**3 + c * values**5
    orthogonal: torch.Tensor = left @ values.diag() @ right
    return orthogonal


@given(st.lists(shapes, min_size=1, max_size=6), st.integers(0, 2**32), st.floats(0, 1))
def test_every_matrix_moves_by_the_formula_whatever_stands_beside_it(
    sizes: list[tuple[int, int]], seed: int, decay: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    matrices = [torch.nn.Parameter(torch.randn(size, generator=generator)) for size in sizes]
    expected = [matrix.detach().double() for matrix in matrices]
    momenta = [torch.zeros_like(matrix) for matrix in expected]
    optimizer = Muon(matrices, lr=0.1, weight_decay=decay)
    for _ in range(2):
        for place, matrix in enumerate(matrices):
            matrix.grad = torch.randn(matrix.shape, generator=generator)
            gradient = matrix.grad.double()
            momenta[place] = MOMENTUM * momenta[place] + (1 - MOMENTUM) * gradient
            update = slowly_orthogonalized((1 - MOMENTUM) * gradient + MOMENTUM * momenta[place])
            rate = 0.1 * math.sqrt(max(1, matrix.shape[0] / matrix.shape[1]))
            expected[place] = (1 - 0.1 * decay) * expected[place] - rate * update
        optimizer.step()
    for matrix, wanted in zip(matrices, expected, strict=True):
        torch.testing.assert_close(matrix.detach().double(), wanted, atol=1e-3, rtol=0)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch has no Muon")
def test_it_goes_where_that_of_pytorch_goes() -> None:
    generator = torch.Generator().manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(size, generator=generator)) for size in ((16, 8), (8, 16), (8, 8), (16, 8))]
    theirs = [torch.nn.Parameter(matrix.detach().clone()) for matrix in ours]
    optimizers = Muon(ours, lr=0.02, weight_decay=0.1), torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1)
    for _ in range(3):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = torch.randn(own.shape, generator=generator)
            other.grad = own.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, atol=2e-3, rtol=0)  # theirs computes in bfloat16


def test_a_matrix_of_zeros_and_one_without_a_gradient_stay() -> None:
    still, moved = torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.zeros(2, 3))
    moved.grad = torch.zeros(2, 3)
    Muon([still, moved], lr=0.1).step()
    assert torch.equal(still.detach(), torch.ones(2, 3))
    assert torch.equal(moved.detach(), torch.zeros(2, 3))
