"""Seeded, resumable batches of examples, for one process or many."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from charlm.data.dataset import holds_texts
from charlm.data.permutation import Permutation
from charlm.errors import CheckpointMismatchError, CheckpointVersionError, described_change
from charlm.runtime import distributed
from charlm.runtime.devices import resolve_device
from charlm.runtime.forking import renew_in_children
from charlm.runtime.seeding import check_generator, seeded_generator
from chartok.arguments import integer, positive_integer
from chartok.files.envelope import check_version

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.data.dataset import Dataset

Order: TypeAlias = Literal["random", "shuffled", "sequential"]

VERSION = 1

LARGEST_BATCH = 1 << 31
"""Its positions are drawn at once."""
ORDERED_AT_ONCE = 1 << 12
"""How many examples are put in order at a time: ordering one takes as long as ordering hundreds."""


class BatchSampler:
    """An endless iterator of ``(inputs, targets)`` on a device.

    Orders: ``random`` draws examples with replacement, as the notebook does: the draws are those of ``torch.randint``
    after ``torch.manual_seed(seed)``, but from the sampler's own generator. ``shuffled`` takes every example once per
    epoch, in a different order each epoch, without storing the order. ``sequential`` takes them in order. A batch
    that reaches the end of an epoch continues with the next, so every batch is full.

    With several processes, each takes its share of one global batch, in the order of the ranks: the global batches
    are the same whatever the number of processes. On an accelerator the next batch is prepared in the background,
    through pinned memory.

    Args:
        dataset: The source of the examples.
        batch_size: The number of examples in a global batch, over all processes.
        seed: Seeds every draw.
        order: See above.
        device: The device of the batches, or ``"auto"``.
        rank: The rank of this process; None asks torch.distributed, if it is initialized.
        world_size: The number of processes; None likewise.

    Raises:
        ValueError: ``batch_size`` is below 1 or above 2^31, not a multiple of ``world_size``, or larger than the
            dataset in an order that does not repeat; ``rank`` is not below ``world_size``; the order or device is
            unknown.
        TypeError: ``dataset`` is neither a ``TextDataset`` nor a ``RecordDataset``, or a number is not an integer.

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
        dataset: Dataset,
        batch_size: int,
        *,
        seed: int = 0,
        order: Order = "random",
        device: str | torch.device = "cpu",
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        if not (holds_texts(dataset) and hasattr(dataset, "batch")):
            raise TypeError(f"dataset must be a TextDataset or a RecordDataset, got {type(dataset).__name__}")
        self.dataset = dataset
        self.batch_size: int = positive_integer("batch_size", batch_size)
        self.seed: int = integer("seed", seed)
        self.order = order
        self.device: torch.device = resolve_device(device)
        self.rank: int = distributed.rank() if rank is None else integer("rank", rank)
        self.world_size: int = positive_integer(
            "world_size", distributed.world_size() if world_size is None else world_size
        )
        self._length = len(dataset)
        self._fingerprint: str | None = None  # takes a while to compute
        self._check()
        share = self.batch_size // self.world_size
        self._share = slice(self.rank * share, (self.rank + 1) * share)
        self._generator = seeded_generator(seed)
        self._ordered, self._ordered_from = np.empty(0, dtype=np.int64), 0
        self.batches_drawn: int = 0
        """The number of batches returned so far."""
        self._upcoming: tuple[Future[tuple[Tensor, Tensor]], Tensor] | None = None
        self._renew_loader()
        renew_in_children(self, BatchSampler._renew_loader)

    def _renew_loader(self) -> None:
        """Makes a new thread for the batches of an accelerator; a batch that was being read is read again."""
        self._loader = None if self.device.type == "cpu" else ThreadPoolExecutor(1, "batches")
        self._generator.set_state(self._generator_state())
        self._upcoming = None

    def _check(self) -> None:
        if self.order not in get_args(Order):
            raise ValueError(f"order must be 'random', 'shuffled' or 'sequential', got {self.order!a}")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank must be at least 0 and below world_size {self.world_size}, got {self.rank}")
        if self.batch_size > LARGEST_BATCH:
            raise ValueError(f"batch_size must be at most {LARGEST_BATCH}, got {self.batch_size}")
        if self.batch_size % self.world_size:
            raise ValueError(
                f"batch_size, the total over all processes, must be a multiple of world_size {self.world_size}, got "
                f"{self.batch_size}"
            )
        if self.order != "random" and self.batch_size > self._length:
            raise ValueError(
                f"batch_size {self.batch_size} is larger than the dataset of {self._length} examples, and order "
                f"{self.order!r} does not repeat examples"
            )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        """Returns the next batch: int64 inputs and targets, each ``(batch_size / world_size, T)``, on the device.

        If it cannot be read, the sampler does not advance, and the next call retries the same batch.
        """
        try:
            batch = self._read_next()
        except BaseException:
            self._rewind()
            raise
        self.batches_drawn += 1
        return batch

    def _read_next(self) -> tuple[Tensor, Tensor]:
        if self._loader is None:
            return self.dataset.batch(self._draw(self.batches_drawn), self.device)
        future, _ = self._upcoming or self._prepare(self._loader, self.batches_drawn)
        self._upcoming = self._prepare(self._loader, self.batches_drawn + 1)
        return future.result()

    def _rewind(self) -> None:
        """Rewinds to the next batch to return, by replaying all draws: keeping past states would take longer."""
        self._upcoming = None
        self._generator = seeded_generator(self.seed)
        for number in range(self.batches_drawn if self.order == "random" else 0):
            self._draw(number)

    def _prepare(self, loader: ThreadPoolExecutor, number: int) -> tuple[Future[tuple[Tensor, Tensor]], Tensor]:
        state_before = self._generator.get_state()
        return loader.submit(self.dataset.batch, self._draw(number), self.device), state_before

    def _draw(self, number: int) -> Tensor:
        """Returns the indices of this process's share of a global batch, int64 ``(batch_size / world_size,)``."""
        if self.order == "random":
            return torch.randint(self._length, (self.batch_size,), generator=self._generator)[self._share]
        start = number * self.batch_size - self._ordered_from
        if not 0 <= start <= len(self._ordered) - self.batch_size:
            start, self._ordered_from = 0, number * self.batch_size
            self._ordered = self._in_order(self._ordered_from, max(self.batch_size, ORDERED_AT_ONCE))
        return torch.from_numpy(self._ordered[start : start + self.batch_size])[self._share]

    def _in_order(self, start: int, count: int) -> NDArray[np.int64]:
        """Returns ``count`` example indices from position ``start``, counted over all epochs."""
        epochs, positions = np.divmod(np.arange(start, start + count), self._length)
        if self.order == "sequential":
            return positions
        permutations = (
            Permutation(self._length, seed=self.seed, epoch=epoch)(positions[epochs == epoch])
            for epoch in range(int(epochs[0]), int(epochs[-1]) + 1)
        )
        return np.concatenate(list(permutations))

    def state_dict(self) -> dict[str, Any]:
        """Returns the sampler's position: JSON values, and the generator's state as a uint8 tensor."""
        return self.identity() | {
            "version": VERSION,
            "batches": self.batches_drawn,
            "generator": self._generator_state(),
        }

    def _generator_state(self) -> Tensor:
        """Returns the state from which the next batch to return is drawn."""
        return self._generator.get_state() if self._upcoming is None else self._upcoming[1]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes where the sampler that returned ``state`` was; the number of processes may differ.

        Raises:
            CheckpointVersionError: The state is of a newer version.
            CheckpointMismatchError: The data, seed, order or batch size differ; names each.
            ValueError: It is not the state of a sampler, or its generator state is invalid.
        """
        check_version(state, VERSION, "a sampler's state", error=ValueError, newer=CheckpointVersionError)
        differences = [
            described_change(name, state[name], value)
            for name, value in self.identity().items()
            if state[name] != value
        ]
        if differences:
            raise CheckpointMismatchError(
                f"the state is of a different sampler (saved -> current): {'; '.join(differences)}"
            )
        check_generator(state["generator"])
        self._generator.set_state(state["generator"])
        self.batches_drawn = state["batches"]
        self._upcoming = None

    def identity(self) -> dict[str, Any]:
        """Returns what determines the batches: seed, order, batch size, and the fingerprint of the data."""
        if self._fingerprint is None:
            self._fingerprint = self.dataset.fingerprint()
        return {"seed": self.seed, "order": self.order, "batch_size": self.batch_size, "dataset": self._fingerprint}
