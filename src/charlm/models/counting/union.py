"""The n-grams of several models together, as one tree."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class HasNGrams(Protocol):
    """What has n-grams, numbered as in ``NGramCounts``."""

    @property
    def keys(self) -> NDArray[np.int64]:
        """One for each n-gram, ascending, int64 ``(N,)``."""

    @property
    def levels(self) -> tuple[int, ...]:
        """Where each order ends in ``keys``."""


class Union(NamedTuple):
    """The n-grams that at least one of several models has.

    Attributes:
        keys: As in ``NGramCounts``, int64 ``(N,)``.
        levels: Likewise; those of the highest order.
        nodes: For each model the node here of each of its nodes, the empty n-gram first, int64 ``(N_i + 1,)``.
    """

    keys: NDArray[np.int64]
    levels: tuple[int, ...]
    nodes: tuple[NDArray[np.int64], ...]


def united(models: Sequence[HasNGrams], vocab_size: int) -> Union:
    """Returns the n-grams of all models, which may be of different orders.

    Args:
        models: The models, over the same ids.
        vocab_size: The number of ids, V.

    Example:
        >>> from charlm.models.counting.counts import NGramCounts
        >>> models = [NGramCounts.from_tokens(ids, vocab_size=3, order=1) for ids in ([0, 2], [1, 2])]
        >>> united(models, 3)
        Union(keys=array([0, 1, 2]), levels=(0, 3), nodes=(array([0, 1, 3]), array([0, 2, 3])))
    """
    order = max(len(model.levels) for model in models)
    bounds = [list(pairwise((*model.levels, *[model.levels[-1]] * (order - len(model.levels))))) for model in models]
    all_keys = [model.keys for model in models]
    # Those of a level are known before their children need them.
    nodes = tuple(np.zeros(len(keys) + 1, dtype=np.int64) for keys in all_keys)
    united_keys: list[NDArray[np.int64]] = []
    levels = [0]
    for level in zip(*bounds, strict=True):
        moved = [
            _moved(keys[start:stop], places, vocab_size)
            for keys, places, (start, stop) in zip(all_keys, nodes, level, strict=True)
        ]
        keys, ranks = _distinct(np.concatenate(moved))
        for places, (start, stop) in zip(nodes, level, strict=True):
            own, ranks = np.split(ranks, [stop - start])
            places[start + 1 : stop + 1] = levels[-1] + 1 + own
        united_keys.append(keys)
        levels.append(levels[-1] + len(keys))
    return Union(np.concatenate(united_keys), tuple(levels), nodes)


def _moved(keys: NDArray[np.int64], places: NDArray[np.int64], vocab_size: int) -> NDArray[np.int64]:
    parents, ids = np.divmod(keys, vocab_size)
    return places[parents] * vocab_size + ids


def _distinct(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the different values, ascending, and the rank of each; in linear time where they are sorted runs."""
    ascending = np.argsort(values, kind="stable")
    sorted_values = values[ascending]
    is_new = np.ones(len(values), dtype=bool)
    np.not_equal(sorted_values[1:], sorted_values[:-1], out=is_new[1:])
    ranks = np.empty_like(ascending)
    ranks[ascending] = np.cumsum(is_new) - 1
    return sorted_values[is_new], ranks
