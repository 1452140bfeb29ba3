"""The Transformer compared with others of the same shape: a training step, and generation.

A step is forward, backward and update, each with its own recipe. A step of ``GPT`` does more work than a classic one:
there are tables of hashed n-grams, and Muon updates the matrices. ``learning.py`` measures what that gains.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel

from charlm import GPT, ClassicGPT, ClassicGPTConfig, GPTConfig, generate
from charlm.training.muon import Muon
from comparison import Comparison
from generating import plain_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch.optim import Optimizer

VOCAB_SIZE = 65
WINDOWS = 16
LEARNING_RATE = 1e-3


def comparisons() -> list[Comparison]:
    """Returns the comparisons: steps of ``nano`` on 16 windows, and a text as long as its block with ``small``."""
    return [*_steps(GPTConfig.nano(VOCAB_SIZE)), *_generation(GPTConfig.small(VOCAB_SIZE))]


def _steps(shape: GPTConfig) -> list[Comparison]:
    gpt, plain, classic = (
        GPT(shape),
        GPT(replace(shape, hash_rows=0)),
        ClassicGPT(replace(ClassicGPTConfig.nano(VOCAB_SIZE), block_size=shape.block_size)),
    )
    gpt2 = _gpt2(shape)
    hidden = gpt.parameter_groups().hidden_matrices
    matrices = [parameter for name, parameter in gpt.named_parameters() if name in hidden]
    rest = [parameter for name, parameter in gpt.named_parameters() if name not in hidden]
    windows = torch.randint(VOCAB_SIZE, (WINDOWS, shape.block_size + 1), generator=torch.Generator().manual_seed(0))
    inputs, targets = windows[:, :-1], windows[:, 1:].flatten()

    def step(logits: Callable[[Tensor], Tensor], *optimizers: Optimizer | Muon) -> Callable[[], None]:
        def move_the_weights() -> None:
            functional.cross_entropy(logits(inputs).flatten(0, 1), targets).backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()

        return move_the_weights

    of_classic = step(classic.logits, _adamw(classic.parameters()))
    of_gpt2 = step(lambda ids: gpt2(ids, use_cache=False).logits, _adamw(gpt2.parameters()))
    whole = partial(
        Comparison,
        name="step of GPT, n-gram tables, Muon",
        ours=step(gpt.logits, _adamw(rest), Muon(matrices, lr=LEARNING_RATE)),
        target=1 / 1.5,
        samples=3,
        why="The tables and Muon are more work, but far fewer steps are needed: see *Learning*.",
    )
    return [
        whole(rival_name="classic Transformer, AdamW", rival=of_classic),
        whole(rival_name="transformers, GPT-2, AdamW", rival=of_gpt2),
        Comparison(
            name="step of GPT, no tables, AdamW",
            ours=step(plain.logits, _adamw(plain.parameters())),
            rival_name="classic Transformer, AdamW",
            rival=of_classic,
            target=1 / 1.25,
        ),
    ]


def _adamw(parameters: Iterable[Tensor]) -> Optimizer:
    return torch.optim.AdamW(parameters, lr=LEARNING_RATE, fused=True)


def _generation(shape: GPTConfig) -> list[Comparison]:
    gpt, gpt2 = GPT(shape).eval(), _gpt2(shape)
    count = shape.block_size - 1  # the most that fit after one id before the model has to drop the beginning
    start = torch.zeros(1, 1, dtype=torch.int64)

    def ours() -> Tensor:
        return generate(gpt, [0], max_new_tokens=count, seed=0)

    def theirs() -> Tensor:
        mask = torch.ones_like(start)
        ids: Tensor = gpt2.generate(start, attention_mask=mask, do_sample=True, top_k=0, max_new_tokens=count)
        return ids

    assert theirs().shape == (1, shape.block_size)  # noqa: S101 - both do the same
    compared = partial(Comparison, name=f"generate {count} characters, GPT", ours=ours, samples=3)
    return [
        compared(rival_name="plain loop", rival=lambda: plain_loop(gpt, start, count), target=2),
        compared(rival_name="transformers, GPT-2, with its cache", rival=theirs, target=1),
    ]


def _gpt2(shape: GPTConfig) -> GPT2LMHeadModel:
    """Returns GPT-2 from ``transformers`` with the given shape and random weights."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=shape.vocab_size,
            n_positions=shape.block_size,
            n_embd=shape.width,
            n_layer=shape.n_layers,
            n_head=shape.n_heads,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            resid_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
