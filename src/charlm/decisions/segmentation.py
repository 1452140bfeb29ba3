"""Which part of a text is under which model: the likeliest sequence of labels, where each change costs something.

The labels of the characters are the states of a hidden Markov model in which which label comes next does not depend on
the one before, and the likeliest sequence of them is found as in Viterbi (1967), in time linear in the length of the
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COST_OF_CHANGE = 10.0
"""In nats; the best, or nearly so, for parts of 3 to 30 words: see ``benchmarks/telling_languages.py``."""
LETTERS_OF_WORDS = re.compile(
    r"(?:[^\W\d_"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese and Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana and Chinese characters
    r"][\u0300-\u036f'\u2019]*)+"
)
"""A word of a script that puts spaces between words, with the accents and apostrophes in it."""

ENDING = re.compile(
    r"[\s.,;:!?)\]}"
    "\u00bb\u201d\u2026"  # closing quotation marks and an ellipsis
    "\u3001\u3002\u300d\u300f\uff01\uff09\uff0c\uff1a\uff1b\uff1f"  # what these are in Chinese and Japanese
    r"]+"
)
"""Spaces and punctuation that belong to what comes before."""


@dataclass(frozen=True, kw_only=True)
class LabeledSpan:
    """A part of a text, and what it is.

    Attributes:
        start: The position of its first character.
        end: One after the position of its last character.
        label: Its label.
        probability: That of the label, for the part alone.
    """

    start: int
    end: int
    label: str
    probability: float


def places_of_changes(text: str) -> NDArray[np.int64]:
    """Returns where a label may change, int64 ascending from 0.

    That is anywhere but inside a word of a script that puts spaces between words, and before spaces or punctuation that
    end something.

    Example:
        >>> places_of_changes("don't, 世界").tolist()
        [0, 7, 8]
    """
    may_change = np.ones(len(text), dtype=bool)
    for end in ENDING.finditer(text):
        may_change[max(end.start(), 1) : end.end()] = False
    for word in LETTERS_OF_WORDS.finditer(text):
        may_change[word.start() + 1 : word.end()] = False
    return np.flatnonzero(may_change)


def likeliest_labels(
    scores: NDArray[np.float64], starts: NDArray[np.int64], cost: float, begun: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """Returns the label of each unit of a text in the likeliest sequence, int64 ``(units,)``.

    Args:
        scores: The log-probability of each character under the model of each label, ``(labels, T)``, T at least 1.
        starts: Where the units begin, ascending from 0; labels change only there.
        cost: What a change costs, in nats.
        begun: What is added where a part with a label begins at a unit, the first one of the text included,
            ``(units, labels)``: at most 0, and 0 for some label of each unit; by default 0 for all.

    Example:
        >>> scores = np.log([[0.9, 0.9, 0.2, 0.1, 0.1], [0.1, 0.1, 0.8, 0.9, 0.9]])
        >>> likeliest_labels(scores, np.arange(5), 1.0).tolist()
        [0, 0, 1, 1, 1]
        >>> likeliest_labels(scores, np.arange(5), 9.0).tolist()
        [1, 1, 1, 1, 1]
        >>> likeliest_labels(scores, np.arange(5), 1.0, np.tile([0.0, -9.0], (5, 1))).tolist()
        [0, 0, 0, 0, 0]
    """
    of_units = np.add.reduceat(scores, starts, axis=1).T
    begun = np.zeros(of_units.shape) if begun is None else begun
    came_from_best = np.zeros(of_units.shape, dtype=bool)
    best_before = np.zeros(len(starts), dtype=np.int64)
    totals = of_units[0] + begun[0]
    for unit in range(1, len(of_units)):
        best = int(totals.argmax())
        changed = totals[best] - cost + begun[unit]
        best_before[unit], came_from_best[unit] = best, totals < changed
        totals = np.maximum(totals, changed) + of_units[unit]
        totals -= totals.max()  # only differences count, and they stay exact however long the text
    labels = np.empty(len(starts), dtype=np.int64)
    label = int(totals.argmax())
    for unit in range(len(starts) - 1, -1, -1):
        labels[unit] = label
        label = int(best_before[unit]) if came_from_best[unit, label] else label
    return labels
