"""Adapts a PyTorch model to ``Predictor``: moves arrays to its device, and the results back."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from charlm.models.context import checked_stride, default_stride, first_needed, pieces
from charlm.models.modes import evaluation_mode
from charlm.runtime.single_thread import one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.models.base import LanguageModel

BYTES_AT_ONCE, BYTES_ON_ACCELERATOR = 1 << 25, 1 << 28
"""How much memory a batch of ids may take: on the CPU what is about the fastest, since more does not fit in caches."""

WEIGHTS_FOR_ONE_THREAD = range(1 << 15, 1 << 24)
"""With so many weights, one id after one sequence is computed in one thread, as PyTorch does with fewer.

The upper end includes ``GPTConfig.base``. On two cores a second thread saves nothing with ``small`` and a third with
``base``; beside a busy process, in which the two wait for each other, they take up to eight times as long.
"""


class ModelPredictor:
    """A ``Predictor`` backed by a ``LanguageModel``, which each call runs in evaluation mode.

    If the model has a limited context, texts are scored in the blocks of ``charlm.models.context``, batched by length.

    Args:
        model: Any language model.
        stride: How far apart the blocks begin; None is half a block.

    Raises:
        ValueError: ``stride`` is below 1 or above the block, or the context has no limit.
    """

    def __init__(self, model: LanguageModel, *, stride: int | None = None) -> None:
        self._model = model
        self._stride = checked_stride(stride, model.block_size)
        self._steps_in_one_thread: bool | None = None  # until the first step: walking the weights takes as long as one

    @property
    def vocab_size(self) -> int:
        """The number of ids, V."""
        return self._model.vocab_size

    @property
    def block_size(self) -> int | None:
        """The maximum context length in ids, or None if there is no limit."""
        return self._model.block_size

    @property
    def history(self) -> int | None:
        """The number of ids before a target that it takes to predict it as in the whole text; None if it takes all."""
        return needed(self._model, self._stride)[0]

    @property
    def period(self) -> int:
        """What such ids must begin at a multiple of, counted from the beginning of the text."""
        return needed(self._model, self._stride)[1]

    @property
    def context_only(self) -> tuple[int, ...]:
        """The ids that occur only as context and are never predicted."""
        return self._model.context_only

    def scores(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text; see ``Predictor``."""
        targets = np.maximum(lengths - 1, 0)
        scores = np.empty(targets.sum())
        at_once = ids_at_once(self._model.device, self._model.numbers_per_id)
        blocks = self._blocks(targets, at_once)
        first_ids = (np.cumsum(lengths) - lengths)[blocks.text] + blocks.offset
        first_scores = (np.cumsum(targets) - targets)[blocks.text] + blocks.offset
        with torch.inference_mode(), evaluation_mode(self._model):
            for group in _groups(blocks.width, at_once):
                columns = np.arange(blocks.width[group[-1]] + 1)
                places = np.minimum(first_ids[group, None] + columns, len(ids) - 1)  # clipped ones are not scored
                rows = torch.from_numpy(ids[places].astype(np.int64)).to(self._model.device)
                found = _on_host(self._model.log_probabilities(rows[:, :-1], rows[:, 1:]).double())
                is_scored = columns[:-1] < blocks.width[group, None]
                is_scored &= columns[:-1] >= blocks.overlap[group, None]
                scores[(first_scores[group, None] + columns[:-1])[is_scored]] = found[is_scored]
        return scores

    def distributions(self, ids: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.floating[Any]]]:
        """Yields the natural-log probabilities of all ids after each id of one text; see ``Predictor``."""
        of_logits = max(self._model.numbers_per_id, 4 * self._model.vocab_size)
        blocks = self._blocks(np.array([len(ids)]), ids_at_once(self._model.device, of_logits))
        for offset, width, overlap in zip(blocks.offset, blocks.width, blocks.overlap, strict=True):
            inputs = torch.from_numpy(ids[offset : offset + width].astype(np.int64))[None]
            with torch.inference_mode(), evaluation_mode(self._model):
                logits = self._model.logits(inputs.to(self._model.device))[0, overlap:]
                yield _on_host(widened(logits).log_softmax(dim=-1))

    def _blocks(self, targets: NDArray[np.int64], at_once: int) -> _Blocks:
        """Returns the blocks in which texts with these numbers of targets are given to the model."""
        longest = max(1, int(targets.max(initial=0)))
        if self._model.block_size is not None:
            at_once = self.period
        stride, overlap = pieces(self, at_once) or (longest, 0)
        return _Blocks.of(targets, stride + overlap, stride)

    def start(self, prompts: NDArray[np.int64]) -> tuple[NDArray[np.floating[Any]], Any]:
        """Returns the logits after each prompt, and the model's state; see ``Predictor``."""
        history, period = needed(self._model)
        nearest = prompts[:, first_needed(prompts.shape[1], history, period) :]
        with torch.inference_mode(), evaluation_mode(self._model):
            logits, state = self._model.start(torch.from_numpy(nearest.copy()).to(self._model.device))
        return _on_host(logits), state

    def step(self, ids: NDArray[np.int64], state: Any) -> tuple[NDArray[np.floating[Any]], Any]:  # noqa: ANN401
        """Returns the logits after one more id, and the model's new state; see ``Predictor``."""
        if self._steps_in_one_thread is None:
            self._steps_in_one_thread = self._takes_one_thread()
        threads = one_thread() if self._steps_in_one_thread and len(ids) == 1 else nullcontext()
        with torch.inference_mode(), evaluation_mode(self._model), threads:
            logits, state = self._model.step(torch.from_numpy(ids).to(self._model.device), state)
        return _on_host(logits), state

    @property
    def keeps_rows_in_step(self) -> bool:
        """Whether ``select`` joins only states after equally many ids."""
        return True

    def select(self, states: Sequence[Any], rows: NDArray[np.int64]) -> Any:  # noqa: ANN401
        """Returns the model's state of some rows; see ``Predictor``."""
        with torch.inference_mode():
            return self._model.select(states, torch.from_numpy(rows).to(self._model.device))

    def _takes_one_thread(self) -> bool:
        """Returns whether one id after one sequence is computed in one thread."""
        tables = self._model.parameter_groups().hashed_tables
        read = sum(weight.numel() for name, weight in self._model.named_parameters() if name not in tables)
        return read in WEIGHTS_FOR_ONE_THREAD and self._model.device.type == "cpu"


class _Blocks:
    """The blocks into which texts are cut.

    Attributes:
        text: The text of each block.
        offset: Its first target, counted from that of the text.
        width: How many targets it has.
        overlap: How many of its first targets count in the previous block.
    """

    def __init__(
        self,
        text: NDArray[np.int64],
        offset: NDArray[np.int64],
        width: NDArray[np.int64],
        overlap: NDArray[np.int64],
    ) -> None:
        self.text, self.offset, self.width, self.overlap = text, offset, width, overlap

    @classmethod
    def of(cls, targets: NDArray[np.int64], block: int, stride: int) -> _Blocks:
        """Returns the blocks of texts with these numbers of targets: one begins every ``stride`` targets."""
        blocks = np.where(targets > block, -(-(targets - block) // stride) + 1, (targets > 0).astype(np.int64))
        text = np.repeat(np.arange(len(targets)), blocks)
        number = np.arange(len(text)) - (np.cumsum(blocks) - blocks)[text]
        offset = number * stride
        width = np.minimum(targets[text] - offset, block)
        return cls(text, offset, width, np.where(number > 0, block - stride, 0))


def needed(model: LanguageModel, stride: int | None = None) -> tuple[int | None, int]:
    """Returns ``history`` and ``period`` of a model, in the words of ``Predictor``.

    Args:
        model: Any language model.
        stride: Of a limited context: how far apart blocks begin; None is half a block.
    """
    if model.block_size is None:
        return model.history, model.period
    step = stride or default_stride(model.block_size)
    return model.block_size - step + 1, step


def ids_at_once(device: torch.device, numbers_per_id: int) -> int:
    """Returns how many ids a model is given at a time, at least one, if each takes so many numbers of four bytes.

    Example:
        >>> ids_at_once(torch.device("cpu"), 2_048)
        4096
    """
    at_once = BYTES_AT_ONCE if device.type == "cpu" else BYTES_ON_ACCELERATOR
    return max(1, at_once // (4 * numbers_per_id))


def _groups(widths: NDArray[np.int64], at_once: int) -> Iterator[NDArray[np.int64]]:
    """Yields groups of blocks, the shortest first, that fill about so many ids when padded to equal length."""
    order = np.argsort(widths, kind="stable")
    while len(order):
        candidates = order[: max(1, at_once // (int(widths[order[0]]) + 1))]
        ids_in_rows = np.arange(1, len(candidates) + 1) * (widths[candidates] + 1)
        end = max(1, int(np.searchsorted(ids_in_rows, at_once, side="right")))
        yield order[:end]
        order = order[end:]


def widened(tensor: Tensor) -> Tensor:
    """Returns half precision as float32, since it is too coarse to compute logarithms in; others unchanged."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


def as_array(tensor: Tensor) -> NDArray[Any]:
    """Returns a tensor on any device as a new array; half precision becomes float32."""
    array: NDArray[Any] = widened(tensor).numpy(force=True)
    return array.copy()


def _on_host(tensor: Tensor) -> NDArray[np.floating[Any]]:
    array: NDArray[np.floating[Any]] = widened(tensor).numpy(force=True)
    return array
