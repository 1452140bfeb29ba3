"""The section on how an n-gram model grows with its order, and what each order gains."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from charlm.lm import CharLM
from charlm.models.ngram.table import NGramTable
from charlm.report.elements import bars, section

if TYPE_CHECKING:
    from charlm.report.scored import Scored


def growth(lm: CharLM, scored: Scored) -> str:
    """Returns the section; nothing for a model of another family."""
    table = lm.predictor
    if not isinstance(table, NGramTable):
        return ""
    sizes = [last - first for first, last in pairwise(table.levels)]
    texts = [] if scored.is_own else [one.text for one in scored.texts]
    rows = []
    for order, size in enumerate(sizes, start=1):
        cells = [f"{size:,}", f"{size / len(table):.1%}"]
        if texts:
            loss = CharLM(up_to(table, order), lm.vocabulary).evaluate(texts)
            cells.append(f"{loss.bits_per_character:.3f}")
        rows.append((str(order), size, cells))
    head = ["order", "n-grams", "share", *(["bits per character"] if texts else [])]
    told = f", and the loss on {scored.told} if the model knew no longer ones" if texts else ""
    caption = "N-grams by their length"
    return section(
        "growth",
        "N-grams by order",
        f"<p>How many n-grams there are of each length{told}.</p>{bars(caption, rows, head)}",
    )


def up_to(table: NGramTable, order: int) -> NGramTable:
    """Returns the part of a model that has the n-grams up to some length: a model of that order.

    Example:
        >>> table = NGramTable.fit([0, 1, 2, 0, 1, 2, 0, 1], vocab_size=3, order=3)
        >>> up_to(table, 2).order, len(up_to(table, 1)), len(table)
        (2, 3, 9)
    """
    ngrams, contexts = table.levels[order], table.levels[order - 1] + 1
    return replace(
        NGramTable(vocab_size=table.vocab_size, order=order, context_only=table.context_only),
        ids=table.ids[:ngrams],
        child_starts=table.child_starts[: contexts + 1],
        log_probabilities=table.log_probabilities[:ngrams],
        log_backoffs=table.log_backoffs[:contexts],
    )
