"""What every data set has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chartok import Vocabulary

IGNORE_INDEX = -100
"""A target of this value counts neither in the loss nor in a score."""

IDS_AT_ONCE = 1 << 14
"""How many ids go through a model with a limited context at a time when it is evaluated."""


def check_vocabulary_size(vocabulary: Vocabulary, size: int) -> None:
    """Checks that a vocabulary has no more ids than a model.

    Raises:
        ValueError: It has.
    """
    if vocabulary.size > size:
        raise ValueError(f"the data have a vocabulary of {vocabulary.size} ids, the model {size}")
