"""The n-gram model in NumPy: fitted to texts, updated, pruned, and in a file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

from charlm.models.counting.counts import NGramCounts
from charlm.models.ngram.backoff import BackoffModel
from charlm.models.ngram.packed_counts import PackedCounts
from charlm.models.ngram.packing import compact_size, compacted, packed, unpacked
from charlm.models.ngram.pruning import loss_that_fits, losses, without
from charlm.models.ngram.resizing import resized
from charlm.models.ngram.tree import NGramTree
from charlm.models.predictor import checked_context_only
from charlm.models.resizing import IdChange
from charlm.models.smoothing.fitting import Fitted, estimated, fitted, untuned_constants
from charlm.models.smoothing.kneser_ney import BackoffTable
from charlm.models.smoothing.learned import CONSTANTS
from chartok.arguments import number_from_zero, positive_integer, size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from charlm.models.counting.texts import Tokens
    from charlm.models.smoothing.choices import Smoothing
    from chartok import Vocabulary


@dataclass(frozen=True, eq=False, kw_only=True)
class NGramTable(BackoffModel):
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
        array([-0.924, -1.313, -1.096])
    """

    family: ClassVar[str] = "ngram"

    packed_counts: PackedCounts = field(default_factory=lambda: PackedCounts.of(np.zeros(0, np.int64)), repr=False)
    constants: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, CONSTANTS)), repr=False)

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

    def prune(
        self,
        min_count: int | None = None,
        *,
        entropy: float | None = None,
        max_bytes: int | str | None = None,
        other_bytes: int = 0,
    ) -> Self:
        """Returns a table without some n-grams; see ``NGramLanguageModel.prune``.

        Args:
            min_count: As there.
            entropy: As there.
            max_bytes: As there.
            other_bytes: How many of them something else takes.

        Raises:
            ValueError: As there.
        """
        self.check_fitted()
        table = self.backoff_table()
        if [min_count, entropy, max_bytes].count(None) != 2:  # noqa: PLR2004 - all but one
            raise ValueError("give one of min_count, entropy and max_bytes")
        if min_count is not None:
            is_kept = self.ngram_counts().counts >= positive_integer("min_count", min_count)
            is_kept[: self.levels[1]] = True
        else:
            found = losses(self.tree, table, self.counts, self.context_only)
            if max_bytes is not None:
                limit = size_in_bytes("max_bytes", max_bytes)
                entropy = loss_that_fits(
                    self.tree, found, lambda *sizes: compact_size(self, *sizes) + other_bytes, limit
                )
            else:
                entropy = number_from_zero("entropy", cast("float", entropy))
            is_kept = found > entropy
        keys, table = without(self.tree, table, is_kept, self.context_only)
        return self.holding(keys, np.zeros(0, dtype=np.int64), table).astype(self.log_backoffs.dtype)

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
            [[[0.4955, 0.3989, 0.1055]], [[0.4955, 0.3989, 0.0352, 0.0352, 0.0352]]]
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

    def to_ship(self) -> Self:
        """Returns this table in the dtype of models that are shipped, float32: half the size, and exact enough."""
        return self.astype(np.dtype(np.float32))

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each n-gram occurred, int64 ``(N,)``, unpacked each time; empty in a pruned model."""
        return self.packed_counts.counts()

    def ngram_counts(self) -> NGramCounts:
        """Returns the n-grams with their counts.

        Raises:
            ValueError: As for ``check_counts``.
        """
        self.check_counts()
        return NGramCounts(vocab_size=self.vocab_size, order=self.order, keys=self.keys, counts=self.counts)

    def check_counts(self, name: str = "this model", advice: str = "fit a new one") -> None:
        """Checks that the model has counts.

        Args:
            name: What to call it in the message.
            advice: What to do if it has none.

        Raises:
            ValueError: It was pruned or interpolated, or comes from a file without counts.
        """
        if len(self.packed_counts.small) != len(self.ids):
            raise ValueError(
                f"{name} has no counts: it was pruned or interpolated, or comes from a compact or an ARPA file; "
                f"{advice}"
            )

    def backoff_table(self) -> BackoffTable:
        """Returns the probabilities, float64."""
        return BackoffTable(self.log_probabilities.astype(np.float64), self.log_backoffs.astype(np.float64))

    # ------------------------------------------------------------------------------------------------- in a file

    def settings(self) -> dict[str, Any]:
        """Returns the shape, as JSON values."""
        return {"vocab_size": self.vocab_size, "order": self.order, "context_only": list(self.context_only)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Returns an empty table of the shape that ``settings`` returned.

        Raises:
            TypeError: A setting is missing, unknown or of the wrong type.
            ValueError: One has the wrong value.
        """
        if not isinstance(settings, dict):
            raise TypeError(f"the settings of an n-gram model must be an object, got {type(settings).__name__}")
        if unknown := set(settings) - {"vocab_size", "order", "context_only"}:
            raise TypeError(f"an n-gram model has no setting {', '.join(sorted(unknown))}")
        return cls(**settings)

    def arrays(self, *, compact: bool = False) -> dict[str, NDArray[Any]]:
        """Returns the tables from which everything else is derived, packed.

        Args:
            compact: Whether each logarithm takes a byte, and there are no counts, or everything is exact.

        Raises:
            ValueError: They are to be compact, and the model has not been fitted.
        """
        if compact:
            self.check_fitted()
        return compacted(self) if compact else packed(self)

    @classmethod
    def from_arrays(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Returns the model with these settings and tables, once they have been validated.

        Raises:
            ValueError: They are invalid; says why.
            TypeError: As for ``from_settings``.
        """
        empty = cls.from_settings(settings)
        given = {name: _wide(array) for name, array in arrays.items()}
        shape = {"vocab_size": empty.vocab_size, "order": empty.order}
        return replace(empty, **unpacked(given, **shape, context_only=empty.context_only)._asdict())


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    """Returns float16, which is too coarse to compute with, as float32, and any other array unchanged."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def table_of(model: object) -> NGramTable | None:
    """Returns the table of an n-gram model, given as itself or as its face in PyTorch; None for any other model.

    Example:
        >>> table_of(NGramTable(vocab_size=2, order=2)).order
        2
    """
    table = getattr(model, "table", model)
    return table if isinstance(table, NGramTable) else None
