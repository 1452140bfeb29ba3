"""The likeliest whole texts in order: best-first search over the beginnings of texts.

A beginning is no less likely than the texts that begin with it, so those that are expanded in order of their
probability reach the whole texts in order of theirs: uniform-cost search (Dijkstra, 1959). Beginnings of about the same
probability are expanded together.
"""

from __future__ import annotations

import heapq
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from charlm.decoding.prefix_tree import PrefixTree
from charlm.models.context import first_needed
from charlm.models.predictor import log_softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from charlm.models.predictor import Predictor

WIDTH = 0.1
"""How far the costs of beginnings may differ that are expanded together, in nats."""
AT_ONCE = 1 << 12
"""How many of them the model is asked about at a time."""


class Beginnings(NamedTuple):
    """Beginnings that have not been expanded: of each its cost in nats, the node before its last id, and that id."""

    costs: NDArray[np.float64]
    parents: NDArray[np.int64]
    ids: NDArray[np.int64]


class Ended(NamedTuple):
    """Whole texts: of each its cost in nats, and its last node."""

    costs: NDArray[np.float64]
    nodes: NDArray[np.int64]


Found = TypeVar("Found", Beginnings, Ended)


class Whole(NamedTuple):
    """A whole text: its ids after the prompt, and its cost in nats."""

    cost: float
    ids: tuple[int, ...]


class BestFirstSearch:
    """Finds the likeliest continuations of a prompt, the likeliest first.

    Args:
        predictor: The interface to the model.
        prompt: The ids to continue, at least one.
        allowed: The ids that may follow.
        ends: The ids that end a text, all together as one outcome; none of them in ``allowed``.
        max_new_tokens: The most ids in a continuation, its end not counted; None for no limit.
        is_cut_whole: Whether a continuation of so many ids is a whole text without an end, or none at all.
        is_spelled: Returns whether ids are those that their text has, where symbols have several characters.
        max_prefixes: How many beginnings may wait to be expanded.
    """

    def __init__(
        self,
        predictor: Predictor,
        prompt: list[int],
        *,
        allowed: Sequence[int],
        ends: Sequence[int],
        max_new_tokens: int | None,
        is_cut_whole: bool,
        is_spelled: Callable[[list[int]], bool] | None,
        max_prefixes: int,
    ) -> None:
        self._predictor = predictor
        self._prompt = prompt[first_needed(len(prompt), predictor.history, predictor.period) :]
        self._allowed, self._ends = np.array(allowed, dtype=np.int64), list(ends)
        self._most = len(self._prompt) + max_new_tokens if max_new_tokens is not None else None
        self._is_cut_whole, self._is_spelled = is_cut_whole, is_spelled
        self._max_prefixes = max_prefixes
        self._tree = PrefixTree()
        self._waiting = dict[int, list[Beginnings]]()  # by cost, in steps of WIDTH
        self._ended = dict[int, list[Ended]]()
        self._steps = list[int]()  # a heap of the keys of both
        self._n_waiting = 0
        self._best = np.empty(0)  # the costs of the n best whole texts, unordered
        self._wanted = 0

    def likeliest(self, n: int) -> list[Whole]:
        """Returns the ``n`` likeliest continuations, fewer if there are no more.

        Raises:
            ValueError: More than ``max_prefixes`` beginnings wait; says how many texts were found.
        """
        self._wanted, found = n, list[Whole]()
        root = np.array([-1])
        for token_id in self._prompt[:-1]:
            root = self._tree.add(root, np.array([token_id]))
        self._wait(self._waiting, Beginnings(np.zeros(1), root, np.array(self._prompt[-1:])))
        self._n_waiting = 1
        while self._steps and len(found) < n:
            step = heapq.heappop(self._steps)
            while waiting := self._waiting.pop(step, None):
                self._expand(Beginnings(*map(np.concatenate, zip(*waiting, strict=True))), len(found))
            found += sorted(whole for ended in self._ended.pop(step, ()) for whole in self._spelled_out(ended))
        return found[:n]

    def _bound(self) -> float:
        """Returns the cost above which no text is wanted."""
        return float(self._best.max()) if len(self._best) == self._wanted else np.inf

    def _expand(self, beginnings: Beginnings, n_found: int) -> None:
        self._n_waiting -= len(beginnings.costs)
        beginnings = chosen(beginnings, np.argsort(beginnings.costs, kind="stable"))
        for start in range(0, len(beginnings.costs), AT_ONCE):
            costs, parents, ids = chosen(beginnings, slice(start, start + AT_ONCE))
            is_wanted = costs <= self._bound()
            costs, nodes = costs[is_wanted], self._tree.add(parents[is_wanted], ids[is_wanted])
            for members, logits in self._rows(nodes):
                self._branch(costs[members], nodes[members], log_softmax(logits.astype(np.float64)).astype(np.float64))
        if self._n_waiting > self._max_prefixes:
            self._forget(n_found)

    def _rows(self, nodes: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.floating[Any]]]]:
        """Yields the logits after nodes, of equally many ids at a time."""
        lengths = self._tree.depths(nodes)
        if not self._predictor.keeps_rows_in_step and self._predictor.history is not None:
            lengths = np.minimum(lengths, max(1, self._predictor.history))
        for length in np.unique(lengths).tolist():
            members = np.flatnonzero(lengths == length)
            yield members, self._predictor.start(self._tree.paths(nodes[members], length))[0]

    def _branch(self, costs: NDArray[np.float64], nodes: NDArray[np.int64], rows: NDArray[np.float64]) -> None:
        """Takes what follows nodes: whole texts, and longer beginnings."""
        if self._ends:
            with np.errstate(divide="ignore"):
                self._finish(Ended(costs - np.log(np.exp(rows[:, self._ends]).sum(axis=1)), nodes))
        longer = costs[:, None] - rows[:, self._allowed]
        is_possible = np.isfinite(longer) & (longer <= self._bound())
        if self._most is not None:
            depths = self._tree.depths(nodes)
            if self._is_cut_whole:
                owners, which = np.nonzero(is_possible & (depths + 1 == self._most)[:, None])
                last = self._tree.add(nodes[owners], self._allowed[which])
                self._finish(Ended(longer[owners, which], last))
            is_possible &= (depths + self._is_cut_whole < self._most)[:, None]
        owners, which = np.nonzero(is_possible)
        self._n_waiting += len(owners)
        self._wait(self._waiting, Beginnings(longer[owners, which], nodes[owners], self._allowed[which]))

    def _finish(self, ended: Ended) -> None:
        """Takes whole texts."""
        ended = chosen(ended, np.flatnonzero(np.isfinite(ended.costs) & (ended.costs <= self._bound())))
        if self._is_spelled is not None:
            ended = chosen(ended, [place for place, ids in enumerate(self._ids(ended)) if self._is_spelled(ids)])
        best = np.concatenate([self._best, ended.costs])
        self._best = np.partition(best, self._wanted - 1)[: self._wanted] if len(best) > self._wanted else best
        self._wait(self._ended, ended)

    def _wait(self, by_step: dict[int, list[Found]], found: Found) -> None:
        """Puts beginnings or whole texts where they wait for their turn."""
        found = chosen(found, np.argsort(found.costs, kind="stable"))
        steps = np.floor(found.costs / WIDTH).astype(np.int64)
        firsts: list[int] = np.flatnonzero(np.diff(steps, prepend=-1)).tolist()
        for start, stop in pairwise([*firsts, len(steps)]):
            step = int(steps[start])
            if step not in self._waiting and step not in self._ended:
                heapq.heappush(self._steps, step)
            by_step.setdefault(step, []).append(chosen(found, np.arange(start, stop)))

    def _ids(self, ended: Ended) -> Iterator[list[int]]:
        """Yields the ids of each whole text after the prompt."""
        for node, depth in zip(ended.nodes, self._tree.depths(ended.nodes).tolist(), strict=True):
            yield self._tree.paths(node[None], depth - len(self._prompt))[0].tolist()

    def _spelled_out(self, ended: Ended) -> Iterator[Whole]:
        for cost, ids in zip(ended.costs.tolist(), self._ids(ended), strict=True):
            yield Whole(cost, tuple(ids))

    def _forget(self, n_found: int) -> None:
        """Drops the beginnings of which no text is wanted."""
        bound = self._bound()
        for step in [step for step in self._waiting if step * WIDTH > bound]:
            self._n_waiting -= sum(len(beginnings.costs) for beginnings in self._waiting.pop(step))
        if self._n_waiting > self._max_prefixes:
            raise ValueError(
                f"max_prefixes: the search found {n_found} of {self._wanted} texts, and {self._n_waiting:,} beginnings "
                f"of texts wait, more than {self._max_prefixes:,}: ask for fewer texts, or raise max_prefixes (about "
                "50 bytes each)"
            )


def chosen(found: Found, which: Any) -> Found:  # noqa: ANN401 - a mask, places or a slice
    """Returns some of them."""
    return type(found)(*(array[which] for array in found))
