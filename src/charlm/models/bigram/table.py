"""The bigram model in NumPy: a table of logits, and how to fit one by counting."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from charlm.models.bigram.resizing import resized
from charlm.models.context import checked_stride
from charlm.models.counting.texts import IDS_AT_ONCE, stretches
from charlm.models.predictor import checked_context_only
from charlm.models.resizing import IdChange
from chartok.arguments import number_from_zero, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from charlm.models.counting.texts import Tokens
    from chartok import Vocabulary

ROWS_AT_ONCE = 1 << 12
"""How many distributions are yielded at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BigramTable:
    """Logits with one row per id: ``P(next | current) = softmax(table[current])[next]``.

    Attributes:
        vocab_size: The number of ids, V.
        context_only: The ids that occur only as context and are never predicted, whatever their logits.
        table: Logits, floating point ``(V, V)``: row for the current id, column for the next.

    Example:
        >>> BigramTable.fit([0, 1, 0, 2, 0, 1], vocab_size=3, smoothing=0).probabilities.round(4)
        array([[0.    , 0.6667, 0.3333],
               [1.    , 0.    , 0.    ],
               [1.    , 0.    , 0.    ]])
    """

    family: ClassVar[str] = "bigram"
    block_size: ClassVar[None] = None
    period: ClassVar[int] = 1
    keeps_rows_in_step: ClassVar[bool] = False
    history: ClassVar[int] = 1

    vocab_size: int
    context_only: tuple[int, ...] = ()
    table: NDArray[np.floating[Any]]

    def __post_init__(self) -> None:
        positive_integer("vocab_size", self.vocab_size)
        object.__setattr__(self, "context_only", checked_context_only(self.context_only, self.vocab_size))
        if self.table.shape != (self.vocab_size, self.vocab_size) or self.table.dtype.kind != "f":
            raise ValueError(
                f"table must be floating point of shape ({self.vocab_size}, {self.vocab_size}), got {self.table.dtype} "
                f"of shape {self.table.shape}"
            )

    @classmethod
    def fit(
        cls,
        tokens: Tokens,
        *,
        vocab_size: int,
        smoothing: float = 1.0,
        context_only: Iterable[SupportsIndex] = (),
    ) -> Self:
        """Returns a table fitted by counting; see ``BigramLanguageModel.fit``.

        Args:
            tokens: The ids of one text, an iterable of texts, or a dataset; no pair spans two texts.
            vocab_size: The number of ids, V.
            smoothing: Alpha, 0 or more.
            context_only: The ids that occur only as context and are never predicted.

        Raises:
            TypeError: The ids are not integers, or ``smoothing`` is not a number.
            TokenIdError: An id is not in the vocabulary.
            ValueError: ``smoothing`` is negative, infinite or NaN; there are no ids, or a text is not
                one-dimensional.
        """
        alpha = number_from_zero("smoothing", smoothing)
        never = list(checked_context_only(context_only, positive_integer("vocab_size", vocab_size)))
        counts, frequencies = _counts(tokens, vocab_size)
        if not frequencies.any():
            raise ValueError("tokens contains no ids: give at least one")
        counts[:, never] = frequencies[never] = 0
        smoothed = np.where(counts.any(axis=1, keepdims=True), counts, frequencies) + alpha
        smoothed[~smoothed.any(axis=1)] = 1
        smoothed[:, never] = 0
        if not np.isfinite(smoothed.sum(axis=1)).all():
            raise ValueError(f"smoothing is too large to be added to counts: {smoothing}")
        with np.errstate(divide="ignore"):
            table = np.log(smoothed / smoothed.sum(axis=1, keepdims=True))
        return cls(vocab_size=vocab_size, context_only=tuple(never), table=table.astype(np.float32))

    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a table for another vocabulary; see ``LanguageModel.resize``.

        New ids share the probability of ``unk`` equally with it, and all others keep theirs. Without ``unk``, each is
        as likely as the others in the geometric mean. What follows a new id is what follows ``unk``, or else what
        follows an id on average.

        Args:
            vocabulary_before: That of the model.
            vocabulary_after: The new one.

        Raises:
            TypeError: One is not a ``Vocabulary``.
            ValueError: As for ``LanguageModel.resize``.

        Example:
            >>> from chartok import Vocabulary
            >>> before = Vocabulary("ab", special_tokens=["unk"])
            >>> table = BigramTable.fit([0, 1, 0, 1, 1], vocab_size=3)
            >>> [model.probabilities[0].round(3) for model in (table, table.resize(before, before.extend("c")))]
            [array([0.2, 0.6, 0.2]), array([0.2, 0.6, 0.1, 0.1])]
        """
        change = IdChange.between(
            vocabulary_before, vocabulary_after, vocab_size=self.vocab_size, context_only=self.context_only
        )
        return type(self)(vocab_size=change.size, context_only=change.never_after, table=resized(self.table, change))

    @property
    def log_rows(self) -> NDArray[np.float64]:
        """The natural-log probabilities of what follows each id, float64 ``(V, V)``."""
        # cached_property has a lock in Python 3.11, which would stay locked in a forked process.
        rows: NDArray[np.float64] | None = self.__dict__.get("_log_rows")
        return self.__dict__.setdefault("_log_rows", self._computed_log_rows()) if rows is None else rows

    def _computed_log_rows(self) -> NDArray[np.float64]:
        logits = self.table.astype(np.float64)
        logits[:, list(self.context_only)] = -np.inf
        with np.errstate(over="ignore"):  # further below the maximum than a float reaches: the probability is 0
            logits -= logits.max(axis=1, keepdims=True)
        rows: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        rows.flags.writeable = False
        return rows

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities of what follows each id, float64 ``(V, V)``."""
        probabilities: NDArray[np.float64] = np.exp(self.log_rows)
        return probabilities

    def settings(self) -> dict[str, Any]:
        """Returns the shape, as JSON values."""
        return {"vocab_size": self.vocab_size, "context_only": list(self.context_only)}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the table by name."""
        return {"table": self.table}

    @classmethod
    def from_arrays(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Returns the model with these settings and this table, once they have been validated.

        Raises:
            ValueError: They are invalid; says why.
            TypeError: A setting is missing, unknown or of the wrong type.
        """
        if set(arrays) != {"table"}:
            raise ValueError(f"a bigram model has only the array table, got {', '.join(sorted(arrays))}")
        found = cls(**settings, table=arrays["table"])
        if not (found.table < np.inf).all():
            raise ValueError("a logit is NaN or infinite")
        if not np.isfinite(np.delete(found.table, found.context_only, axis=1)).any(axis=1).all():
            raise ValueError("an id has no possible successor")
        return found

    def predictor(self, *, stride: int | None = None) -> Self:
        """Returns this table.

        Raises:
            ValueError: A stride is given, and there are no blocks.
        """
        checked_stride(stride, self.block_size)
        return self

    @staticmethod
    def as_ids(ids: list[int]) -> NDArray[np.int64]:
        """Returns ids as an array."""
        return np.array(ids, dtype=np.int64)

    def scores(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text; see ``Predictor``."""
        is_first = np.zeros(len(ids), dtype=bool)
        is_first[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
        found: NDArray[np.float64] = self.log_rows[ids[:-1], ids[1:]][~is_first[1:]]
        return found

    def distributions(self, ids: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.float64]]:
        """Yields the natural-log probabilities of all ids after each id of one text; see ``Predictor``."""
        for start, stop in pairwise([*range(0, len(ids), ROWS_AT_ONCE), len(ids)]):
            yield self.log_rows[ids[start:stop]]

    def start(self, prompts: NDArray[np.int64]) -> tuple[NDArray[np.float64], None]:
        """Returns the rows of the last ids; there is no state."""
        return self.log_rows[prompts[:, -1]], None

    def step(self, ids: NDArray[np.int64], state: None) -> tuple[NDArray[np.float64], None]:
        """Returns the rows of the ids; there is no state."""
        return self.log_rows[ids], state

    def select(self, states: Sequence[None], rows: NDArray[np.int64]) -> None:  # noqa: ARG002 - there is no state
        """Returns no state: the newest id is all that counts; see ``Predictor``."""
        return

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_log_rows"}


def _counts(tokens: Tokens, vocab_size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns how often each pair of ids occurs, ``(V, V)``, and each id, ``(V,)``; exact up to 2**53."""
    size = vocab_size + 1
    pairs, frequencies = np.zeros(size**2), np.zeros(size)
    for symbols, weights in stretches(tokens, vocab_size, width=2, at_once=IDS_AT_ONCE):
        first = symbols[:-1]
        places = first.astype(np.min_scalar_type(size**2 - 1)) * size + symbols[1:]
        pairs += np.bincount(places, weights, minlength=size**2)
        frequencies += np.bincount(first, weights, minlength=size)
    return pairs.reshape(size, size)[1:, 1:], frequencies[1:]
