"""Which part of a text is under which model: the likeliest sequence of labels, where each change costs something.

The labels of the characters are the states of a hidden Markov model in which which label comes next does not depend on
the one before, and the likeliest sequence of them is found as in Viterbi (1967), in time linear in the length of the
text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COST_OF_CHANGE = 10.0
"""In nats; the best, or nearly so, for parts of 3 to 30 words: see ``benchmarks/telling_languages.py``."""
UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese and Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana and Chinese characters
    "]"
)
"""A character of a script that puts no spaces between words."""
MARK = re.compile("[\u200c\u2060\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""What belongs to the character before it, besides accents: joiners, the skin tones of emoji and the tags of flags."""
UNITS = re.compile(r"(?:L[MJ']*)+|D[MJ]*(?:[.']?D[MJ]*)*|RR")
"""Among the kinds of characters: a word, a number, and a flag."""
KINDS = {"\u200d": "J"} | dict.fromkeys("'\u2019", "'") | dict.fromkeys(".,:\u066b\u066c", ".")

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

    That is anywhere but inside a word of a script that puts spaces between words, a number, a flag or emoji that are
    joined, and before an accent or another mark, or spaces or punctuation that end something.

    Example:
        >>> places_of_changes("don't, 世界 12,5").tolist()
        [0, 7, 8, 10]
    """
    may_change = np.ones(len(text), dtype=bool)
    for end in ENDING.finditer(text):
        may_change[end.start() : end.end()] = False
    kinds = text.translate({ord(character): _kind(character) for character in set(text)})
    for unit in UNITS.finditer(kinds):
        may_change[unit.start() + 1 : unit.end()] = False
    may_change &= np.fromiter((kind not in "MJ" for kind in kinds), dtype=bool, count=len(kinds))
    may_change[1:] &= np.fromiter((kind != "J" for kind in kinds[:-1]), dtype=bool, count=max(0, len(kinds) - 1))
    may_change[:1] = True
    return np.flatnonzero(may_change)


def _kind(character: str) -> str:
    """Returns a letter or a sign that stands for the kind of a character."""
    if character in KINDS:
        return KINDS[character]
    if unicodedata.category(character).startswith("M") or MARK.match(character):
        return "M"
    if "\U0001f1e6" <= character <= "\U0001f1ff":
        return "R"
    if character.isdecimal():
        return "D"
    return "L" if character.isalpha() and not UNSPACED.match(character) else "-"


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
