"""The gradients of one batch: in micro-batches to save memory, over all processes, in the configured precision."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.parallel import DistributedDataParallel

from charlm.data.dataset import IGNORE_INDEX
from charlm.runtime import distributed
from charlm.training.precision import computing_in, resolve_precision

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

    from charlm.models.base import LanguageModel
    from charlm.training.batches import Batch
    from charlm.training.config import TrainerConfig


class Gradients:
    """Computes the loss of a batch and adds its gradients to the parameters.

    The gradients are those of the mean over all targets of the global batch, however many micro-batches and processes
    it is divided among.

    Args:
        model: The model; with several processes it is wrapped in torch's ``DistributedDataParallel``.
        config: The precision (weights and sums stay in float32), whether to use ``torch.compile``, the number of
            micro-batches, and whether to increase it when memory runs out.
        has_ignored_targets: Whether some targets may be masked, so that micro-batches may differ in how many count.
    """

    def __init__(self, model: LanguageModel, config: TrainerConfig, *, has_ignored_targets: bool) -> None:
        self.parts: int = config.accumulation_steps
        self._dtype = resolve_precision(config.precision, model.device)
        self.scaler: torch.amp.GradScaler = torch.amp.GradScaler(
            model.device.type, enabled=self._dtype == torch.float16
        )
        """Prevents underflow of float16 gradients; has no effect for other dtypes."""
        self._device = model.device
        self._config = config
        self._has_ignored_targets = has_ignored_targets
        self._processes = distributed.world_size()
        self._shared = DistributedDataParallel(model) if self._processes > 1 else None
        self._model = model
        module: nn.Module = model if self._shared is None else self._shared
        self._forward: Callable[..., tuple[Tensor, Tensor]] = torch.compile(module) if config.compile else module

    def __call__(self, batch: Batch) -> Tensor:
        """Returns this process's share of the loss, a scalar in nats; the shares of all processes sum to the loss.

        Args:
            batch: This process's share of the batch.

        Raises:
            MemoryError: Memory runs out, and the batch may not or cannot be divided further.
        """
        while True:
            try:
                return self._in_parts(batch)
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                self._cut_smaller(batch.inputs, error)

    def state_dict(self) -> dict[str, Any]:
        """Returns the current number of micro-batches and the state of the scaler; JSON values."""
        return {"parts": self.parts, "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores a state, with at least as many micro-batches as configured here.

        Args:
            state: What ``state_dict`` returned, checked by ``state.check``.
        """
        self.parts = max(state["parts"], self._config.accumulation_steps)
        if self.scaler.is_enabled() and state["scaler"]:
            variable = {name: state["scaler"][name] for name in ("scale", "_growth_tracker")}
            self.scaler.load_state_dict(self.scaler.state_dict() | variable)

    def _in_parts(self, batch: Batch) -> Tensor:
        if self.parts == self._processes == 1:
            return self._backward(batch, None)
        pieces = batch.chunk(min(self.parts, len(batch.inputs)))
        shares = [share.to(self._device) for share in self._shares([piece.targets for piece in pieces])]
        losses = []
        for number, (piece, share) in enumerate(zip(pieces, shares, strict=True), start=1):
            with self._without_exchange(number < len(pieces)):
                losses.append(self._backward(piece, share))
        return torch.stack(losses).sum()

    def _backward(self, batch: Batch, share: Tensor | None) -> Tensor:
        with computing_in(self._dtype, self._device):
            _, loss = self._forward(*batch.arguments)
        if share is not None:
            loss = torch.where(share > 0, loss * share, 0)  # where all targets are masked, the mean is NaN
        # DistributedDataParallel averages the processes' gradients, but their sum is needed.
        self.scaler.scale(loss * self._processes if self._processes > 1 else loss).backward()
        return loss.detach()

    def _shares(self, targets: list[Tensor]) -> list[Tensor]:
        """Returns the fraction of all targets of the global batch in each micro-batch."""
        counts = [
            (part != IGNORE_INDEX).sum() if self._has_ignored_targets else torch.tensor(part.numel())
            for part in targets
        ]
        total = torch.stack(counts).sum()
        total = distributed.add_up(total) if self._has_ignored_targets else total * self._processes
        return [count / total for count in counts]

    def _without_exchange(self, wanted: bool) -> AbstractContextManager[None]:  # noqa: FBT001 - reads as a sentence
        return self._shared.no_sync() if wanted and self._shared is not None else nullcontext()

    def _cut_smaller(self, inputs: Tensor, error: BaseException) -> None:
        rows, columns = inputs.shape
        in_parts = f"batches of {rows} x {columns} ids" + (f" in {self.parts} parts" if self.parts > 1 else "")
        if not self._config.halve_on_out_of_memory or self._shared is not None or self.parts >= rows:
            raise MemoryError(
                f"out of memory on {self._device} with {in_parts}: use a smaller batch_size or block_size, "
                "more accumulation_steps, or halve_on_out_of_memory"
            ) from error
        for parameter in self._model.parameters():
            parameter.grad = None
        self.parts *= 2


def _is_out_of_memory(error: BaseException) -> bool:
    # The CPU allocator has no exception class of its own.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
