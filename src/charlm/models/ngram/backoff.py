"""A backoff n-gram model in NumPy, wherever its probabilities come from: it scores, and says what follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np

from charlm.models.context import checked_stride
from charlm.models.counting.counts import checked_vocab_size
from charlm.models.ngram.lookup import Lookup
from charlm.models.ngram.parts import Parts
from charlm.models.ngram.search import Search
from charlm.models.ngram.tree import NGramTree
from charlm.models.predictor import checked_context_only
from chartok.arguments import positive_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

HIGHEST_ORDER = 1 << 10
"""Keeps a model file from requesting more levels of a tree than can be created quickly."""
ROWS_AT_ONCE = 1 << 12
"""How many distributions are computed at a time."""

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False, kw_only=True)
class BackoffModel:
    """The n-grams of a model as a tree, with their probabilities, and the weights of their contexts.

    Attributes:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
        context_only: The ids that occur only as context and are never predicted.
        ids: The last id of each n-gram, as in ``NGramTree``, ``(N,)``.
        child_starts: Where the children of each context begin, as in ``NGramTree``, ``(M + 1,)``.
        log_probabilities: ln P(last id | the ids before it) of each n-gram, floating point ``(N,)``.
        log_backoffs: ln of the backoff weight of each context, the empty one first, ``(M,)``.
        tree: The n-grams.
    """

    block_size: ClassVar[None] = None
    period: ClassVar[int] = 1
    keeps_rows_in_step: ClassVar[bool] = False

    vocab_size: int
    order: int
    context_only: tuple[int, ...] = ()
    ids: NDArray[np.unsignedinteger[Any]] = field(default_factory=lambda: np.zeros(0, np.uint8), repr=False)
    child_starts: NDArray[np.unsignedinteger[Any]] = field(default_factory=lambda: np.zeros(2, np.uint8), repr=False)
    log_probabilities: NDArray[np.floating[Any]] = field(default_factory=lambda: np.zeros(0), repr=False)
    log_backoffs: NDArray[np.floating[Any]] = field(default_factory=lambda: np.zeros(0), repr=False)
    tree: NGramTree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checked_vocab_size(self.vocab_size)
        if positive_integer("order", self.order) > HIGHEST_ORDER:
            raise ValueError(f"order must be at most {HIGHEST_ORDER}, got {self.order}")
        set_once = object.__setattr__
        set_once(self, "context_only", checked_context_only(self.context_only, self.vocab_size))
        tree = NGramTree(vocab_size=self.vocab_size, order=self.order, ids=self.ids, child_starts=self.child_starts)
        set_once(self, "tree", tree)

    @property
    def keys(self) -> NDArray[np.int64]:
        """The keys of the n-grams as in ``NGramCounts``, int64 ``(N,)``, made anew each time."""
        return self.tree.keys

    @property
    def levels(self) -> tuple[int, ...]:
        """Where each order ends among the n-grams, beginning with 0 for order 0."""
        return self.tree.levels

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

    def select(self, states: Sequence[list[int]], rows: NDArray[np.int64]) -> list[int]:
        """Returns the contexts of some rows; see ``Predictor``."""
        contexts = states[0] if len(states) == 1 else list(chain.from_iterable(states))
        return [contexts[row] for row in rows.tolist()]

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
