"""The n-gram model in NumPy: a tree of n-grams with their probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np

from charlm.models.context import checked_stride
from charlm.models.ngram.counts import NGramCounts, checked_vocab_size
from charlm.models.ngram.fitting import Fitted, estimated, fitted, untuned_constants
from charlm.models.ngram.kneser_ney import BackoffTable, pruned, suffix_nodes
from charlm.models.ngram.learned import CONSTANTS
from charlm.models.ngram.lookup import Lookup
from charlm.models.ngram.packed_counts import PackedCounts
from charlm.models.ngram.parts import Parts
from charlm.models.ngram.resizing import resized
from charlm.models.ngram.search import Search
from charlm.models.ngram.soundness import check_tables, checked_constants
from charlm.models.ngram.tree import NGramTree
from charlm.models.predictor import checked_context_only
from charlm.models.resizing import IdChange
from chartok.arguments import positive_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from charlm.models.ngram.choices import Smoothing
    from charlm.models.ngram.texts import Tokens
    from chartok import Vocabulary

HIGHEST_ORDER = 1 << 10
"""Keeps a model file from requesting more levels of a tree than can be created quickly."""
ROWS_AT_ONCE = 1 << 12
"""How many distributions are computed at a time."""

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False, kw_only=True)
class NGramTable:
    """A backoff n-gram model in NumPy arrays; n-grams are numbered as in ``NGramCounts``.

    Attributes:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
        context_only: The ids that occur only as context and are never predicted.
        ids: The last id of each n-gram, as in ``NGramTree``, ``(N,)``.
        child_starts: Where the children of each context begin, as in ``NGramTree``, ``(M + 1,)``.
        packed_counts: How often each n-gram occurred; none in a pruned model.
        log_probabilities: ln P(last id | the ids before it) of each n-gram, floating point ``(N,)``.
        log_backoffs: ln of the backoff weight of each context, the empty one first, ``(M,)``.
        constants: Those of learned back-off, float64 ``(order, 23)``; ``(0, 23)`` for Kneser-Ney smoothing.
        tree: The n-grams.

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
    ids: NDArray[np.unsignedinteger[Any]] = field(default_factory=lambda: np.zeros(0, np.uint8), repr=False)
    child_starts: NDArray[np.unsignedinteger[Any]] = field(default_factory=lambda: np.zeros(2, np.uint8), repr=False)
    packed_counts: PackedCounts = field(default_factory=lambda: PackedCounts.of(np.zeros(0, np.int64)), repr=False)
    log_probabilities: NDArray[np.floating[Any]] = field(default_factory=lambda: np.zeros(0), repr=False)
    log_backoffs: NDArray[np.floating[Any]] = field(default_factory=lambda: np.zeros(0), repr=False)
    constants: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, CONSTANTS)), repr=False)
    tree: NGramTree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checked_vocab_size(self.vocab_size)
        if positive_integer("order", self.order) > HIGHEST_ORDER:
            raise ValueError(f"order must be at most {HIGHEST_ORDER}, got {self.order}")
        set_once = object.__setattr__
        set_once(self, "context_only", checked_context_only(self.context_only, self.vocab_size))
        tree = NGramTree(vocab_size=self.vocab_size, order=self.order, ids=self.ids, child_starts=self.child_starts)
        set_once(self, "tree", tree)

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
        empty = cls(
            vocab_size=counts.vocab_size, order=counts.order, context_only=context_only, constants=found.constants
        )
        return empty.holding(counts.keys, counts.counts, found.table)

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
        tree = NGramTree.of_keys(keys, vocab_size=self.vocab_size, order=self.order)
        return replace(
            self,
            ids=tree.ids,
            child_starts=tree.child_starts,
            packed_counts=PackedCounts.of(counts),
            log_probabilities=table.log_probabilities,
            log_backoffs=table.log_backoffs,
        )

    def update(self, tokens: Tokens | NGramCounts) -> Self:
        """Returns a table of the old and the new texts together; see ``NGramLanguageModel.update``."""
        counts = self.ngram_counts().merge(self.counted(tokens))
        updated = self._of(estimated(counts, self.constants, self.context_only), self.context_only)
        return updated.astype(self.log_backoffs.dtype)

    def prune(self, min_count: int) -> Self:
        """Returns a table without rare n-grams; see ``NGramLanguageModel.prune``."""
        positive_integer("min_count", min_count)
        self.check_fitted()
        counts = self.ngram_counts()
        suffixes = suffix_nodes(counts.keys, counts.levels, self.vocab_size)
        keys, table = pruned(counts, suffixes, self.backoff_table(), min_count, self.context_only)
        return self.holding(keys, counts.counts[:0], table).astype(self.log_backoffs.dtype)

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
        counts = self.counts
        return empty.holding(keys, counts[chosen] if len(counts) else counts, table).astype(self.log_backoffs.dtype)

    def astype(self, dtype: np.dtype[np.floating[Any]]) -> Self:
        """Returns this table with its logarithms in another floating-point dtype."""
        if dtype == self.log_backoffs.dtype:
            return self
        return replace(
            self, log_probabilities=self.log_probabilities.astype(dtype), log_backoffs=self.log_backoffs.astype(dtype)
        )

    @property
    def keys(self) -> NDArray[np.int64]:
        """The keys of the n-grams as in ``NGramCounts``, int64 ``(N,)``, made anew each time."""
        return self.tree.keys

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each n-gram occurred, int64 ``(N,)``, unpacked each time; empty in a pruned model."""
        return self.packed_counts.counts()

    @property
    def levels(self) -> tuple[int, ...]:
        """Where each order ends among the n-grams, beginning with 0 for order 0."""
        return self.tree.levels

    def ngram_counts(self) -> NGramCounts:
        """Returns the n-grams with their counts.

        Raises:
            ValueError: The model has been pruned, or comes from a file without counts.
        """
        if len(self.packed_counts.small) != len(self.ids):
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
        model = replace(empty, constants=constants).holding(given["keys"], given["counts"], table)
        model.tree.suffixes(model.order)  # each n-gram has its own
        return model

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
        return self._once("_lookup", Lookup)

    @property
    def search(self) -> Search:
        """The lookup of many positions of a text at once, created on first use."""
        return self._once("_search", Search)

    def _once(self, name: str, make: Callable[[Parts], Made]) -> Made:
        """Returns what is made from the arrays, which is kept."""
        # cached_property has a lock in Python 3.11, which would stay locked in a forked process.
        made: Made | None = self.__dict__.get(name)
        if made is None:
            self.check_fitted()
            parts = Parts(self.tree, self.context_only, self.log_probabilities, self.log_backoffs)
            made = self.__dict__.setdefault(name, make(parts))
        return made

    def __len__(self) -> int:
        return len(self.ids)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_lookup", "_search")}

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
