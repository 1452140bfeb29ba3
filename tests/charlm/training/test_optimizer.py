"""Our AdamW takes the steps of PyTorch's, and needs nothing of its compiler."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from charlm.training.optimizer import AdamW
from strategies import costly

BETAS = 0.9, 0.95
SHAPES = (3, 2), (5,), (1, 4, 2)
PROGRAM = """
import sys
from charlm import BatchSampler, BigramLanguageModel, CharLM, TextDataset, Trainer, TrainerConfig
from chartok import Vocabulary
vocabulary = Vocabulary("abc")
batches = BatchSampler(TextDataset(vocabulary.encode("abcab" * 20), block_size=4), batch_size=2, seed=0)
Trainer(BigramLanguageModel(vocabulary.size), batches, config=TrainerConfig(max_steps=2)).fit()
CharLM.fit("the cat sat " * 90, "gpt", n_layers=1, n_heads=1, width=8, block_size=8, config=TrainerConfig(max_steps=2))
print("torch" in sys.modules, "torch._dynamo" in sys.modules)
"""


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def groups(of: list[nn.Parameter]) -> list[dict[str, object]]:
    return [{"params": of[:2], "lr": 0.1, "weight_decay": 0.2}, {"params": of[2:], "lr": 0.01, "weight_decay": 0.0}]


def give_gradients(of: list[nn.Parameter], seed: int, present: list[bool]) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter, has_one in zip(of, present, strict=True):
        gradient = torch.randn(parameter.shape, generator=generator)
        parameter.grad = gradient if has_one else None


def all_equal(some: list[nn.Parameter], others: list[nn.Parameter]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def all_steps(state: dict[Tensor, dict[str, Tensor]]) -> list[float]:
    return [of_parameter["step"].item() for of_parameter in state.values()]


presence = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6)


@costly()
@given(presence, st.booleans())
def test_every_step_is_that_of_pytorch_to_the_bit(present: list[list[bool]], fused: bool) -> None:
    ours, theirs = parameters(), parameters()
    optimizer = AdamW(groups(ours), betas=BETAS, fused=fused)
    reference = torch.optim.AdamW(groups(theirs), betas=BETAS, fused=fused)
    for seed, of_step in enumerate(present):
        give_gradients(ours, seed, of_step)
        give_gradients(theirs, seed, of_step)
        optimizer.step()
        reference.step()
        assert all_equal(ours, theirs)
    assert all_steps(optimizer.state) == all_steps(dict(reference.state))


@pytest.mark.parametrize("fused", [False, True])
def test_what_was_remembered_goes_on_where_it_was(fused: bool) -> None:
    ours, others = parameters(), parameters()
    optimizer = AdamW(groups(ours), betas=BETAS, fused=fused)
    for seed in range(3):
        give_gradients(ours, seed, [True, True, seed > 0])
        optimizer.step()
    with torch.no_grad():
        for one, other in zip(ours, others, strict=True):
            other.copy_(one)
    resumed = AdamW(groups(others), betas=BETAS, fused=fused)
    resumed.load({other: optimizer.state[one] for one, other in zip(ours, others, strict=True)})
    for seed in range(3, 5):
        for which, with_gradients in ((optimizer, ours), (resumed, others)):
            give_gradients(with_gradients, seed, [True] * 3)
            which.step()
    assert all_equal(ours, others)
    assert all_steps(optimizer.state) == all_steps(resumed.state) == [5, 5, 4]


@pytest.mark.parametrize("fused", [False, True])
def test_a_gradient_scaler_skips_a_step_that_overflowed_and_takes_the_next(fused: bool) -> None:
    ours = parameters()
    optimizer = AdamW(groups(ours), betas=BETAS, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for gradient, moves in ((float("inf"), False), (1.0, True)):
        before = [parameter.detach().clone() for parameter in ours]
        scaler.scale(torch.zeros(()))
        for parameter in ours:
            parameter.grad = torch.full_like(parameter, gradient)
        scaler.step(optimizer)  # type: ignore[arg-type]  # it asks for no more than ours has
        scaler.update()
        assert all(torch.equal(one, other) != moves for one, other in zip(ours, before, strict=True))


def test_removed_gradients_are_not_applied_again() -> None:
    ours = parameters()
    optimizer = AdamW(groups(ours), betas=BETAS, fused=False)
    give_gradients(ours, 0, [True] * 3)
    optimizer.zero_grad()
    optimizer.step()
    assert all_equal(ours, parameters())


def test_training_does_not_load_the_compiler_of_pytorch() -> None:
    shown = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert shown.stdout == "True False\n"
