"""Batches of examples in an order that a seed decides, resumable, for one process or many."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from charlm import distributed
from charlm.devices import resolve_device
from charlm.errors import CheckpointMismatchError, CheckpointVersionError
from charlm.permutation import Permutation
from charlm.randomness import check_generator, seeded_generator
from chartok.arguments import positive_integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.data import TextDataset
    from charlm.records import RecordDataset

Order: TypeAlias = Literal["random", "shuffled", "sequential"]

VERSION = 1


class BatchSampler:
    """An endless iterator of ``(inputs, targets)`` on a device.

    Orders: ``random`` draws examples with replacement, as the notebook does: the draws are those of ``torch.randint``
    after ``torch.manual_seed(seed)``, from a generator of the sampler's own. ``shuffled`` takes every example once an
    epoch, each epoch in another order, without storing the order. ``sequential`` takes them one after the other. A
    batch that reaches the end of an epoch goes on with the next, so that every batch is full.

    With several processes each takes its share of one global batch, in the order of the ranks: the global batches
    are the same whatever the number of processes. On an accelerator the next batch is prepared in the background,
    through pinned memory.

    Args:
        dataset: Where the examples come from.
        batch_size: Examples in a global batch, over all processes.
        seed: Decides every draw.
        order: See above.
        device: Where the batches are to be, or ``"auto"``.
        rank: The number of this process; None asks torch.distributed, where that is initialised.
        world_size: The number of processes; None likewise.

    Raises:
        ValueError: ``batch_size`` is below 1, or no multiple of ``world_size``, or larger than the dataset in an order
            that does not repeat; ``rank`` is not below ``world_size``; there is no such order or device.

    Example:
        >>> from charlm import TextDataset
        >>> batches = BatchSampler(TextDataset(range(100), block_size=4), batch_size=2, seed=1337)
        >>> inputs, targets = next(batches)
        >>> inputs
        tensor([[55, 56, 57, 58],
                [61, 62, 63, 64]])
        >>> targets - inputs
        tensor([[1, 1, 1, 1],
                [1, 1, 1, 1]])
    """

    def __init__(
        self,
        dataset: TextDataset | RecordDataset,
        batch_size: int,
        *,
        seed: int = 0,
        order: Order = "random",
        device: str | torch.device = "cpu",
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = positive_integer("batch_size", batch_size)
        self.seed = seed
        self.order = order
        self.device = resolve_device(device)
        self.rank = distributed.rank() if rank is None else rank
        self.world_size = positive_integer("world_size", distributed.world_size() if world_size is None else world_size)
        self._length = len(dataset)
        self._fingerprint: str | None = None  # takes a while to compute
        self._check()
        share = self.batch_size // self.world_size
        self._share = slice(self.rank * share, (self.rank + 1) * share)
        self._generator = seeded_generator(seed)
        self._drawn = 0
        self.batches = 0
        """Batches handed out so far."""
        self._loader = None if self.device.type == "cpu" else ThreadPoolExecutor(1, "batches")
        self._upcoming: tuple[Future[tuple[Tensor, Tensor]], Tensor] | None = None

    def _check(self) -> None:
        if self.order not in get_args(Order):
            raise ValueError(f"order must be 'random', 'shuffled' or 'sequential', got {self.order!a}")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank must be at least 0 and below world_size {self.world_size}, got {self.rank}")
        if self.batch_size % self.world_size:
            raise ValueError(
                f"batch_size is for all processes together: {self.batch_size} is no multiple of world_size "
                f"{self.world_size}"
            )
        if self.order != "random" and self.batch_size > self._length:
            raise ValueError(
                f"batch_size {self.batch_size} is more than the {self._length} examples of the dataset, and order "
                f"{self.order!r} does not repeat one"
            )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        """Returns the next batch: int64 inputs and targets, each ``(batch_size / world_size, T)``, on the device."""
        if self._loader is None:
            batch = self.dataset.batch(self._draw()[self._share], self.device)
        else:
            future, _ = self._upcoming or self._prepare(self._loader)
            self._upcoming = self._prepare(self._loader)
            batch = future.result()
        self.batches += 1
        return batch

    def _prepare(self, loader: ThreadPoolExecutor) -> tuple[Future[tuple[Tensor, Tensor]], Tensor]:
        state_before = self._generator.get_state()
        return loader.submit(self.dataset.batch, self._draw()[self._share], self.device), state_before

    def _draw(self) -> Tensor:
        """Returns the examples of the next global batch, int64 ``(batch_size,)``."""
        self._drawn += 1
        if self.order == "random":
            return torch.randint(self._length, (self.batch_size,), generator=self._generator)
        end = self._drawn * self.batch_size
        epochs, positions = np.divmod(np.arange(end - self.batch_size, end), self._length)
        if self.order == "shuffled":
            positions = np.concatenate(
                [self._shuffled(positions[epochs == epoch], int(epoch)) for epoch in np.unique(epochs)]
            )
        return torch.from_numpy(positions)

    def _shuffled(self, positions: NDArray[np.int64], epoch: int) -> NDArray[np.int64]:
        return Permutation(self._length, seed=self.seed, epoch=epoch)(positions)

    def state_dict(self) -> dict[str, Any]:
        """Returns where the sampler stands: JSON values, and the generator's state as a uint8 tensor."""
        generator = self._generator.get_state() if self._upcoming is None else self._upcoming[1]
        return self.identity() | {"version": VERSION, "batches": self.batches, "generator": generator}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the sampler stood that made ``state``; the number of processes may be another.

        Raises:
            CheckpointVersionError: The state is of a newer version.
            CheckpointMismatchError: It is of other data, or of another seed, order or batch size; names each.
            ValueError: The state of the generator is none.
        """
        if state["version"] > VERSION:
            raise CheckpointVersionError(
                f"a sampler's state of version {state['version']}, newer than {VERSION}: upgrade chartok"
            )
        differences = [
            f"{name}: {state[name]!a} -> {value!a}" for name, value in self.identity().items() if state[name] != value
        ]
        if differences:
            raise CheckpointMismatchError(f"the state is of another sampler (then -> now): {'; '.join(differences)}")
        check_generator(state["generator"])
        self._generator.set_state(state["generator"])
        self._drawn = self.batches = state["batches"]
        self._upcoming = None

    def identity(self) -> dict[str, Any]:
        """Returns what decides the batches: seed, order, batch size, and the fingerprint of the data."""
        if self._fingerprint is None:
            self._fingerprint = self.dataset.fingerprint()
        return {"seed": self.seed, "order": self.order, "batch_size": self.batch_size, "dataset": self._fingerprint}
