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
    """Returns the comparisons: ``nano`` with a prior, on 16 windows of 128 characters."""
    counted, plain = _Step(has_prior=True), _Step(has_prior=False)
    counted.look_up()
    with Products() as products:
        counted.gradients()
    name = f"step of GPT, nano, {BATCH_SIZE} windows of {BLOCK_SIZE}"
    return [
        Comparison(
            name=name,
            ours=counted.learn,
            rival_name="its matrix products alone",
            rival=products.repeat,
            target=0.5,
            why="The rest goes over memory between the products; the update of the weights takes an eighth of a step.",
        ),
        Comparison(
            name=f"{name}, counts looked up",
            ours=counted.look_up_and_learn,
            rival_name="without counts",
            rival=plain.learn,
            target=0.8,
            samples=5,
        ),
    ]


class _Step:
    """What a training step consists of, with the counts of a text as the prior or without."""

    def __init__(self, *, has_prior: bool) -> None:
        text = sample_text(CHARACTERS)
        vocabulary = Vocabulary.from_text(text)
        dataset = TextDataset(vocabulary.encode(text), block_size=BLOCK_SIZE)
        table = NGramTable.fit(dataset, vocab_size=vocabulary.size, order=ORDER) if has_prior else None
        shape = replace(GPTConfig.nano(vocabulary.size), block_size=BLOCK_SIZE, hash_rows=0)
        model, config = GPT(shape, prior=table), TrainerConfig(optimizer="muon")
        inputs, targets = next(BatchSampler(dataset, batch_size=BATCH_SIZE))
        self._prior = CountPrior(table) if table is not None else None
        self._batch = Batch(inputs, targets, None)
        self._gradients = Gradients(model, config, has_ignored_targets=False)
        self._optimizers = Optimizers(model, config)

    def look_up(self) -> None:
        """Looks up what the counts say of the batch."""
        if self._prior is not None:
            self._batch = self._batch._replace(features=self._prior.features(self._batch.inputs))

    def gradients(self) -> Tensor:
        """Computes the loss of the batch and its gradients."""
        self._optimizers.zero_gradients()
        return self._gradients(self._batch)

    def learn(self) -> None:
        """Computes the gradients, and updates the weights by them."""
        self.gradients()
        self._optimizers.step(self._gradients.scaler, factor=1e-3, max_gradient_norm=None)

    def look_up_and_learn(self) -> None:
        """Does all that a step of training does."""
        self.look_up()
        self.learn()


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
