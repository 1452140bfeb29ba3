from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.func import grad, vmap
from torch.nn import functional

from charlm.models.gpt.layers import normalized, rotated, rotations, squared_relu

LENGTH, HEAD_SIZE = 5, 6
COS, SIN = rotations(3, 3 + LENGTH, HEAD_SIZE, torch.device("cpu"))


def turned(x: Tensor) -> Tensor:
    """Returns positions rotated by the function under test."""
    return rotated(x, COS, SIN)


def plainly_normalized(x: Tensor) -> Tensor:
    return x / (x.square().mean(dim=-1, keepdim=True) + torch.finfo(x.dtype).eps).sqrt()


def plainly_turned(x: Tensor) -> Tensor:
    """Rotates the pairs of components one after the other, as complex numbers."""
    pairs = torch.complex(*x.chunk(2, dim=-1)) * torch.complex(COS, -SIN)[:, : HEAD_SIZE // 2]
    return torch.cat([pairs.real, pairs.imag], dim=-1)


def plainly_squared_relu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x * x, 0)


PAIRS = [(normalized, plainly_normalized), (turned, plainly_turned), (squared_relu, plainly_squared_relu)]
both = pytest.mark.parametrize(("written", "plain"), PAIRS)


def drawn(seed: int, *leading: int) -> Tensor:
    return torch.randn(*leading, LENGTH, HEAD_SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@both
@given(st.integers(0, 2**32), st.sampled_from([1e-3, 1.0, 1e3]))
def test_values_and_gradients_are_those_of_the_formula_with_and_without_gradients(
    written: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor], seed: int, scale: float
) -> None:
    x, weights = (scale * drawn(seed, 2, 3)).requires_grad_(), drawn(seed + 1, 2, 3)
    expected = plain(x)
    torch.testing.assert_close(written(x), expected)
    torch.testing.assert_close(written(x.detach()), expected.detach())
    for each in (x, x.transpose(0, 1)):  # of any layout
        for_each = weights.view(each.shape)
        found, wanted = (torch.autograd.grad((function(each) * for_each).sum(), x)[0] for function in (written, plain))
        torch.testing.assert_close(found, wanted)


@both
def test_second_derivatives_are_right_too(
    written: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor]
) -> None:
    x = drawn(0).requires_grad_()
    assert torch.autograd.gradcheck(written, x)
    assert torch.autograd.gradgradcheck(written, x)


@both
def test_torch_func_takes_gradients_example_by_example(
    written: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor]
) -> None:
    x, weights = drawn(0, 4), drawn(1)

    def of_each(function: Callable[[Tensor], Tensor]) -> Tensor:
        found: Tensor = vmap(grad(lambda one: (function(one) * weights).sum()))(x)
        return found

    torch.testing.assert_close(of_each(written), of_each(plain))


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_dtypes_stay(
    written: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> None:
    x = drawn(0).to(dtype).requires_grad_()
    y = written(x)
    y.sum().backward()
    assert x.grad is not None
    assert y.dtype == x.grad.dtype == dtype
    torch.testing.assert_close(y.double(), plain(drawn(0)), atol=0.05, rtol=0.02)


def test_zeros_are_normalized_to_zeros_with_a_finite_gradient() -> None:
    x = torch.zeros(2, HEAD_SIZE, requires_grad=True)
    y = normalized(x)
    y.sum().backward()
    assert x.grad is not None
    assert not y.any()
    assert x.grad.isfinite().all()
    expected = functional.rms_norm(x, x.shape[-1:])
    torch.testing.assert_close(torch.autograd.grad(expected.sum(), x)[0], x.grad)
