"""The protocols that every dataset implements, and helpers for ids in arrays and tensors."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

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


class Dataset(Protocol):
    """Examples to train on: what ``BatchSampler`` and ``Trainer`` need of a dataset.

    A class that has these members is one. Whoever derives from this class writes the first four, and may leave the
    others as they are here.

    Attributes:
        has_ignored_targets: Whether some targets of a batch may be ``IGNORE_INDEX``, as padding is.
        examples_per_epoch: How many examples make an epoch, by default as many as there are.

    Example:
        >>> import torch
        >>> class Countdown(Dataset):
        ...     def __len__(self):
        ...         return 4
        ...
        ...     def batch(self, indices, device):
        ...         return (indices[:, None] + 1).to(device), indices[:, None].to(device)
        ...
        ...     def check_ids(self, size):
        ...         if size < 5:
        ...             raise ValueError(f"the data has 5 ids, but the model has only {size}")
        ...
        ...     def fingerprint(self):
        ...         return "counts down from 4"
        >>> from charlm import BatchSampler
        >>> next(BatchSampler(Countdown(), batch_size=2, order="sequential"))
        (tensor([[1],
                [2]]), tensor([[0],
                [1]]))
    """

    has_ignored_targets: bool = True

    @abstractmethod
    def __len__(self) -> int:
        """Returns the number of examples."""

    @abstractmethod
    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns several examples as int64 inputs and targets, each ``(B, T)``, on ``device``.

        Args:
            indices: Which examples, int64 ``(B,)``, on the CPU.
            device: The device of the result.
        """

    @abstractmethod
    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``, the number of ids of a model.

        Raises:
            ValueError: One is not.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Returns what identifies the examples, such as a SHA-256: a run resumes only with the same ones."""

    @property
    def examples_per_epoch(self) -> int:
        """The number of examples that make an epoch."""
        return len(self)


class HasWidths(Protocol):
    """Examples of different lengths, which ``BatchSampler`` puts together ``by_length``."""

    def widths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of inputs of each of several examples, int64 ``(B,)``."""


class SupportsPieces(Protocol):
    """Data that can be scored a piece at a time."""

    def pieces(self, targets: int | None, overlap: int) -> Iterator[Piece]:
        """Yields all texts a piece at a time.

        Args:
            targets: The approximate number of targets in a piece; None yields everything at once.
            overlap: How many ids of extra context, besides the one before it, precede the first new target of a piece.
        """

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            ValueError: One is not.
        """


class ValidationDataset(SupportsPieces, Protocol):
    """Data on which ``Trainer`` evaluates a model."""

    def fingerprint(self) -> str:
        """Returns what identifies the data, such as a SHA-256: a run resumes only with the same ones."""


class SupportsParts(Protocol):
    """Texts as ids, to count: a dataset, or ``JoinedTexts``."""

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Yields texts in order, about ``ids`` ids at a time; a part says where its last text goes on in the next."""


class CompleteDataset(Dataset, HasWidths, ValidationDataset, SupportsParts, Protocol):
    """Texts to train on, to score and to count: a ``TextDataset`` or a ``RecordDataset``.

    Nothing outside this package needs to know which of them it has.

    Attributes:
        block_size: The largest number of inputs of an example.
    """

    block_size: int

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all texts, concatenated, and the length of each, int64 ``(N,)``."""

    def split(self, fraction: float, *, seed: int | None = 0) -> tuple[Self, Self]:
        """Returns two datasets; independent texts are drawn at random, with ``seed``."""


class Piece(NamedTuple):
    """Some texts, or a part of one, to score.

    Attributes:
        ids: The ids of all texts, concatenated.
        lengths: The number of ids in each, int64 ``(N,)``.
        counts: Whether each target counts, that is each id but the first of its text, in order: those do not that are
            repeated from the piece before, or that are masked.
        weights: How many times each text counts, int64 ``(N,)``; None counts each once.
    """

    ids: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]
    counts: NDArray[np.bool_]
    weights: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class JoinedTexts:
    """Several texts as ids, in one array.

    Attributes:
        ids: The ids of all texts, concatenated.
        lengths: The number of ids in each, int64 ``(N,)``.
        weights: How many times each counts, int64 ``(N,)``; None counts each once.
        prompts: How many ids after the first of each are its prompt, which is not scored, ``(N,)``; None scores all.
        continues: Whether the last text goes on: the first of the next part is the rest of it.
    """

    ids: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]
    weights: NDArray[np.int64] | None = None
    prompts: NDArray[np.unsignedinteger[Any]] | None = None
    continues: bool = False

    def parts(self, ids: int) -> Iterator[JoinedTexts]:  # noqa: ARG002 - they are in memory already
        """Yields these texts."""
        yield self


def pieces_of_text(
    read: Callable[[int, int], NDArray[np.integer[Any]]], length: int, targets: int | None, overlap: int
) -> Iterator[Piece]:
    """Yields one text a piece at a time, each id but the first a target once; see ``SupportsPieces``.

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
        yield Piece(ids, np.array([len(ids)]), np.arange(len(ids) - 1) >= start - begin)


def grouped(items: NDArray[Any], keys: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yields each key once, in ascending order, and the items that have it.

    Example:
        >>> [(key, items.tolist()) for key, items in grouped(np.arange(4), np.array([7, 5, 7, 7]))]
        [(5, [1]), (7, [0, 2, 3])]
    """
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    yield from zip(distinct.tolist(), np.split(items[order], starts[1:]), strict=False)  # of no items one part is left


def check_keeps(protocol: type, name: str, value: object, instead: str) -> None:
    """Checks that a value has the members of a protocol.

    Args:
        protocol: The protocol, whose own members are looked at.
        name: What to call the value.
        value: The value.
        instead: What to give instead of a value that does not.

    Raises:
        TypeError: It lacks some; names them.

    Example:
        >>> check_keeps(SupportsParts, "tokens", 5, "give a list")
        Traceback (most recent call last):
        TypeError: tokens must have the members of SupportsParts, and int lacks parts: give a list
    """
    protocols = [base for base in protocol.__mro__ if base.__module__ == protocol.__module__]
    members = dict.fromkeys(member for base in reversed(protocols) for member in vars(base))
    missing = [
        member
        for member in members
        if (member == "__len__" or not member.startswith("_")) and not hasattr(value, member)
    ]
    if missing:
        raise TypeError(
            f"{name} must have the members of {protocol.__name__}, and {type(value).__name__} lacks "
            f"{', '.join(missing)}: {instead}"
        )


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
