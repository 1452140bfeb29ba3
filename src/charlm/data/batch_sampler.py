"""Seeded, resumable batches of examples, for one process or many."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast, get_args

import torch
from torch import Tensor

from charlm.data.batch_order import BatchOrder, Order
from charlm.data.dataset import Dataset, HasWidths, check_keeps
from charlm.data.shown import table_of_examples
from charlm.errors import CheckpointMismatchError, CheckpointVersionError, described_change
from charlm.runtime import distributed
from charlm.runtime.devices import resolve_device
from charlm.runtime.forking import renew_in_children
from charlm.runtime.seeding import check_generator
from charlm.runtime.seeds import seed_or_new
from chartok.arguments import flag, integer, natural_number, positive_integer
from chartok.files.envelope import check_version
from chartok.notebook import Shown, quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

VERSION = 1

LARGEST_BATCH = 1 << 31
"""Its positions are drawn at once."""
SHOWN_ROWS = 3
"""How many rows of its first batch a sampler shows."""
LARGEST_SHOWN = 1 << 12
"""It does not draw a larger batch to show a few rows of it."""
OTHERWISE = (
    "add them, or give Trainer any iterable of (inputs, targets) batches, such as a torch.utils.data.DataLoader, from "
    "which a run does not resume exactly"
)
"""What is left to do with a dataset that cannot be sampled from."""


class Examples(NamedTuple):
    """A batch, and which examples it has.

    Attributes:
        batch: Inputs and targets, int64 ``(B, T)`` each, on the device.
        numbers: The example in each row, int64 ``(B,)``, on the CPU.
    """

    batch: tuple[Tensor, Tensor]
    numbers: Tensor


class _Upcoming(NamedTuple):
    """A batch that is being read, its examples, and the state of the generator from which they were drawn."""

    batch: Future[tuple[Tensor, Tensor]]
    numbers: Tensor
    state: Tensor


class BatchSampler(Shown):
    """An endless iterator of ``(inputs, targets)`` on a device.

    Orders: ``random`` draws examples with replacement, as the notebook does: the draws are those of ``torch.randint``
    after ``torch.manual_seed(seed)``, but from the sampler's own generator. ``shuffled`` takes every example once per
    epoch, in a different order each epoch, without storing the order. ``sequential`` takes them in order. A batch
    that reaches the end of an epoch continues with the next, so every batch is full.

    With ``by_length``, 64 batches at a time are drawn as without it, and their examples put into batches with others of
    about the same length, so that little of a batch is padding: all up to 16 inputs are alike, then up to 32, 64, and
    so on. The examples of a window of 64 batches stay in it, and the examples of an epoch in the epoch. Where all are
    alike, nothing changes.

    With several processes, each takes its share of one global batch, in the order of the ranks: the global batches
    are the same whatever the number of processes. On an accelerator the next batch is prepared in the background,
    through pinned memory.

    Args:
        dataset: The source of the examples: a ``TextDataset``, a ``RecordDataset``, or any other ``charlm.Dataset``.
        batch_size: The number of examples in a global batch, over all processes.
        seed: Seeds every draw; None draws a new one, which is then ``seed``.
        order: See above.
        by_length: Whether examples of like length share batches.
        device: The device of the batches, or ``"auto"``.
        rank: The rank of this process; None asks torch.distributed, if it is initialized.
        world_size: The number of processes; None likewise.

    Raises:
        ValueError: ``batch_size`` is below 1 or above 2^31, not a multiple of ``world_size``, or larger than the
            dataset in an order that does not repeat; ``rank`` is not below ``world_size``; the order or device is
            unknown; ``by_length`` is set for the order ``sequential``, which it would change.
        TypeError: ``dataset`` lacks a member of ``charlm.Dataset``, or for ``by_length`` of ``HasWidths``; or a number
            is not an integer.

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
        seed: int | None = 0,
        order: Order = "random",
        by_length: bool = False,
        device: str | torch.device = "cpu",
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        check_keeps(Dataset, "dataset", dataset, OTHERWISE)
        self.dataset = dataset
        self.batch_size: int = positive_integer("batch_size", batch_size)
        self.order = order
        self.by_length: bool = flag("by_length", by_length)
        self.device: torch.device = resolve_device(device)
        self.rank: int = distributed.rank() if rank is None else integer("rank", rank)
        self.world_size: int = positive_integer(
            "world_size", distributed.world_size() if world_size is None else world_size
        )
        if seed is None and self.world_size > 1:
            raise ValueError("seed must be a number if there are several processes, each of which would draw another")
        self.seed: int = seed_or_new(seed)
        self._length = len(dataset)
        self._fingerprint: str | None = None  # takes a while to compute
        self._check()
        share = self.batch_size // self.world_size
        self._share = slice(self.rank * share, (self.rank + 1) * share)
        self._batches = self._order_from_start()
        self.batches_drawn: int = 0
        """The number of batches returned so far."""
        self._upcoming: _Upcoming | None = None
        self._renew_loader()
        renew_in_children(self, BatchSampler._renew_loader)

    def _order_from_start(self) -> BatchOrder:
        widths = self._widths() if self.by_length else None
        return BatchOrder(self._length, self.batch_size, seed=self.seed, order=self.order, widths=widths)

    def _widths(self) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
        """Returns the function that tells how long examples are."""
        check_keeps(HasWidths, "dataset", self.dataset, "leave by_length out")
        return cast("HasWidths", self.dataset).widths

    def _renew_loader(self) -> None:
        """Makes a new thread for the batches of an accelerator; a batch that was being read is read again."""
        self._loader = None if self.device.type == "cpu" else ThreadPoolExecutor(1, "batches")
        self._batches.resume(self._generator_state())
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
        if self.order == "sequential" and self.by_length:
            raise ValueError("by_length would change the order 'sequential': use 'random' or 'shuffled'")
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
        return self.next_examples().batch

    def next_examples(self) -> Examples:
        """Returns the next batch, as ``next`` does, and which examples are in it."""
        try:
            examples = self._read_next()
        except BaseException:
            self._rewind()
            raise
        self.batches_drawn += 1
        return examples

    def _read_next(self) -> Examples:
        if self._loader is None:
            numbers = self._draw(self.batches_drawn)
            return Examples(self.dataset.batch(numbers, self.device), numbers)
        batch, numbers, _ = self._upcoming or self._prepare(self._loader, self.batches_drawn)
        self._upcoming = self._prepare(self._loader, self.batches_drawn + 1)
        return Examples(batch.result(), numbers)

    def _rewind(self) -> None:
        """Rewinds to the next batch to return."""
        self._upcoming = None
        self._batches.rewind(self.batches_drawn)

    def _prepare(self, loader: ThreadPoolExecutor, number: int) -> _Upcoming:
        numbers = self._draw(number)
        batch = loader.submit(self.dataset.batch, numbers, self.device)
        return _Upcoming(batch, numbers, self._batches.state(number))

    def _draw(self, number: int) -> Tensor:
        """Returns the examples of this process's share of a global batch, int64 ``(batch_size / world_size,)``."""
        return torch.from_numpy(self._batches[number][self._share])

    def state_dict(self) -> dict[str, Any]:
        """Returns the sampler's position: JSON values, and the generator's state as a uint8 tensor."""
        return self.identity() | {
            "version": VERSION,
            "batches": self.batches_drawn,
            "generator": self._generator_state(),
        }

    def _generator_state(self) -> Tensor:
        """Returns the state from which the next batch to return is drawn."""
        return self._batches.state(self.batches_drawn) if self._upcoming is None else self._upcoming.state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes where the sampler that returned ``state`` was; the number of processes may differ.

        Raises:
            CheckpointVersionError: The state is of a newer version.
            CheckpointMismatchError: The data, seed, order or batch size differ; names each.
            ValueError: It is not the state of a sampler, or its generator state is invalid.
        """
        check_version(state, VERSION, "a sampler's state", error=ValueError, newer=CheckpointVersionError)
        identity = self.identity()
        missing = sorted({*identity, "generator", "batches"} - state.keys())
        if missing:
            raise ValueError(f"a sampler's state has no {missing[0]!a}: it was made by something else")
        batches_drawn = natural_number("batches of a sampler's state", state["batches"])
        differences = [
            described_change(name, state[name], value) for name, value in identity.items() if state[name] != value
        ]
        if differences:
            raise CheckpointMismatchError(
                f"the state is of a different sampler (saved -> current): {'; '.join(differences)}"
            )
        check_generator(state["generator"])
        self._batches.resume(state["generator"])
        self.batches_drawn = batches_drawn
        self._upcoming = None

    def identity(self) -> dict[str, Any]:
        """Returns what determines the batches: the settings, and the fingerprint of the data."""
        if self._fingerprint is None:
            self._fingerprint = self.dataset.fingerprint()
        return {
            "seed": self.seed,
            "order": self.order,
            "by_length": self.by_length,
            "batch_size": self.batch_size,
            "dataset": self._fingerprint,
        }

    def _facts(self) -> dict[str, str]:
        facts = {
            "dataset": f"{type(self.dataset).__name__}, {self._length:,} examples",
            "batch size": f"{self.batch_size:,}",
            "order": f"{self.order}, by length" if self.by_length else self.order,
            "seed": str(self.seed),
            "device": str(self.device),
            "batches drawn": f"{self.batches_drawn:,}",
        }
        return facts if self.world_size == 1 else facts | {"rank": f"{self.rank} of {self.world_size}"}

    def _content(self) -> str:
        """Returns some rows of the first batch; the sampler does not advance."""
        dataset: Any = self.dataset
        if self.batch_size > LARGEST_SHOWN or not hasattr(dataset, "__getitem__"):
            return ""
        rows = self._order_from_start()[0][self._share][:SHOWN_ROWS].tolist()
        return quiet("the first batch begins with") + table_of_examples(dataset, rows)
