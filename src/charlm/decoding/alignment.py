"""The fewest edits that turn one text into another, and how often each edit occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

MOST_BYTES = 1 << 28
"""The largest table of an alignment: that of two texts of about 8,000 symbols."""
BYTES_PER_CELL = 4
PAIR = 2


def aligned(seen: str, true: str) -> list[tuple[str, str]]:
    """Returns the symbols of two texts side by side, with the fewest edits (Levenshtein, 1966).

    Args:
        seen: What was seen.
        true: What it should be.

    Returns:
        Pairs of what was seen and the truth; the empty string where one of them has nothing.

    Raises:
        ValueError: The texts are too long for a table of all pairs of places.

    Example:
        >>> aligned("helo", "hello")
        [('h', 'h'), ('e', 'e'), ('', 'l'), ('l', 'l'), ('o', 'o')]
    """
    if (len(seen) + 1) * (len(true) + 1) * BYTES_PER_CELL > MOST_BYTES:
        raise ValueError(f"texts of {len(seen):,} and {len(true):,} characters are too long to align: give lines")
    costs = edit_costs(seen, true)
    pairs, row, column = list[tuple[str, str]](), len(true), len(seen)
    while row or column:
        here = costs[row, column]
        if row and column and here == costs[row - 1, column - 1] + (true[row - 1] != seen[column - 1]):
            row, column = row - 1, column - 1
            pairs.append((seen[column], true[row]))
        elif row and here == costs[row - 1, column] + 1:
            row -= 1
            pairs.append(("", true[row]))
        else:
            column -= 1
            pairs.append((seen[column], ""))
    return pairs[::-1]


def edit_costs(seen: str, true: str) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Returns the fewest edits between all beginnings of two texts, int32 ``(len(true) + 1, len(seen) + 1)``."""
    symbols = np.array([*map(ord, seen)], dtype=np.int64)
    columns = np.arange(len(seen) + 1, dtype=np.int32)
    costs = np.empty((len(true) + 1, len(seen) + 1), dtype=np.int32)
    costs[0] = columns
    for row, symbol in enumerate(true, 1):
        above = costs[row - 1]
        best = above + 1
        np.minimum(best[1:], above[:-1] + (symbols != ord(symbol)), out=best[1:])
        costs[row] = np.minimum.accumulate(best - columns) + columns
    return costs


def counted_edits(pairs: Iterable[tuple[str, str]], smoothing: float) -> dict[str, Any]:
    """Returns the probabilities of the edits between texts, as the arguments of a ``Channel``.

    Args:
        pairs: What was seen and the true text.
        smoothing: How many times each symbol counts as seen right besides.

    Raises:
        ValueError: There are no pairs.
        TypeError: An item is not a pair of ``str``.
    """
    if not isinstance(pairs, Iterable):
        raise TypeError(f"pairs must be pairs of what was seen and the true text, got {type(pairs).__name__}")
    counts, n_pairs = Counter[tuple[str, str]](), 0
    for n_pairs, pair in enumerate(pairs, 1):
        if not (isinstance(pair, tuple | list) and len(pair) == PAIR and all(isinstance(text, str) for text in pair)):
            raise TypeError(
                f"pairs[{n_pairs - 1}] must be a tuple of two texts, what was seen and the true one, got {pair!a:.80}"
            )
        counts.update(aligned(*pair))
    if not n_pairs:
        raise ValueError("pairs is empty: give at least one pair of what was seen and the true text")
    truths = Counter[str]()
    for (_, true), count in counts.items():
        truths[true] += count
    places = sum(truths.values()) - truths[""] + n_pairs
    substitutions, deletions, insertions = dict[str, dict[str, float]](), dict[str, float](), dict[str, float]()
    for (seen, true), count in sorted(counts.items()):
        if not true:
            insertions[seen] = count / (places + truths[""] + smoothing)
        elif not seen:
            deletions[true] = count / (truths[true] + smoothing)
        elif seen != true:
            substitutions.setdefault(true, {})[seen] = count / (truths[true] + smoothing)
    return {"substitutions": substitutions, "deletions": deletions, "insertions": insertions}
