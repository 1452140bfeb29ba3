"""The n-gram model in NumPy: a tree of n-grams with their probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from charlm.models.context import checked_stride
from charlm.models.ngram.counts import NGramCounts, checked_vocab_size, node_levels
from charlm.models.ngram.fitting import Fitted, estimated, fitted, untuned_constants
from charlm.models.ngram.kneser_ney import BackoffTable, pruned, suffix_nodes
from charlm.models.ngram.learned import CONSTANTS
from charlm.models.ngram.lookup import Lookup
from charlm.models.ngram.parts import Parts
from charlm.models.ngram.resizing import resized
from charlm.models.ngram.search import Search
from charlm.models.ngram.soundness import check_tables, checked_constants
from charlm.models.predictor import checked_context_only
from charlm.models.resizing import IdChange
from chartok.arguments import positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from charlm.models.ngram.choices import Smoothing
    from charlm.models.ngram.texts import Tokens
    from chartok import Vocabulary

HIGHEST_ORDER = 1 << 10
"""Keeps a model file from requesting more levels of a tree than can be created quickly."""
ROWS_AT_ONCE = 1 << 12
"""How many distributions are computed at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NGramTable:
    """A backoff n-gram model in NumPy arrays; n-grams are numbered as in ``NGramCounts``.

    A stored n-gram takes 24 bytes, and 24 more if it is a context.

    Attributes:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
        context_only: The ids that occur only as context and are never predicted.
        keys: The n-grams as a tree, int64 ``(N,)``.
        counts: How often each occurred, int64 ``(N,)``; empty in a pruned model.
        log_probabilities: ln P(last id | the ids before it) of each n-gram, floating point ``(N,)``.
        log_backoffs: ln of the backoff weight of each context, the empty one first, ``(M,)``.
        constants: Those of learned back-off, float64 ``(order, 23)``; ``(0, 23)`` for Kneser-Ney smoothing.
        levels: Where each order ends in ``keys``.
        suffixes: The node of each context without its first id, int64 ``(M,)``.
        total_log_backoffs: The sum of ``log_backoffs`` over each context and all its suffixes, ``(M,)``.

    Example:
        >>> table = NGramTable.fit([0, 1, 2, 0, 1, 2, 0, 1], vocab_size=3, order=2)
        >>> table.log_probabilities[:3].round(3)
        array([-0.875, -1.232, -1.232])
    """

    family: ClassVar[str] = "ngram"
    block_size: ClassVar[None] = None
    period: ClassVar[int] = 1

    vocab_size: int
    order: int
    context_only: tuple[int, ...] = ()
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    log_probabilities: NDArray[np.floating[Any]] = field(default_factory=lambda: np.zeros(0), repr=False)
    log_backoffs: NDArray[np.floating[Any]] = field(default_factory=lambda: np.zeros(0), repr=False)
    constants: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, CONSTANTS)), repr=False)
    levels: tuple[int, ...] = field(init=False, repr=False)
    suffixes: NDArray[np.int64] = field(init=False, repr=False)
    total_log_backoffs: NDArray[np.floating[Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checked_vocab_size(self.vocab_size)
        if positive_integer("order", self.order) > HIGHEST_ORDER:
            raise ValueError(f"order must be at most {HIGHEST_ORDER}, got {self.order}")
        set_once = object.__setattr__
        set_once(self, "context_only", checked_context_only(self.context_only, self.vocab_size))
        set_once(self, "levels", node_levels(self.keys, self.vocab_size, self.order))
        suffixes = suffix_nodes(self.keys, self.levels, self.vocab_size)
        set_once(self, "suffixes", suffixes[: len(self.log_backoffs)].copy())
        totals = self.log_backoffs.astype(np.float64)
        for start, stop in pairwise(self.levels[:-1]):  # suffixes are in the level before
            totals[start + 1 : stop + 1] += totals[suffixes[start + 1 : stop + 1]]
        set_once(self, "total_log_backoffs", totals.astype(self.log_backoffs.dtype))

    @classmethod
    def fit(
        cls,
        tokens: Tokens | NGramCounts,
        *,
        vocab_size: int,
        order: int | None = None,
        context_only: Iterable[SupportsIndex] = (),
        smoothing: Smoothing = "learned",
        memory: int | str | None = None,
    ) -> Self:
        """Returns a table fitted to one or more texts; see ``NGramLanguageModel.fit``, also for its errors.

        Args:
            tokens: The ids of one text, an iterable of texts, a dataset, or counts made from them.
            vocab_size: The number of ids, V.
            order: The length of the longest n-grams; None takes that of counts. For texts it takes the lowest, up to
                10, with which learned back-off predicts a held-out part about as well as with any, or 7 for Kneser-Ney
                smoothing and for texts that are too short to tell.
            context_only: The ids that occur only as context and are never predicted.
            smoothing: As for ``NGramLanguageModel.fit``.
            memory: Likewise.
        """
        never = checked_context_only(context_only, positive_integer("vocab_size", vocab_size))
        if order is not None:
            empty = cls(vocab_size=vocab_size, order=order, context_only=never)
            if isinstance(tokens, NGramCounts):
                tokens = empty.counted(tokens)
        found = fitted(
            tokens, vocab_size=int(vocab_size), order=order, context_only=never, smoothing=smoothing, memory=memory
        )
        return cls._of(found, never)

    @classmethod
    def _of(cls, found: Fitted, context_only: tuple[int, ...]) -> Self:
        counts = found.counts
        return cls(
            vocab_size=counts.vocab_size,
            order=counts.order,
            context_only=context_only,
            constants=found.constants,
            keys=counts.keys,
            counts=counts.counts,
            log_probabilities=found.table.log_probabilities,
            log_backoffs=found.table.log_backoffs,
        )

    @property
    def smoothing(self) -> Smoothing:
        """How counts become probabilities."""
        if not len(self.constants):
            return "kneser-ney"
        return "learned" if np.array_equal(self.constants, untuned_constants("learned", self.order)) else "tuned"

    def counted(self, tokens: Tokens | NGramCounts) -> NGramCounts:
        """Returns the counts of texts for a table of this shape.

        Raises:
            ValueError: They are counts of a different vocabulary size or order.
        """
        if not isinstance(tokens, NGramCounts):
            return NGramCounts.from_tokens(tokens, vocab_size=self.vocab_size, order=self.order)
        if (tokens.vocab_size, tokens.order) != (self.vocab_size, self.order):
            raise ValueError(
                f"counts must have the model's vocab_size {self.vocab_size} and order {self.order}, got vocab_size "
                f"{tokens.vocab_size} and order {tokens.order}"
            )
        return tokens

    def holding(self, keys: NDArray[np.int64], counts: NDArray[np.int64], table: BackoffTable) -> Self:
        """Returns a table of this shape with other n-grams.

        Args:
            keys: Those of ``NGramCounts``, int64 ``(N,)``.
            counts: How often each n-gram occurs, int64 ``(N,)``, or empty.
            table: The probabilities.
        """
        return type(self)(
            vocab_size=self.vocab_size,
            order=self.order,
            context_only=self.context_only,
            constants=self.constants,
            keys=keys,
            counts=counts,
            log_probabilities=table.log_probabilities,
            log_backoffs=table.log_backoffs,
        )

    def update(self, tokens: Tokens | NGramCounts) -> Self:
        """Returns a table of the old and the new texts together; see ``NGramLanguageModel.update``."""
        counts = self.ngram_counts().merge(self.counted(tokens))
        return self._of(estimated(counts, self.constants, self.context_only), self.context_only)

    def prune(self, min_count: int) -> Self:
        """Returns a table without rare n-grams; see ``NGramLanguageModel.prune``."""
        positive_integer("min_count", min_count)
        self.check_fitted()
        counts = self.ngram_counts()
        suffixes = suffix_nodes(counts.keys, counts.levels, self.vocab_size)
        keys, table = pruned(counts, suffixes, self.backoff_table(), min_count, self.context_only)
        return self.holding(keys, counts.counts[:0], table)

    def resize(self, vocabulary_before: Vocabulary, vocabulary_after: Vocabulary) -> Self:
        """Returns a table of the same n-grams for another vocabulary; see ``LanguageModel.resize``.

        If the model has never seen some id, such as ``unk``, new ids share the probability of such ids with them, and
        all others keep theirs; otherwise the others are scaled. Where ids are dropped, the rest is scaled. The counts
        are kept, so that ``update`` can add texts with the new symbols.

        Args:
            vocabulary_before: That of the model.
            vocabulary_after: The new one.

        Raises:
            TypeError: One is not a ``Vocabulary``.
            ValueError: As for ``LanguageModel.resize``; or the model has not been fitted.

        Example:
            >>> from chartok import Vocabulary
            >>> before = Vocabulary("ab", special_tokens=["unk"])
            >>> table = NGramTable.fit([0, 1, 0, 1, 1], vocab_size=3, order=2)
            >>> larger = table.resize(before, before.extend("cd"))
            >>> [np.exp(model.lookup.rows([0])).round(4).tolist() for model in (table, larger)]
            [[[0.3958, 0.3958, 0.2083]], [[0.3958, 0.3958, 0.0694, 0.0694, 0.0694]]]
        """
        self.check_fitted()
        change = IdChange.between(
            vocabulary_before, vocabulary_after, vocab_size=self.vocab_size, context_only=self.context_only
        )
        keys, chosen, table = resized(self.keys, self.backoff_table(), change, order=self.order)
        empty = type(self)(
            vocab_size=change.size, order=self.order, context_only=change.never_after, constants=self.constants
        )
        counts = self.counts[chosen] if len(self.counts) else self.counts
        return empty.holding(keys, counts, table).astype(self.log_backoffs.dtype)

    def astype(self, dtype: np.dtype[np.floating[Any]]) -> Self:
        """Returns this table with its logarithms in another floating-point dtype."""
        if dtype == self.log_backoffs.dtype:
            return self
        table = BackoffTable(self.log_probabilities.astype(dtype), self.log_backoffs.astype(dtype))
        return self.holding(self.keys, self.counts, table)

    def ngram_counts(self) -> NGramCounts:
        """Returns the n-grams with their counts.

        Raises:
            ValueError: The model has been pruned, or comes from a file without counts.
        """
        if len(self.counts) != len(self.keys):
            raise ValueError("this model has no counts: it was pruned or loaded from an ARPA file; fit a new one")
        return NGramCounts(vocab_size=self.vocab_size, order=self.order, keys=self.keys, counts=self.counts)

    def backoff_table(self) -> BackoffTable:
        """Returns the probabilities, float64."""
        return BackoffTable(self.log_probabilities.astype(np.float64), self.log_backoffs.astype(np.float64))

    # ------------------------------------------------------------------------------------------------- in a file

    def settings(self) -> dict[str, Any]:
        """Returns the shape, as JSON values."""
        return {"vocab_size": self.vocab_size, "order": self.order, "context_only": list(self.context_only)}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the tables from which everything else is derived."""
        return {
            "table.keys": self.keys,
            "table.counts": self.counts,
            "table.log_probabilities": self.log_probabilities,
            "table.log_backoffs": self.log_backoffs,
            "table.constants": self.constants,
        }

    @classmethod
    def from_arrays(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Returns the model with these settings and tables, once they have been validated.

        Raises:
            ValueError: They are invalid; says why.
            TypeError: A setting is missing, unknown or of the wrong type.
        """
        if unknown := set(settings) - {"vocab_size", "order", "context_only"}:
            raise TypeError(f"an n-gram model has no setting {', '.join(sorted(unknown))}")
        empty = cls(**settings)
        names = [name.removeprefix("table.") for name in empty.arrays()]
        given = {name: _wide(arrays[f"table.{name}"]) for name in names if f"table.{name}" in arrays}
        if len(given) < len(names) or len(arrays) != len(names):
            raise ValueError(f"an n-gram model needs the tables {', '.join(names)}, got {', '.join(sorted(arrays))}")
        constants = checked_constants(given.pop("constants"), empty.order)
        check_tables(given, vocab_size=empty.vocab_size, order=empty.order, context_only=empty.context_only)
        table = BackoffTable(given["log_probabilities"], given["log_backoffs"])
        return replace(empty, constants=constants).holding(given["keys"], given["counts"], table)

    # ------------------------------------------------------------------------------------------- as a predictor

    def predictor(self, *, stride: int | None = None) -> Self:
        """Returns this table.

        Raises:
            ValueError: A stride is given, and there are no blocks.
        """
        checked_stride(stride, self.block_size)
        self.check_fitted()
        return self

    @staticmethod
    def as_ids(ids: list[int]) -> NDArray[np.int64]:
        """Returns ids as an array."""
        return np.array(ids, dtype=np.int64)

    @property
    def history(self) -> int:
        """The maximum number of ids before a target that affect its prediction."""
        return self.order - 1

    def scores(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text; see ``Predictor``."""
        return self.search.of_texts(ids, lengths)

    def distributions(self, ids: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.floating[Any]]]:
        """Yields the natural-log probabilities of all ids after each id of one text; see ``Predictor``."""
        contexts = self.search.contexts(ids, np.array([len(ids)]))
        for start in range(0, len(contexts), ROWS_AT_ONCE):
            yield self.search.rows(contexts[start : start + ROWS_AT_ONCE])

    def start(self, prompts: NDArray[np.int64]) -> tuple[NDArray[np.floating[Any]], list[int]]:
        """Returns the log-probabilities after each prompt, and the contexts reached; see ``Predictor``."""
        lookup = self.lookup
        nearest = prompts[:, -max(self.order - 1, 1) :]
        contexts = [0] * len(nearest)
        for column in nearest.T.tolist():
            contexts = list(map(lookup.following, contexts, column))
        return lookup.rows(contexts), contexts

    def step(self, ids: NDArray[np.int64], state: list[int] | None) -> tuple[NDArray[np.floating[Any]], list[int]]:
        """Returns the log-probabilities after one more id, and the contexts reached."""
        lookup, newest = self.lookup, ids.tolist()
        contexts = list(map(lookup.following, [0] * len(newest) if state is None else state, newest))
        return lookup.rows(contexts), contexts

    @property
    def lookup(self) -> Lookup:
        """The lookup of one context at a time, created on first use."""
        # cached_property has a lock in Python 3.11, which would stay locked in a forked process.
        lookup: Lookup | None = self.__dict__.get("_lookup")
        return self.__dict__.setdefault("_lookup", Lookup(self._parts())) if lookup is None else lookup

    @property
    def search(self) -> Search:
        """The lookup of many positions of a text at once."""
        return Search(self._parts())

    def _parts(self) -> Parts:
        self.check_fitted()
        return Parts(
            vocab_size=self.vocab_size,
            context_only=self.context_only,
            keys=self.keys,
            levels=self.levels,
            suffixes=self.suffixes,
            log_probabilities=self.log_probabilities,
            log_backoffs=self.log_backoffs,
            total_log_backoffs=self.total_log_backoffs,
        )

    def __len__(self) -> int:
        return self.levels[-1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lookup"}

    def check_fitted(self) -> None:
        """Checks that the model has been fitted.

        Raises:
            ValueError: It has not.
        """
        if not len(self):
            raise ValueError("this n-gram model is not fitted: call fit first")


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    """Returns float16, which is too coarse to compute with, as float32, and any other array unchanged."""
    return array.astype(np.float32) if array.dtype == np.float16 else array
