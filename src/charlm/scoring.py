"""How well a model predicts: exact evaluation, every character scored once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from charlm.arguments import positive_integer
from charlm.data import IGNORE_INDEX
from charlm.models import evaluation_mode
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.data import TextDataset
    from charlm.models import LanguageModel
    from charlm.records import RecordDataset


IDS_AT_ONCE = 1 << 16
"""How many ids of several texts are scored at a time."""

Block: TypeAlias = "tuple[int, int, NDArray[np.integer[Any]]]"
"""Which text a block is of, where it starts, and its ids."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The mean loss over a text, in the units it is quoted in.

    Attributes:
        nats: The mean negative natural logarithm of the probability of a character.
        characters: How many were scored; the end of a record is one.
        utf8_bytes: How many bytes they take in UTF-8; None where that is not known.

    Example:
        >>> evaluation = Evaluation(nats=math.log(2), characters=10)
        >>> evaluation.bits_per_character, evaluation.perplexity
        (1.0, 2.0)
    """

    nats: float
    characters: int
    utf8_bytes: int | None = None

    @property
    def bits_per_character(self) -> float:
        """The mean loss in bits: ``nats / ln 2``."""
        return self.nats / math.log(2)

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
        """``exp(nats)``: as uncertain as a choice between that many equally likely characters."""
        return math.exp(self.nats)


def score(model: LanguageModel, texts: Sequence[NDArray[np.integer[Any]]]) -> list[NDArray[np.float64]]:
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

    Example:
        >>> from charlm import BigramLanguageModel, score
        >>> model = BigramLanguageModel(4)
        >>> [scores.round(3).tolist() for scores in score(model, [np.array([0, 1, 2]), np.array([3])])]
        [[-1.386, -1.386], []]
    """
    for ids in texts:
        as_id_array(ids, model.vocab_size)
    block = model.block_size or max([1, *map(len, texts)])
    blocks = [
        (index, start, ids[start : start + block + 1])
        for index, ids in enumerate(texts)
        for start in range(0, len(ids) - 1, block)
    ]
    blocks.sort(key=lambda entry: len(entry[2]))
    scores = [np.empty(max(len(ids) - 1, 0)) for ids in texts]
    with torch.inference_mode(), evaluation_mode(model):
        for group in _groups(blocks):
            rows = torch.zeros(len(group), len(group[-1][2]), dtype=torch.int64)
            for row, (_, _, ids) in zip(rows, group, strict=True):
                row[: len(ids)] = torch.from_numpy(ids.astype(np.int64))
            rows = rows.to(model.device)
            found = model.log_probabilities(rows[:, :-1], rows[:, 1:]).double().cpu().numpy()
            for row, (index, start, ids) in zip(found, group, strict=True):
                scores[index][start : start + len(ids) - 1] = row[: len(ids) - 1]
    return scores


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
    as_id_array(ids, model.vocab_size)
    block = model.block_size or max(1, len(ids) - 1)
    with evaluation_mode(model):
        for start in range(0, len(ids) - 1, block):
            inputs = torch.from_numpy(ids[start : min(start + block, len(ids) - 1)].astype(np.int64))
            yield model.logits(inputs[None].to(model.device))[0].softmax(dim=-1).cpu()


def _groups(blocks: list[Block]) -> Iterator[list[Block]]:
    """Yields blocks, shortest first, as many at a time as make rows of ``IDS_AT_ONCE`` ids in all."""
    group: list[Block] = []
    for block in blocks:
        if group and (len(group) + 1) * len(block[2]) > IDS_AT_ONCE:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


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
    total, characters = 0.0, 0
    with torch.inference_mode(), evaluation_mode(model):
        for inputs, targets in dataset.rows(model.block_size, stride):
            counts = targets != IGNORE_INDEX
            log_probabilities = model.log_probabilities(
                inputs.to(model.device), targets.clamp(min=0).to(model.device)
            ).cpu()
            total += float(log_probabilities[counts.cpu()].double().sum())
            characters += int(counts.sum())
    return Evaluation(nats=-total / characters, characters=characters)
