"""Divides records by a hash of their ids: into a first part and what is held out, or into folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.data.permutation import mixed
from charlm.runtime.seeds import seed_or_new
from chartok.arguments import fraction as checked_fraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.data.dataset import JoinedTexts, SupportsParts

IDS_AT_ONCE = 1 << 20
"""How many ids of records are hashed at a time."""
HALF = 1 << 16
"""The values of half of a hash."""
PLACES = 1 << 16
"""The places in a record that differ for its hash."""


def split_records(data: SupportsParts, share: float, *, seed: int | None) -> NDArray[np.bool_]:
    """Returns whether each record is in the first part, ``(N,)``, which is all that is kept of a record.

    Records are drawn at random, and those with the same ids together: they are ordered by a hash of their ids and the
    seed, and the order is cut between two hashes. Hashes are counted by their upper half, and only those with the half
    in which the cut falls are sorted.

    Args:
        data: The records.
        share: The share of the records in the first part; rounded down to whole records, or the nearest to that where
            records are the same. One that counts several times counts as several.
        seed: Determines which records are drawn.

    Raises:
        ValueError: ``share`` is not between 0 and 1, or a part would be empty.
        TypeError: ``seed`` is not an integer.
    """
    multipliers = _multipliers(seed)
    records, counts = 0, np.zeros(HALF)
    for part in data.parts(IDS_AT_ONCE):
        records += len(part.lengths)
        counts += np.bincount(_keys(part, multipliers) // HALF, part.weights, minlength=HALF)
    total = int(counts.sum())
    wanted = int(checked_fraction("fraction", share) * total)
    if not wanted:
        raise too_few_records(share, total)
    up_to = np.cumsum(counts)
    half = int(np.searchsorted(up_to, wanted, side="right"))
    cut = _cut(data, multipliers, half, wanted=wanted, before=int(up_to[half] - counts[half]), total=total)
    is_first, place = np.empty(records, dtype=np.bool_), 0
    for part in data.parts(IDS_AT_ONCE):
        is_first[place : place + len(part.lengths)] = _keys(part, multipliers) < cut
        place += len(part.lengths)
    return is_first


def too_few_records(share: float, total: int) -> ValueError:
    """Returns the error that so many records cannot be divided."""
    records = "one record" if total == 1 else f"{total:,} records"
    return ValueError(f"a fraction of {share} of {records} leaves a part empty: give more")


def folds_of_records(data: SupportsParts, number: int) -> NDArray[np.uint8]:
    """Returns the fold of each record, uint8 ``(N,)``: drawn by a hash of its ids, so that equal records share one.

    Args:
        data: The records.
        number: How many folds there are, at most 256.
    """
    multipliers = _multipliers(0)
    found = [(_keys(part, multipliers) % number).astype(np.uint8) for part in data.parts(IDS_AT_ONCE)]
    return np.concatenate(found)


def _cut(
    data: SupportsParts, multipliers: NDArray[np.uint64], half: int, *, wanted: int, before: int, total: int
) -> int:
    """Returns the hash from which on records are in the rest, among those with this upper half."""
    found = [np.empty(0, dtype=np.int64)]
    weights = [np.empty(0, dtype=np.int64)]
    for part in data.parts(IDS_AT_ONCE):
        keys = _keys(part, multipliers)
        places = np.flatnonzero(keys // HALF == half)
        found.append(keys[places])
        weights.append(np.ones(len(places), dtype=np.int64) if part.weights is None else part.weights[places])
    distinct, inverse = np.unique(np.concatenate(found), return_inverse=True)
    counts = np.bincount(inverse, np.concatenate(weights)).astype(np.int64)
    up_to = before + np.cumsum(counts)
    place = int(np.searchsorted(up_to, wanted, side="right"))
    key, after = int(distinct[place]), int(up_to[place])
    cuts = [(key, after - int(counts[place])), (key + 1, after)]
    inner = [(abs(first - wanted), cut) for cut, first in cuts if 0 < first < total]
    if not inner:
        raise ValueError(
            f"the {total} records are all the same, and the same records stay together: a part would be empty"
        )
    return min(inner)[1]


def _multipliers(seed: int | None) -> NDArray[np.uint64]:
    salt = np.random.SeedSequence(seed_or_new(seed) % (1 << 64)).generate_state(1, np.uint64)
    return mixed(np.arange(PLACES, dtype=np.uint64) ^ salt)


def _keys(part: JoinedTexts, multipliers: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns a hash of each record, of 32 bits: from the sum of its ids, each times a number for its place.

    Different records that happen to have the same one land on the same side, which does no harm.
    """
    starts = np.cumsum(part.lengths) - part.lengths
    places = np.arange(len(part.ids)) - np.repeat(starts, part.lengths)
    terms = multipliers[places & (PLACES - 1)] * (part.ids.astype(np.uint64) + np.uint64(1))
    return (mixed(np.add.reduceat(terms, starts)) >> np.uint64(32)).astype(np.int64)
