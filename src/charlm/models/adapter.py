"""Adapts a PyTorch model to ``Predictor``: moves arrays to its device, and the results back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from charlm.models.modes import evaluation_mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.models.base import LanguageModel

IDS_AT_ONCE = 1 << 16
"""How many ids are scored at a time."""


class ModelPredictor:
    """A ``Predictor`` backed by a ``LanguageModel``, which each call runs in evaluation mode.

    If the model has a limited context, texts are scored in consecutive blocks, batched by length.

    Args:
        model: Any language model.
        stride: How many targets of a block count, the last ones, so that each has at least ``block_size - stride``
            ids before it; None, or ``block_size`` or more, counts all, and blocks do not overlap.
    """

    def __init__(self, model: LanguageModel, *, stride: int | None = None) -> None:
        self._model = model
        self._stride = None if model.block_size is None or stride is None or stride >= model.block_size else stride

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
        """The maximum number of ids before a target that affect its prediction; None if unlimited."""
        if self._model.block_size is None:
            return self._model.history
        return 0 if self._stride is None else self._model.block_size

    @property
    def context_only(self) -> tuple[int, ...]:
        """The ids that occur only as context and are never predicted."""
        return self._model.context_only

    def scores(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text; see ``Predictor``."""
        targets = np.maximum(lengths - 1, 0)
        scores = np.empty(targets.sum())
        blocks = _Blocks.of(targets, self._model.block_size or max(1, targets.max(initial=0)), self._stride)
        first_ids = (np.cumsum(lengths) - lengths)[blocks.text] + blocks.offset
        first_scores = (np.cumsum(targets) - targets)[blocks.text] + blocks.offset
        with torch.inference_mode(), evaluation_mode(self._model):
            for group in _groups(blocks.width):
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
        block = self._model.block_size or max(1, len(ids))
        for start in range(0, len(ids), block):
            inputs = torch.from_numpy(ids[start : start + block].astype(np.int64))[None]
            with torch.inference_mode(), evaluation_mode(self._model):
                yield _on_host(widened(self._model.logits(inputs.to(self._model.device))[0]).log_softmax(dim=-1))

    def start(self, prompts: NDArray[np.int64]) -> tuple[NDArray[np.floating[Any]], Any]:
        """Returns the logits after each prompt, and the model's state; see ``Predictor``."""
        needed = self._model.block_size or self._model.history
        nearest = prompts if needed is None else prompts[:, -max(needed, 1) :]
        with torch.inference_mode(), evaluation_mode(self._model):
            logits, state = self._model.start(torch.from_numpy(nearest.copy()).to(self._model.device))
        return _on_host(logits), state

    def step(self, ids: NDArray[np.int64], state: Any) -> tuple[NDArray[np.floating[Any]], Any]:  # noqa: ANN401
        """Returns the logits after one more id, and the model's new state; see ``Predictor``."""
        with torch.inference_mode(), evaluation_mode(self._model):
            logits, state = self._model.step(torch.from_numpy(ids).to(self._model.device), state)
        return _on_host(logits), state


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
    def of(cls, targets: NDArray[np.int64], block: int, stride: int | None) -> _Blocks:
        """Returns the blocks of texts with these numbers of targets: consecutive, or one every ``stride`` targets."""
        step = block if stride is None else stride
        blocks = np.where(targets > block, -(-(targets - block) // step) + 1, (targets > 0).astype(np.int64))
        text = np.repeat(np.arange(len(targets)), blocks)
        number = np.arange(len(text)) - (np.cumsum(blocks) - blocks)[text]
        end = np.minimum(block + number * step, targets[text])
        offset = np.where(stride is None, number * step, np.maximum(end - block, 0))
        counted = np.where(number > 0, block + (number - 1) * step, 0)
        return cls(text, offset, end - offset, np.maximum(counted - offset, 0))


def _groups(widths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yields groups of blocks, the shortest first, that fill about ``IDS_AT_ONCE`` ids when padded to equal length."""
    order = np.argsort(widths, kind="stable")
    while len(order):
        candidates = order[: max(1, IDS_AT_ONCE // (int(widths[order[0]]) + 1))]
        ids_in_rows = np.arange(1, len(candidates) + 1) * (widths[candidates] + 1)
        end = max(1, int(np.searchsorted(ids_in_rows, IDS_AT_ONCE, side="right")))
        yield order[:end]
        order = order[end:]


def widened(tensor: Tensor) -> Tensor:
    """Returns half precision as float32, since it is too coarse to compute logarithms in; others unchanged."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


def _on_host(tensor: Tensor) -> NDArray[np.floating[Any]]:
    array: NDArray[np.floating[Any]] = widened(tensor).numpy(force=True)
    return array
