"""How the ids of a model change when its vocabulary grows or shrinks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from charlm.data.framing import Framing
from chartok import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class IdChange:
    """The ids of a model before and after.

    Attributes:
        ids: The new id of each old id, int64 ``(V,)``; -1 if it is dropped.
        size: The number of ids afterwards.
        never_before: The ids of ``context_only`` before.
        never_after: Those afterwards: the ones that are kept, and new ones that no text has as a target.
        unknown: The id of ``unk`` before, if it can be predicted, and is kept; else None.

    Example:
        >>> change = IdChange.between(Vocabulary("abc"), Vocabulary("acxy"), vocab_size=3, context_only=())
        >>> change.ids, change.kept, change.new
        (array([ 0, -1,  1]), array([0, 2]), array([2, 3]))
    """

    ids: NDArray[np.int64]
    size: int
    never_before: tuple[int, ...]
    never_after: tuple[int, ...]
    unknown: int | None

    @classmethod
    def between(cls, before: Vocabulary, after: Vocabulary, *, vocab_size: int, context_only: Sequence[int]) -> Self:
        """Returns the change from one vocabulary to another.

        Args:
            before: The vocabulary of the model.
            after: The one that it is to have.
            vocab_size: The number of ids of the model.
            context_only: Its ids that are never predicted.

        Raises:
            TypeError: One is not a ``Vocabulary``.
            ValueError: The first has another size than the model, or they share nothing that can be predicted.
        """
        for name, vocabulary in (("vocabulary_before", before), ("vocabulary_after", after)):
            if not isinstance(vocabulary, Vocabulary):
                raise TypeError(f"{name} must be a Vocabulary, got {type(vocabulary).__name__}")
        if before.size != vocab_size:
            raise ValueError(f"vocabulary_before must have as many ids as the model, {vocab_size}, got {before.size}")
        ids = after.remap(before)
        if not np.delete(ids >= 0, context_only).any():
            raise ValueError("vocabulary_after has nothing of vocabulary_before that the model predicts")
        kept_never = {int(ids[token_id]) for token_id in context_only} - {-1}
        new_never = set(Framing(after).context_only) - set(ids.tolist())
        unknown = before.special_tokens.get("unk", -1)
        is_shared = unknown >= 0 and ids[unknown] >= 0 and unknown not in context_only
        return cls(
            ids=ids,
            size=after.size,
            never_before=tuple(context_only),
            never_after=tuple(sorted(kept_never | new_never)),
            unknown=unknown if is_shared else None,
        )

    @property
    def kept(self) -> NDArray[np.int64]:
        """The old ids that are kept, int64, ascending."""
        return np.flatnonzero(self.ids >= 0)

    @property
    def new(self) -> NDArray[np.int64]:
        """The new ids that no old id has become, int64, ascending."""
        return np.setdiff1d(np.arange(self.size), self.ids)

    @property
    def outcomes(self) -> NDArray[np.int64]:
        """The old ids that are kept and can be predicted, int64, ascending."""
        return np.setdiff1d(self.kept, self.never_before)

    @property
    def new_outcomes(self) -> NDArray[np.int64]:
        """The new ids that can be predicted, int64, ascending."""
        return np.setdiff1d(self.new, self.never_after)
