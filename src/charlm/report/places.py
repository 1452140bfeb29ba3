"""The section on where the loss comes from: by position in a block or a record, and by the context that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing
from charlm.models.ngram.table import NGramTable
from charlm.report.elements import bars, section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.lm import CharLM
    from charlm.report.scored import Scored

FINE = 8
"""Up to this place, each has a row of its own; further ones share rows that double in width."""


def places(lm: CharLM, scored: Scored) -> str:
    """Returns the section; nothing for a model to which every place is the same, and a text that it has made itself."""
    if scored.is_own:
        return ""
    tables = []
    if lm.is_of_records:
        of_records = [one.bits for one in scored.texts]
        at = np.concatenate([np.arange(1, len(bits) + 1) for bits in of_records])
        tables.append(_table("By position in the record", "position", at, np.concatenate(of_records)))
    elif (block_size := lm.predictor.block_size) is not None:
        in_blocks = scored_in_blocks(lm, scored.texts[0].text, block_size)
        at = np.arange(len(in_blocks)) % block_size + 1
        tables.append(_table("By position in the block", "symbols of context", at, in_blocks))
    if isinstance(lm.predictor, NGramTable):
        found, bits = contexts_found(lm, lm.predictor, scored)
        tables.append(_table("By the length of the context that was found", "symbols of context", found, bits))
    told = f"<p>The mean loss over {scored.told}, where the model knows little and where it knows more.</p>"
    return section("places", "Where the loss comes from", told + "".join(tables)) if any(tables) else ""


def scored_in_blocks(lm: CharLM, text: str, block_size: int) -> NDArray[np.float64]:
    """Returns the surprise at each symbol that has a context, in bits, if blocks do not overlap.

    So the first symbol of each block is predicted from one before it, and the last from ``block_size``.
    """
    bits = lm.log_probabilities(text, stride=block_size) / -np.log(2)
    nothing_before = Framing(lm.vocabulary).bos is None
    found: NDArray[np.float64] = bits[int(nothing_before) :]
    return found


def contexts_found(lm: CharLM, table: NGramTable, scored: Scored) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns how many symbols before each one the model has counted together, and the surprise at it, in bits."""
    lengths: list[NDArray[np.int64]] = []
    bits: list[NDArray[np.float64]] = []
    for one in scored.texts:
        ids, _ = Framing(lm.vocabulary).to_score(one.text)
        contexts = table.search.contexts(ids, np.array([len(ids)]))[:-1]
        lengths.append(table.search.lengths(contexts))
        bits.append(one.bits[len(one.bits) - len(contexts) :])
    return np.concatenate(lengths), np.concatenate(bits)


def ranges(most: int) -> Iterator[tuple[int, int]]:
    """Yields the first and the last place of each row of a table.

    Example:
        >>> list(ranges(20))[-3:]
        [(8, 8), (9, 16), (17, 20)]
    """
    first = 0
    while first <= most:
        last = first if first <= FINE else min(most, 2 * (first - 1))
        yield first, last
        first = last + 1


def _table(caption: str, what: str, at: NDArray[np.int64], bits: NDArray[np.float64]) -> str:
    if not len(at):
        return ""
    rows = []
    for first, last in ranges(int(at.max())):
        here = bits[(at >= first) & (at <= last)]
        if len(here):
            name = str(first) if first == last else f"{first}-{last}"
            rows.append((name, float(here.mean()), (f"{here.mean():.2f}", f"{len(here) / len(at):.1%}")))
    return bars(caption, rows, (what, "bits", "share of the text"))
