"""Tells a list, one thing a line, from running text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok import TokenFile

if TYPE_CHECKING:
    from charlm.recipes.corpus import Corpus

SAMPLE = 100_000
"""How many symbols are looked at."""
FEWEST_LINES = 10
LONGEST_LINE = 60
MOST_SENTENCES = 0.1
"""The share of lines that may end as parts of a sentence do."""


def hint_of_records(corpus: Corpus) -> str | None:
    """Returns a note that a text may be meant as records; None if it does not look so, or is a token file."""
    if corpus.stream is None or isinstance(corpus.stream, TokenFile):
        return None
    text = corpus.vocabulary.decode(corpus.stream[:SAMPLE])
    if len(corpus.stream) > SAMPLE:
        text = text[: text.rfind("\n") + 1]
    if not is_list(text):
        return None
    return "the lines look like a list, and are learned as one text: --records learns each as an example of its own"


def is_list(text: str) -> bool:
    r"""Returns whether a text looks like a list: some short lines, none blank, most of them different, no sentences.

    Example:
        >>> is_list("\n".join(f"name {number}" for number in range(30)))
        True
        >>> is_list("\n".join(f"Line {number} ends a sentence." for number in range(30)))
        False
    """
    lines = text.removesuffix("\n").splitlines()
    if len(lines) < FEWEST_LINES or not all(0 < len(line.strip()) <= LONGEST_LINE for line in lines):
        return False
    of_sentences = sum(line.rstrip().endswith((".", ",", ";", ":", "?", "!")) for line in lines)
    return of_sentences <= MOST_SENTENCES * len(lines) and len(set(lines)) > len(lines) / 2
