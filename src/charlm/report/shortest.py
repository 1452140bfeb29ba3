"""The length of the shortest record that a model has learned from, as far as that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing
from charlm.models.ngram.table import NGramTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.lm import CharLM


def shortest_record(lm: CharLM, held_out: Iterable[str] = ()) -> int:
    """Returns the least length that records of a model should have: 1 where nothing is known of those it has learned.

    An n-gram model has counted whole records that are at least two symbols shorter than its n-grams. If there is none,
    all records are longer, unless the model was pruned. What other models have counted is not in them, and the shortest
    of some records that were held out takes its place.

    Args:
        lm: A model of records.
        held_out: Some records of the same kind.

    Example:
        >>> from charlm import CharLM
        >>> shortest_record(CharLM.fit(["emma", "mia", "olivia"], order=7))
        3
        >>> shortest_record(CharLM.fit(["emma", "mia", "olivia"], order=4))
        3
        >>> shortest_record(CharLM.fit(["emma", "mia", "olivia"], "bigram"), ["joanna", "ella"])
        4
    """
    table, framing = lm.predictor, Framing(lm.vocabulary)
    if isinstance(table, NGramTable) and framing.bos is not None and framing.eos is not None:
        found = _shortest_counted(table, framing.bos, framing.eos)
        if found is not None:
            return max(1, found)
        if len(table.counts):
            return max(1, table.order - 1)
    return max(1, min(map(len, held_out), default=1))


def _shortest_counted(table: NGramTable, bos: int, eos: int) -> int | None:
    """Returns the number of ids in the shortest n-gram between ``bos`` and ``eos``; None if there is none."""
    starts, contexts = table.child_starts.astype(np.int64), np.asarray([bos + 1])
    for length in range(table.order - 1):
        contexts = contexts[contexts < len(starts) - 1]
        children = [np.arange(starts[context], starts[context + 1]) for context in contexts]
        reached = np.concatenate(children) if children else np.zeros(0, dtype=np.int64)
        if (table.ids[reached] == eos).any():
            return length
        contexts = reached + 1
    return None
