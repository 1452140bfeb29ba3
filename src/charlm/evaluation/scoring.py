"""How well a model predicts: exact evaluation, every character scored once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from charlm.data.dataset import IGNORE_INDEX
from charlm.models.base import evaluation_mode
from chartok import TokenIdError
from chartok.arguments import positive_integer
from chartok.ids import as_id_array
from chartok.ragged import split_joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.data.record_dataset import RecordDataset
    from charlm.data.text_dataset import TextDataset
    from charlm.models.base import LanguageModel
    from chartok.ids import Ids


IDS_AT_ONCE = 1 << 16
"""How many ids are scored at a time by a model without a limit on its context."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The mean loss over a text, in the units it is quoted in.

    Attributes:
        nats_per_character: The mean negative natural logarithm of the probability of a character.
        characters: How many were scored; the end of a record is one.
        utf8_bytes: How many bytes they take in UTF-8; None where that is not known.

    Example:
        >>> evaluation = Evaluation(nats_per_character=math.log(2), characters=10)
        >>> evaluation.bits_per_character, evaluation.perplexity
        (1.0, 2.0)
    """

    nats_per_character: float
    characters: int
    utf8_bytes: int | None = None

    @property
    def bits_per_character(self) -> float:
        """The mean loss in bits: ``nats / ln 2``."""
        return self.nats_per_character / math.log(2)

    @property
    def bits_per_byte(self) -> float:
        """The whole loss in bits, for each byte of the text in UTF-8.

        Raises:
            ValueError: The number of bytes is not known.
        """
        if self.utf8_bytes is None:
            raise ValueError("the number of UTF-8 bytes is not known: evaluate a text, not ids")
        return self.bits_per_character * self.characters / self.utf8_bytes

    @property
    def perplexity(self) -> float:
        """``exp(nats_per_character)``: as uncertain as a choice between that many equally likely characters.

        Infinite where no float is as large.
        """
        try:
            return math.exp(self.nats_per_character)
        except OverflowError:
            return math.inf


def score(model: LanguageModel, texts: Sequence[Ids]) -> list[NDArray[np.float64]]:
    """Returns for each text the natural-log probability of every id but the first, given those before it.

    Texts of uneven lengths are scored side by side, the longest together. A model with a limited context is given
    consecutive blocks. The model is put in evaluation mode meanwhile and left in the mode it was in.

    Args:
        model: Any language model.
        texts: Ids, each of shape ``(T,)``.

    Returns:
        float64, each of shape ``(max(T - 1, 0),)``, in nats.

    Raises:
        TokenIdError: An id is not one of the model's.
        ValueError: A text has not one dimension.
        TypeError: Ids are not integers.

    Example:
        >>> from charlm import BigramLanguageModel, score
        >>> model = BigramLanguageModel(4)
        >>> [scores.round(3).tolist() for scores in score(model, [[0, 1, 2], [3]])]
        [[-1.386, -1.386], []]
    """
    arrays = [ids if isinstance(ids, np.ndarray) and ids.dtype.kind in "iu" else as_id_array(ids) for ids in texts]
    for index, ids in enumerate(arrays):
        if ids.ndim != 1:
            raise ValueError(f"texts[{index}] must have one dimension, got shape {ids.shape}")
    joined = np.concatenate([np.empty(0, dtype=np.int64), *arrays], dtype=np.int64, casting="unsafe")
    try:
        as_id_array(joined, model.vocab_size)
    except TokenIdError:
        for ids in arrays:
            as_id_array(ids, model.vocab_size)  # says where in its text the id stands
        raise
    lengths = np.fromiter(map(len, arrays), dtype=np.int64, count=len(arrays))
    return split_joined(score_joined(model, joined, lengths), np.maximum(lengths - 1, 0))


def score_joined(
    model: LanguageModel, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns what ``score`` does, for texts that stand one after the other in one array.

    Args:
        model: Any language model.
        ids: Those of all texts, each below ``vocab_size``.
        lengths: How many each text has, int64 ``(N,)``.

    Returns:
        float64: the scores of all texts, one text after the other.
    """
    targets = np.maximum(lengths - 1, 0)
    scores = np.empty(targets.sum())
    block = model.block_size or max(1, targets.max(initial=0))
    blocks = -(-targets // block)
    text = np.repeat(np.arange(len(lengths)), blocks)
    offsets = (np.arange(len(text)) - (np.cumsum(blocks) - blocks)[text]) * block
    widths = np.minimum(targets[text] - offsets, block)
    first_ids = (np.cumsum(lengths) - lengths)[text] + offsets
    first_scores = (np.cumsum(targets) - targets)[text] + offsets
    with torch.inference_mode(), evaluation_mode(model):
        for group in _groups(widths):
            columns = np.arange(widths[group[-1]] + 1)
            places = np.minimum(first_ids[group, None] + columns, len(ids) - 1)  # what comes after is not looked at
            rows = torch.from_numpy(ids[places].astype(np.int64)).to(model.device)
            found = model.log_probabilities(rows[:, :-1], rows[:, 1:]).cpu().double().numpy()
            is_scored = columns[:-1] < widths[group, None]
            scores[(first_scores[group, None] + columns[:-1])[is_scored]] = found[is_scored]
    return scores


def _groups(widths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yields blocks, those of the fewest targets first, as many at a time as make rows of ``IDS_AT_ONCE`` ids."""
    order = np.argsort(widths, kind="stable")
    while len(order):
        candidates = order[: max(1, IDS_AT_ONCE // (int(widths[order[0]]) + 1))]
        ids_in_rows = np.arange(1, len(candidates) + 1) * (widths[candidates] + 1)
        end = max(1, int(np.searchsorted(ids_in_rows, IDS_AT_ONCE, side="right")))
        yield order[:end]
        order = order[end:]


@torch.inference_mode()
def distributions(model: LanguageModel, ids: NDArray[np.integer[Any]]) -> Iterator[Tensor]:
    """Yields the probabilities of all ids at each place but the first, a block of places at a time, on the CPU.

    Blocks are those of ``score``, so that the probabilities are those that it takes the logarithms of.

    Args:
        model: Any language model.
        ids: One text, ``(T,)``.

    Yields:
        Floating point, ``(places, V)``.

    Raises:
        TokenIdError: An id is not one of the model's.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> [block.tolist() for block in distributions(BigramLanguageModel(2), np.array([0, 1, 1]))]
        [[[0.5, 0.5], [0.5, 0.5]]]
    """
    ids = as_id_array(ids, model.vocab_size)
    block = model.block_size or max(1, len(ids) - 1)
    with evaluation_mode(model):
        for start in range(0, len(ids) - 1, block):
            inputs = torch.from_numpy(ids[start : min(start + block, len(ids) - 1)].astype(np.int64))
            yield model.logits(inputs[None].to(model.device))[0].softmax(dim=-1).cpu()


def evaluate(model: LanguageModel, dataset: TextDataset | RecordDataset, *, stride: int | None = None) -> Evaluation:
    """Returns the mean loss over a dataset, every id of a stream but the first scored exactly once.

    The first id of a stream has nothing before it and is not scored. A model without a limit on its context sees all
    that comes before; one with a limit is given consecutive blocks. Of records, every character and the end is
    scored. The model is put in evaluation mode meanwhile and left in the mode it was in.

    Args:
        model: Any language model.
        dataset: The stream, or the records.
        stride: Of a stream and a model with a limited context: blocks overlap, and only the last ``stride`` targets of
            each count, so that every id is predicted from more context. None does not overlap them.

    Raises:
        TokenIdError: An id of the dataset is not one of the model's.
        ValueError: ``stride`` is below 1.

    Example:
        >>> from charlm import BigramLanguageModel, TextDataset
        >>> evaluation = evaluate(BigramLanguageModel(4), TextDataset([0, 1, 2, 3, 0], block_size=2))
        >>> evaluation.characters, round(evaluation.bits_per_character, 6)
        (4, 2.0)
    """
    if stride is not None:
        positive_integer("stride", stride)
    dataset.check_ids(model.vocab_size)
    block_size, total, characters = model.block_size, 0.0, 0
    if block_size is None and model.history is not None:  # pieces that overlap give what the whole would
        block_size, stride = IDS_AT_ONCE + model.history, IDS_AT_ONCE
    with torch.inference_mode(), evaluation_mode(model):
        for inputs, targets in dataset.rows(block_size, stride):
            counts = targets != IGNORE_INDEX
            # What does not count may be anything: the next input lets an n-gram model search once for both.
            filled = torch.where(counts, targets, inputs.roll(-1, dims=1))
            log_probabilities = model.log_probabilities(inputs.to(model.device), filled.to(model.device)).cpu()
            total += float(log_probabilities[counts.cpu()].double().sum())
            characters += int(counts.sum())
    return Evaluation(nats_per_character=-total / characters, characters=characters)
