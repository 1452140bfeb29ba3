"""A tree of n-grams as a file holds it: the fewest bits an id, and two bits a node for its shape.

Ids are in bit planes: one row of bits for the lowest bit of every id, one for the next, and so on. The shape is the
number of children of each context in unary, as many ones and a zero (Jacobson, 1989).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.models.ngram.tree import NGramTree

if TYPE_CHECKING:
    from numpy.typing import NDArray


def packed_ids(tree: NGramTree) -> NDArray[np.uint8]:
    """Returns the ids of n-grams as bit planes, uint8 ``(bits, bytes)``.

    Example:
        >>> packed_ids(NGramTree.of_keys(np.array([0, 2, 3]), vocab_size=4, order=1))
        array([[32],
               [96]], dtype=uint8)
    """
    return np.stack(
        [np.packbits((tree.ids >> plane & 1).astype(np.uint8)) for plane in range(_planes(tree.vocab_size))]
    )


def packed_shape(tree: NGramTree) -> NDArray[np.uint8]:
    """Returns the number of children of each context in unary, uint8 ``(bytes,)``.

    Example:
        >>> tree = NGramTree.of_keys(np.array([0, 1, 3, 4]), vocab_size=2, order=2)
        >>> np.unpackbits(packed_shape(tree))
        array([1, 1, 0, 1, 0, 1, 0, 0], dtype=uint8)
    """
    bits = np.ones(len(tree) + len(tree.child_starts) - 1, dtype=np.uint8)
    bits[tree.child_starts[1:].astype(np.int64) + np.arange(len(tree.child_starts) - 1)] = 0
    return np.packbits(bits)


def packed_size(vocab_size: int, ngrams: int, contexts: int) -> int:
    """Returns how many bytes the ids and the shape of a tree take.

    Example:
        >>> packed_size(65, 1000, 400)
        1050
    """
    return _planes(vocab_size) * _bytes(ngrams) + _bytes(ngrams + contexts)


def unpacked_tree(
    ids: NDArray[Any], shape: NDArray[Any], *, ngrams: int, contexts: int, vocab_size: int, order: int
) -> NGramTree:
    """Returns the tree that was packed, once it has been validated, but for the suffixes.

    Args:
        ids: What ``packed_ids`` returns.
        shape: What ``packed_shape`` returns.
        ngrams: The number of n-grams, N.
        contexts: The number of contexts, M.
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.

    Raises:
        ValueError: They are not those of such a tree; says why.
    """
    _check("ids", ids, (_planes(vocab_size), _bytes(ngrams)))
    _check("shape", shape, (_bytes(ngrams + contexts),))
    if not ngrams + contexts:  # not fitted
        return NGramTree.of_keys(np.zeros(0, dtype=np.int64), vocab_size=vocab_size, order=order)
    child_starts = _child_starts(shape, ngrams, contexts)
    _check_levels(child_starts, ngrams, order)
    last_ids = _unpacked_ids(ids, ngrams, vocab_size)
    if ngrams and int(last_ids.max()) >= vocab_size:
        raise ValueError(f"an id is not below the {vocab_size} of the vocabulary")
    ascends = np.ones(ngrams + 1, dtype=bool)
    np.greater(last_ids[1:], last_ids[:-1], out=ascends[1:-1])
    ascends[child_starts] = True
    if not ascends.all():
        raise ValueError("the ids that follow a context must be strictly ascending")
    return NGramTree(vocab_size=vocab_size, order=order, ids=last_ids, child_starts=child_starts)


def _child_starts(shape: NDArray[np.uint8], ngrams: int, contexts: int) -> NDArray[np.unsignedinteger[Any]]:
    bits = np.unpackbits(shape)
    ends = np.flatnonzero(bits[: ngrams + contexts] == 0)
    if len(ends) != contexts or ends[-1:].sum() + 1 != ngrams + contexts or bits[ngrams + contexts :].any():
        raise ValueError(f"shape must have a 1 for each of {ngrams} n-grams and a 0 after those of each context")
    child_starts = np.zeros(contexts + 1, dtype=np.min_scalar_type(ngrams))
    child_starts[1:] = ends - np.arange(contexts)
    return child_starts


def _check_levels(child_starts: NDArray[np.unsignedinteger[Any]], ngrams: int, order: int) -> None:
    """Checks that the contexts are the n-grams that are shorter than ``order``, and that none is longer."""
    contexts, level = len(child_starts) - 1, 0
    for _ in range(order - 1):
        if level + 1 > contexts:
            break
        level = int(child_starts[level + 1])
    if level + 1 != contexts or int(child_starts[-1]) != ngrams:
        raise ValueError(f"the n-grams are not those of a tree of order {order}")


def _unpacked_ids(planes: NDArray[np.uint8], ngrams: int, vocab_size: int) -> NDArray[np.unsignedinteger[Any]]:
    ids = np.zeros(ngrams, dtype=np.min_scalar_type(vocab_size - 1))
    for place, plane in enumerate(planes):
        bits = np.unpackbits(plane)
        if bits[ngrams:].any():
            raise ValueError("ids must be 0 after the last")
        ids |= bits[:ngrams].astype(ids.dtype, copy=False) << ids.dtype.type(place)
    return ids


def _check(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.dtype != np.uint8 or array.shape != shape:
        raise ValueError(
            f"{name} must be uint8 and have shape {shape}, got shape {array.shape} and dtype {array.dtype}"
        )


def _planes(vocab_size: int) -> int:
    return max((vocab_size - 1).bit_length(), 1)


def _bytes(bits: int) -> int:
    return (bits + 7) // 8
