"""Texts of a class, and parts of them that a model does not learn from, to calibrate on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from chartok import read_text
from chartok.arguments import check_several, checked_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

TextsOfClass: TypeAlias = str | os.PathLike[str] | Iterable[str] | Mapping[str, int]
"""One text, the file that contains one, or separate texts, of which a mapping gives the count of each."""

LENGTHS_OF_PIECES = (4, 8, 16, 32, 64, 128)
"""In characters; from there on, a piece of a text goes to the end of the word."""
LONGEST_WORD = 16


@dataclass(frozen=True)
class OneText:
    """The text of a class, of which pieces are held out.

    Attributes:
        text: The text.
    """

    text: str

    def source(self) -> str:
        """Returns what a model of all of it is fitted to."""
        return self.text

    def folds(self, n_folds: int, rng: Generator) -> Iterator[tuple[str, list[str]]]:
        """Yields the text without each of its blocks, and pieces of the block, from a word to a sentence long.

        Args:
            n_folds: How many blocks of equal length there are.
            rng: Not used: blocks are where they are.
        """
        del rng
        ends = np.linspace(0, len(self.text), n_folds + 1).astype(int).tolist()
        for start, end in pairwise(ends):
            pieces = [*_pieces(self.text[start:end])]
            if pieces and self.text[:start] + self.text[end:]:
                yield self.text[:start] + self.text[end:], pieces


@dataclass(frozen=True)
class SeparateTexts:
    """The texts of a class, some of which are held out.

    Attributes:
        counts: How often each occurs.
    """

    counts: dict[str, int]

    def source(self) -> dict[str, int]:
        """Returns what a model of all of them is fitted to."""
        return self.counts

    def folds(self, n_folds: int, rng: Generator) -> Iterator[tuple[dict[str, int], list[str]]]:
        """Yields the texts without each fold, and those in it; equal texts are in one fold.

        Args:
            n_folds: How many there are, or as many as there are texts.
            rng: Draws which texts go together.
        """
        texts = [*self.counts]
        fold_of = rng.permutation(len(texts)) % n_folds
        for fold in range(min(n_folds, len(texts)) if len(texts) > 1 else 0):
            rest = {text: self.counts[text] for text, own in zip(texts, fold_of, strict=True) if own != fold}
            yield rest, [text for text, own in zip(texts, fold_of, strict=True) if own == fold]


def texts_of_class(source: TextsOfClass, name: str) -> OneText | SeparateTexts:
    """Returns the texts of a class.

    Args:
        source: Whatever ``CharLM.fit`` takes.
        name: What to call it in errors.

    Raises:
        TypeError: It is none of these.
        ValueError: There are no texts, or one is empty.
        OSError: The file cannot be read.

    Example:
        >>> texts_of_class(["ada", "ava", "ada"], "texts")
        SeparateTexts(counts={'ada': 2, 'ava': 1})
    """
    if isinstance(source, str | os.PathLike):
        text = source if isinstance(source, str) else read_text(source)
        if not text:
            raise ValueError(f"{name} is empty: give at least one character")
        return OneText(text)
    weights = source if isinstance(source, Mapping) else {}
    counts = dict[str, int]()
    for text in checked_texts(source, name):
        counts[text] = weights[text] if text in weights else counts.get(text, 0) + 1
    if not counts:
        raise ValueError(f"{name} is empty: give at least one text")
    if "" in counts:
        raise ValueError(f"{name} has an empty text: leave empty texts out")
    return SeparateTexts(counts)


def texts_of_classes(
    texts: Mapping[str, TextsOfClass] | Iterable[str], labels: Iterable[str] | None
) -> dict[str, OneText | SeparateTexts]:
    """Returns the texts of each class, by label.

    Args:
        texts: What each class consists of, by label; or texts of all classes, if ``labels`` are given.
        labels: The label of each text.

    Raises:
        TypeError: ``texts`` is neither, or a label is not a ``str``; like the other errors of ``texts_of_class``.
        ValueError: There are not as many labels as texts; like the other errors of ``texts_of_class``.
        OSError: A file cannot be read.
    """
    sources = texts if labels is None else texts_by_label(texts, labels)
    if not isinstance(sources, Mapping):
        raise TypeError("texts must be a mapping of labels to texts, or come with labels")
    check_labels(sources, "texts")
    return {label: texts_of_class(source, f"texts[{label!a}]") for label, source in sources.items()}


def check_labels(labels: Iterable[object], name: str) -> None:
    """Checks that labels are strings.

    Args:
        labels: The labels.
        name: Whose labels they are, for errors.

    Raises:
        TypeError: One is not a ``str``.
    """
    for label in labels:
        if not isinstance(label, str):
            raise TypeError(f"each label of {name} must be a str, got {type(label).__name__} {label!a:.80}")


def texts_by_label(texts: Mapping[str, TextsOfClass] | Iterable[str], labels: Iterable[str]) -> dict[str, list[str]]:
    """Returns texts by label.

    Raises:
        TypeError: Either is a single ``str``, or an item is not a ``str``.
        ValueError: There are not as many labels as texts.
    """
    if isinstance(texts, Mapping):
        raise TypeError("texts is a mapping, which has the labels: leave labels out")
    for name, given in (("texts", texts), ("labels", labels)):
        check_several(given, name)
    several, of_each = [*checked_texts(texts, "texts")], [*checked_texts(labels, "labels")]
    if len(several) != len(of_each):
        raise ValueError(f"labels must have one label for each of {len(several)} texts, got {len(of_each)}")
    found = dict[str, list[str]]()
    for text, label in zip(several, of_each, strict=True):
        found.setdefault(label, []).append(text)
    return found


def _pieces(block: str) -> Iterator[str]:
    """Yields a block in pieces of several lengths, which end where words do."""
    start = 0
    for length in cycle(LENGTHS_OF_PIECES):
        if start >= len(block):
            return
        end = start + length
        rest_of_word = block[end : end + LONGEST_WORD]
        space = next((place for place, character in enumerate(rest_of_word) if character.isspace()), 0)
        if piece := block[start : end + space].strip():
            yield piece
        start = end + space
