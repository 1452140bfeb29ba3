"""The tables of an n-gram model as a file holds them: exactly, or in a byte for each logarithm.

Both have the tree, ``ids`` and ``shape``, and the ``constants`` of the smoothing. The exact form has ``counts`` and
``large_counts``, ``log_probabilities`` and ``log_backoffs``; the compact one has their codes and ``scales``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlm.models.ngram.codes import SCALE_BYTES, Coded, check_codes, coded, decoded
from charlm.models.ngram.packed_counts import PackedCounts
from charlm.models.ngram.soundness import check_counts, check_logarithms, checked_constants
from charlm.models.ngram.tree_packing import packed_ids, packed_shape, packed_size, unpacked_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from charlm.models.ngram.table import NGramTable

PREFIX = "table."
TREE = ("ids", "shape", "constants")
EXACT = (*TREE, "counts", "large_counts", "log_probabilities", "log_backoffs")
COMPACT = (*TREE, *Coded._fields)


class Unpacked(NamedTuple):
    """What a file holds of an ``NGramTable``, in the attributes of the same names."""

    constants: NDArray[np.float64]
    ids: NDArray[np.unsignedinteger[Any]]
    child_starts: NDArray[np.unsignedinteger[Any]]
    packed_counts: PackedCounts
    log_probabilities: NDArray[np.floating[Any]]
    log_backoffs: NDArray[np.floating[Any]]


def packed(table: NGramTable) -> dict[str, NDArray[Any]]:
    """Returns the tables of a model without loss.

    Args:
        table: The model, fitted or not.
    """
    return _named(
        {
            **_packed_tree(table),
            "counts": table.packed_counts.small,
            "large_counts": table.packed_counts.large,
            "log_probabilities": table.log_probabilities,
            "log_backoffs": table.log_backoffs,
        }
    )


def compacted(table: NGramTable) -> dict[str, NDArray[Any]]:
    """Returns the tables of a model with a byte for each logarithm, and without counts.

    Args:
        table: A fitted model.
    """
    codes = coded(table.tree, table.log_probabilities, table.log_backoffs)
    return _named({**_packed_tree(table), **codes._asdict()})


def compact_size(table: NGramTable, ngrams: int, contexts: int) -> int:
    """Returns how many bytes ``compacted`` would take for some of the n-grams of a model.

    Args:
        table: The model.
        ngrams: The number of n-grams.
        contexts: The number of contexts among them, with the empty one.
    """
    of_tree = packed_size(table.vocab_size, ngrams, contexts)
    return of_tree + ngrams + contexts + table.constants.nbytes + SCALE_BYTES * table.order


def _packed_tree(table: NGramTable) -> dict[str, NDArray[Any]]:
    shape = packed_shape(table.tree) if len(table) else np.zeros(0, dtype=np.uint8)
    return {"ids": packed_ids(table.tree), "shape": shape, "constants": table.constants}


def _named(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{PREFIX}{name}": array for name, array in arrays.items()}


def unpacked(
    arrays: Mapping[str, NDArray[Any]], *, vocab_size: int, order: int, context_only: Sequence[int]
) -> Unpacked:
    """Returns the tables of a model, once they have been validated.

    Args:
        arrays: What ``packed`` or ``compacted`` returns.
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
        context_only: The ids that are never predicted.

    Raises:
        ValueError: They are not those of a model of this shape; says why.
    """
    names = names_of_arrays(arrays)
    if set(arrays) != set(names):
        raise ValueError(f"an n-gram model needs the tables {', '.join(names)}, got {', '.join(sorted(arrays))}")
    arrays = {name.removeprefix(PREFIX): array for name, array in arrays.items()}
    is_compact = "scales" in arrays
    names = [name.removeprefix(PREFIX) for name in names]
    values, weights = (arrays[name] for name in names[-2:])
    for name, array in zip(names[-2:], (values, weights), strict=True):
        if array.ndim != 1:
            raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    size = {"ngrams": len(values), "contexts": len(weights)}
    tree = unpacked_tree(arrays["ids"], arrays["shape"], **size, vocab_size=vocab_size, order=order)
    if is_compact:
        codes = Coded(*(arrays[name] for name in Coded._fields))
        check_codes(codes, order)
        logarithms = [some.astype(np.float32) for some in decoded(codes, tree, context_only)]
        counts = PackedCounts.of(np.zeros(0, dtype=np.int64))
    else:
        tree.suffixes(order)  # none may be missing
        check_logarithms(values, weights, np.isin(tree.ids, context_only))
        logarithms = [values.copy(), weights.copy()]  # views would keep all that was read
        counts = PackedCounts(arrays["counts"].copy(), arrays["large_counts"].copy())
        check_counts(counts, len(tree))
    return Unpacked(checked_constants(arrays["constants"], order), tree.ids, tree.child_starts, counts, *logarithms)


def names_of_arrays(given: Iterable[str]) -> list[str]:
    """Returns the names of all tables of the form to which some tables belong, each after the prefix ``table.``.

    Example:
        >>> names_of_arrays(["table.scales"])[-2:]
        ['table.probability_codes', 'table.backoff_codes']
    """
    is_compact = any(name == f"{PREFIX}{field}" for name in given for field in Coded._fields)
    return [f"{PREFIX}{name}" for name in (COMPACT if is_compact else EXACT)]
