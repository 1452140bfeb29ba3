"""The protocols that every dataset implements, and helpers for ids in arrays and tensors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from numpy.typing import NDArray
    from torch import Tensor
    from typing_extensions import TypeIs  # in typing from Python 3.13 on

    from chartok import Vocabulary

IGNORE_INDEX = -100
"""Targets with this value are ignored by the loss and by scores."""


class SupportsPieces(Protocol):
    """Data that can be scored a piece at a time."""

    def pieces(
        self, targets: int | None, overlap: int
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Yields all texts a piece at a time, as ids and lengths, and how many leading targets are repeated.

        Args:
            targets: The approximate number of targets in a piece; None yields everything at once.
            overlap: How many ids of extra context, besides the one before it, precede the first new target of a piece.
        """

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``."""


class Dataset(SupportsPieces, Protocol):
    """Examples to train on, which are also texts to count and to score.

    Counting and scoring take one or more texts, concatenated in one array of ids; training takes batches of inputs and
    targets. Nothing outside this package needs to know which dataset it has.

    Attributes:
        block_size: The largest number of inputs of an example.
        has_padding: Whether some targets of a batch may be ``IGNORE_INDEX``.
        examples_per_epoch: How many examples have about as many targets as the data.
    """

    block_size: int
    has_padding: bool

    @property
    def examples_per_epoch(self) -> int:
        """The number of examples that have about as many targets as the data."""

    def __len__(self) -> int:
        """Returns the number of examples."""

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns several examples as int64 inputs and targets, each ``(B, T)``, on ``device``."""

    def widths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of inputs of each of several examples, int64 ``(B,)``."""

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Yields whole texts in order, about ``ids`` ids at a time."""

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all texts, concatenated, and the length of each, int64 ``(N,)``."""

    def split(self, fraction: float, *, seed: int | None = 0) -> tuple[Self, Self]:
        """Returns two datasets; independent texts are drawn at random, with ``seed``."""

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the data and of how they are cut into examples."""


class SupportsParts(Protocol):
    """Texts as ids: a dataset, or ``JoinedTexts``."""

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Yields whole texts in order, about ``ids`` ids at a time."""


@dataclass(frozen=True, eq=False)
class JoinedTexts:
    """Several texts as ids, in one array.

    Attributes:
        ids: The ids of all texts, concatenated.
        lengths: The number of ids in each, int64 ``(N,)``.
        weights: How many times each counts, int64 ``(N,)``; None counts each once.
    """

    ids: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]
    weights: NDArray[np.int64] | None = None

    def parts(self, ids: int) -> Iterator[JoinedTexts]:  # noqa: ARG002 - they are in memory already
        """Yields these texts."""
        yield self


def pieces_of_text(
    read: Callable[[int, int], NDArray[np.integer[Any]]], length: int, targets: int | None, overlap: int
) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
    """Yields one text a piece at a time, each id but the first a target once; see ``Dataset.pieces``.

    Args:
        read: Returns the ids from a start to a stop.
        length: The number of ids in the text.
        targets: The number of new targets in a piece, ``overlap`` more in the first; None yields everything at once.
        overlap: How many ids of extra context, besides the one before it, precede the first new target of a piece.
    """
    last = length - 1
    if last < 1:
        return
    step = last if targets is None else targets
    for start, stop in pairwise([0, *range(step + overlap, last, step), last]):
        begin = max(0, start - overlap)
        ids = read(begin, stop + 1)
        yield ids, np.array([len(ids)]), start - begin


def grouped(items: NDArray[Any], keys: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yields each key once, in ascending order, and the items that have it.

    Example:
        >>> [(key, items.tolist()) for key, items in grouped(np.arange(4), np.array([7, 5, 7, 7]))]
        [(5, [1]), (7, [0, 2, 3])]
    """
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    yield from zip(distinct.tolist(), np.split(items[order], starts[1:]), strict=False)  # of no items one part is left


def holds_texts(value: object) -> TypeIs[SupportsParts]:
    """Returns whether a value is a dataset or ``JoinedTexts``."""
    return hasattr(value, "parts")


def on_host(ids: Any) -> Any:  # noqa: ANN401 - whatever may hold ids
    """Returns a tensor on any device as a NumPy array, and anything else unchanged."""
    return ids.numpy(force=True) if hasattr(ids, "numpy") and hasattr(ids, "device") else ids


def check_vocabulary_size(vocabulary: Vocabulary, size: int) -> None:
    """Checks that a vocabulary is no larger than that of a model.

    Raises:
        ValueError: It is larger.
    """
    if vocabulary.size > size:
        raise ValueError(f"the data has a vocabulary of {vocabulary.size} ids, but the model has only {size}")
