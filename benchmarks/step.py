"""A training step beside its matrix products alone: what is left to gain by everything else.

The ratio in the table is the share of a step that the products take. They are those of the forward and backward pass of
the same model on the same batch, recorded while they run and repeated on the same tensors; attention counts as the
six products that it consists of. The update of the weights is part of a step, but not of its products.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from charlm import GPT, BatchSampler, GPTConfig, NGramTable, TextDataset, TrainerConfig
from charlm.models.prior.prior import CountPrior
from charlm.training.batches import Batch
from charlm.training.gradients import Gradients
from charlm.training.optimizers import Optimizers
from chartok import Vocabulary
from comparison import Comparison
from tokenizing import sample_text

if TYPE_CHECKING:
    from collections.abc import Callable

CHARACTERS = 200_000
BATCH_SIZE, BLOCK_SIZE, ORDER = 16, 128, 8
PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.addmm, torch.ops.aten.baddbmm}


def comparisons() -> list[Comparison]:
    """Returns the comparison: ``nano`` with a prior, on 16 windows of 128 characters."""
    gradients, update = _step()
    with Products() as products:
        gradients()
    return [
        Comparison(
            name=f"step of GPT, nano, {BATCH_SIZE} windows of {BLOCK_SIZE}",
            ours=lambda: (gradients(), update()),
            rival_name="its matrix products alone",
            rival=products.repeat,
            target=0.5,
            why="The rest goes over memory between the products; the update of the weights takes an eighth of a step.",
        )
    ]


def _step() -> tuple[Callable[[], Tensor], Callable[[], None]]:
    """Returns what computes the gradients of a batch, and what updates the weights by them."""
    text = sample_text(CHARACTERS)
    vocabulary = Vocabulary.from_text(text)
    dataset = TextDataset(vocabulary.encode(text), block_size=BLOCK_SIZE)
    prior = NGramTable.fit(dataset, vocab_size=vocabulary.size, order=ORDER)
    shape = replace(GPTConfig.nano(vocabulary.size), block_size=BLOCK_SIZE, hash_rows=0)
    model = GPT(shape, prior=prior)
    config = TrainerConfig(optimizer="muon")
    inputs, targets = next(BatchSampler(dataset, batch_size=BATCH_SIZE))
    features = CountPrior(prior).features(inputs)
    of_batch, optimizers = Gradients(model, config, has_ignored_targets=False), Optimizers(model, config)

    def gradients() -> Tensor:
        optimizers.zero_gradients()
        return of_batch(Batch(inputs, targets, features))

    def update() -> None:
        optimizers.step(of_batch.scaler, factor=1e-3, max_gradient_norm=None)

    return gradients, update


class Products(TorchDispatchMode):
    """Records the matrix products that PyTorch computes in a ``with`` block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls: list[tuple[Callable[..., Tensor], tuple[Any, ...]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        """Computes what was asked for, and notes products."""
        if func.overloadpacket in PRODUCTS:
            self._calls.append((func, args))
        elif "scaled_dot_product" in func.name():
            is_backward = "backward" in func.name()
            query, key, value = (each.flatten(0, 1).contiguous() for each in args[is_backward : 3 + is_backward])
            scores = query @ key.mT
            pairs = [(query, key.mT), (scores, value)]
            if is_backward:
                pairs = [(scores.mT, value), (value, value.mT), (scores, key), (scores.mT, query)]
            self._calls += [(torch.bmm, pair) for pair in pairs]
        return func(*args, **(kwargs or {}))

    @torch.no_grad()
    def repeat(self) -> None:
        """Computes the products again."""
        for function, arguments in self._calls:
            function(*arguments)
