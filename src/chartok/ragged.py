"""Ids of uneven texts as the rows of one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pad_rows(
    ids: NDArray[np.unsignedinteger[Any]],
    lengths: NDArray[np.int64],
    *,
    bos: int | None,
    eos: int | None,
    pad: int | None,
    max_length: int | None,
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Returns rows of equal width and how much of each is not padding.

    Args:
        ids: The ids of all texts, one text after the other, shape ``(lengths.sum(),)``.
        lengths: The number of ids of each text, shape ``(N,)``.
        bos: Put before each text, if any.
        eos: Put after each text that is not cut short, if any.
        pad: Fills the rows up to the longest.
        max_length: Where rows are cut.

    Raises:
        ValueError: Rows are of different lengths and there is nothing to pad them with.
    """
    before, after = int(bos is not None), int(eos is not None)
    whole = lengths + before + after
    row_lengths = whole if max_length is None else np.minimum(whole, max_length)
    width = int(row_lengths.max(initial=0))
    if pad is None and row_lengths.min(initial=width) < width:
        raise ValueError("texts of different lengths need a pad token: make the vocabulary with special_tokens=['pad']")
    rows = np.full((len(lengths), width), 0 if pad is None else pad, dtype=ids.dtype)

    kept = np.minimum(lengths, max(width - before, 0))
    if not np.array_equal(kept, lengths):
        starts = np.cumsum(lengths) - lengths
        position_in_text = np.arange(len(ids)) - np.repeat(starts, lengths)
        ids = ids[position_in_text < np.repeat(kept, lengths)]
    body = rows[:, before:]
    body[np.arange(body.shape[1]) < kept[:, None]] = ids
    if bos is not None:
        rows[:, :1] = bos
    if eos is not None:
        ends = np.flatnonzero(whole == row_lengths)
        rows[ends, row_lengths[ends] - 1] = eos
    return rows, row_lengths
