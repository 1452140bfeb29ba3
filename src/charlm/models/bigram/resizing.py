"""A table of logits for a vocabulary that has grown or shrunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.models.predictor import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.resizing import IdChange


def resized(table: NDArray[np.floating[Any]], change: IdChange) -> NDArray[np.floating[Any]]:
    """Returns the logits of what follows each id, ``(V', V')``, in the dtype of the table.

    Those of ids that are kept are the same. New ids share the probability of ``unk``, as which they were read so far,
    equally with it; without one, each is as likely as the others in the geometric mean. What follows a new id is what
    followed ``unk``, or else the average over all ids, which also replaces a row of which nothing possible is left.

    Args:
        table: The logits, ``(V, V)``.
        change: The change of the ids.
    """
    kept, new = change.kept, change.new_outcomes
    found = np.zeros((change.size, change.size), dtype=np.float64)
    rows = np.zeros((len(kept), change.size), dtype=np.float64)
    rows[:, change.ids[kept]] = table[np.ix_(kept, kept)]
    if change.unknown is not None:
        share = table[kept, change.unknown].astype(np.float64) - np.log(len(new) + 1)
        rows[:, change.ids[change.unknown]] = share
    else:
        share = _finite_mean(table[np.ix_(kept, change.outcomes)])
    rows[:, new] = share[:, None]
    found[change.ids[kept]] = rows
    is_outcome = ~np.isin(np.arange(change.size), change.never_after)
    is_possible = np.isfinite(rows[:, is_outcome]).any(axis=1)
    is_unknown = kept == (-1 if change.unknown is None else change.unknown)
    typical = is_possible & is_unknown if (is_possible & is_unknown).any() else is_possible
    with np.errstate(divide="ignore"):
        shares = np.exp(log_softmax(np.where(is_outcome, rows[typical], -np.inf)))
        average = np.log(shares.mean(axis=0)) if typical.any() else np.zeros(change.size)
    found[np.concatenate([change.new, change.ids[kept][~is_possible]])] = average
    return found.astype(table.dtype)


def _finite_mean(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Returns the mean of each row over what is possible; minus infinity if nothing is."""
    is_finite = np.isfinite(logits)
    sums = np.where(is_finite, logits, 0).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(is_finite.any(axis=1), sums / is_finite.sum(axis=1), -np.inf)
