"""What every data set has in common, and ids from wherever they lie."""

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
"""A target of this value counts neither in the loss nor in a score."""


class SupportsPieces(Protocol):
    """What can be scored a piece at a time."""

    def pieces(
        self, targets: int | None, overlap: int
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Yields all texts a piece at a time, as ids and lengths, and how many of the first targets came before.

        Args:
            targets: About how many targets a piece has; None gives everything at once.
            overlap: How many ids more than one a piece of a longer text has before its first target.
        """

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``."""


class Dataset(SupportsPieces, Protocol):
    """Examples to train on, which are also texts to count and to score.

    A text or several, one text after the other in one array of ids, is the form that counting and scoring take;
    batches of inputs and targets are the form that training takes. Nothing outside this package asks which data set
    it has.

    Attributes:
        block_size: The number of inputs of an example.
        has_padding: Whether some targets of a batch may be ``IGNORE_INDEX``.
    """

    block_size: int
    has_padding: bool

    def __len__(self) -> int:
        """Returns the number of examples."""

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns several examples as int64 inputs and targets, each ``(B, T)``, on a device."""

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all texts, one text after the other, and how many each has, int64 ``(N,)``."""

    def split(self, fraction: float, *, seed: int = 0) -> tuple[Self, Self]:
        """Returns two data sets; of texts that stand for themselves, ``seed`` decides which are in the first."""

    def fingerprint(self) -> str:
        """Returns a SHA-256, in hexadecimal, of the data and of how they are cut."""


class SupportsJoined(Protocol):
    """Texts as ids: a data set, or ``JoinedTexts``."""

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all texts, one text after the other, and how many each has, int64 ``(N,)``."""


@dataclass(frozen=True, eq=False)
class JoinedTexts:
    """Several texts as ids, in one array.

    Attributes:
        ids: Those of all texts, one text after the other.
        lengths: How many each has, int64 ``(N,)``.
        weights: How often each counts, int64 ``(N,)``; None counts each once.
    """

    ids: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]
    weights: NDArray[np.int64] | None = None

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns ids and lengths."""
        return self.ids, self.lengths


def pieces_of_text(
    read: Callable[[int, int], NDArray[np.integer[Any]]], length: int, targets: int | None, overlap: int
) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
    """Yields one text a piece at a time, each id but the first a target once; see ``Dataset.pieces``.

    Args:
        read: From a start and a stop to the ids between them.
        length: How many ids the text has.
        targets: How many new targets a piece has, the first ``overlap`` more; None gives everything at once.
        overlap: How many ids a piece has before the one that its first new target follows, where there are any.
    """
    last = length - 1
    if last < 1:
        return
    step = last if targets is None else targets
    for start, stop in pairwise([0, *range(step + overlap, last, step), last]):
        begin = max(0, start - overlap)
        ids = read(begin, stop + 1)
        yield ids, np.array([len(ids)]), start - begin


def pieces_of_records(
    ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64], targets: int | None
) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
    """Yields whole records, as many at a time as have about so many targets; see ``Dataset.pieces``."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        begin = int(ends[first] - lengths[first])
        limit = len(ids) if targets is None else begin + targets
        stop = max(first + 1, int(np.searchsorted(ends, limit, side="right")))
        yield ids[begin : int(ends[stop - 1])], lengths[first:stop], 0
        first = stop


def holds_texts(value: object) -> TypeIs[SupportsJoined]:
    """Returns whether a value is a data set, or several texts in one array."""
    return hasattr(value, "joined")


def on_host(ids: Any) -> Any:  # noqa: ANN401 - whatever may hold ids
    """Returns the array that a tensor on any device holds; anything else as it is."""
    return ids.numpy(force=True) if hasattr(ids, "numpy") and hasattr(ids, "device") else ids


def check_vocabulary_size(vocabulary: Vocabulary, size: int) -> None:
    """Checks that a vocabulary has no more ids than a model.

    Raises:
        ValueError: It has.
    """
    if vocabulary.size > size:
        raise ValueError(f"the data have a vocabulary of {vocabulary.size} ids, the model {size}")
