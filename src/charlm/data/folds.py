"""Folds: equal parts of a dataset, without each of which its own examples can be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from charlm.data.dataset import SupportsParts


class FoldTexts(NamedTuple):
    """What to count of a fold.

    Attributes:
        texts: What its examples have, inputs and targets, and the ids before the first one; some may be in two folds.
        before: These ids alone, which are context; None if there are none.
    """

    texts: SupportsParts
    before: SupportsParts | None = None


class Folds(NamedTuple):
    """A division of the examples of a dataset.

    Attributes:
        texts: What to count of each fold.
        of: Returns the fold of each of several examples, int64 ``(B,)`` to int64 ``(B,)``.
    """

    texts: Sequence[FoldTexts]
    of: Callable[[NDArray[np.int64]], NDArray[np.int64]]


class HasFolds(Protocol):
    """Examples that can be divided into folds."""

    def folds(self, number: int, *, context: int) -> Folds:
        """Returns a division of the examples into about equal parts.

        Args:
            number: How many, at most 256.
            context: How many ids before the first of a fold belong to its texts.
        """
