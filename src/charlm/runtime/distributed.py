"""The rank of this process, the world size, and collectives; a single process unless torchrun started it."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def rank() -> int:
    """Returns the rank of this process, from 0."""
    return dist.get_rank() if _is_initialized() else 0


def world_size() -> int:
    """Returns the number of processes."""
    return dist.get_world_size() if _is_initialized() else 1


@contextmanager
def process_group(device: str) -> Iterator[str]:
    """Joins the processes that torchrun started along with this one, for the block.

    Args:
        device: ``"auto"`` and ``"cuda"`` give each process of a machine its own GPU, if there are GPUs.

    Yields:
        The device of this process.
    """
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield device
        return
    # Not every build of torch has these.
    from torch.distributed.distributed_c10d import PrefixStore  # noqa: PLC0415
    from torch.distributed.rendezvous import rendezvous  # noqa: PLC0415

    on_gpus = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if on_gpus:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    store, rank, size = next(rendezvous("env://"))
    if os.environ["LOCAL_WORLD_SIZE"] == os.environ["WORLD_SIZE"]:
        # Restarted processes would find the addresses of those that died. (With several machines, each counts its own
        # restarts, so nothing distinguishes one attempt from another.)
        store = PrefixStore(f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo", store=store, rank=rank, world_size=size)
    try:
        yield device
        dist.barrier()
    finally:
        gc.collect()  # remaining references to the group would end its threads too late and abort the process
        dist.destroy_process_group()


def add_up(tensor: Tensor) -> Tensor:
    """Returns the sum of a tensor over all processes; each must call this."""
    if world_size() > 1:
        tensor = tensor.clone()
        dist.all_reduce(tensor)
    return tensor


def from_first(number: float) -> float:
    """Returns the number passed by the first process; each must call this."""
    if world_size() == 1:
        return number
    tensor = torch.tensor(number, dtype=torch.float64)
    dist.broadcast(tensor, src=0)
    return tensor.item()


def gather(tensor: Tensor) -> list[Tensor]:
    """Returns the tensors of all processes, all of the same shape, in rank order; each must call this."""
    if world_size() == 1:
        return [tensor]
    tensors = [torch.empty_like(tensor) for _ in range(world_size())]
    dist.all_gather(tensors, tensor)
    return tensors


class Agreement:
    """An asynchronous maximum of numbers over all processes, the same in all of them at each call.

    A call returns the maximum of the numbers passed in the previous call, which has been exchanged by then. In a single
    process it returns the numbers just passed.

    Args:
        size: How many numbers.
    """

    def __init__(self, size: int) -> None:
        self._numbers = torch.zeros(size, dtype=torch.float64)
        self._under_way: dist.Work | None = None

    def __call__(self, *numbers: float) -> list[float]:
        """Returns the maximum of each number over all processes."""
        if world_size() == 1:
            return list(numbers)
        self.settle()
        agreed: list[float] = self._numbers.tolist()
        self._numbers = torch.tensor(numbers, dtype=torch.float64)
        self._under_way = dist.all_reduce(self._numbers, dist.ReduceOp.MAX, async_op=True)
        return agreed

    def settle(self) -> None:
        """Waits for the pending exchange; a process that exits earlier may break it for the others."""
        if self._under_way is not None:
            self._under_way.wait()
            self._under_way = None


def _is_initialized() -> bool:
    return dist.is_available() and dist.is_initialized()
