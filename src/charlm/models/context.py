"""Which ids a model with a limited context is given: one rule for scores, distributions, generation and mixtures.

A text longer than a block is cut into blocks that begin at multiples of a stride, and each id is predicted in the first
block that reaches it: beyond the first block, from at least ``block_size - stride + 1`` ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok.arguments import integer

if TYPE_CHECKING:
    from charlm.models.predictor import Predictor


def default_stride(block_size: int) -> int:
    """Returns the stride unless someone says otherwise: half a block, rounded up.

    Models that generate from cached keys and values begin their context anew that often.

    Example:
        >>> default_stride(64), default_stride(5)
        (32, 3)
    """
    return block_size - block_size // 2


def checked_stride(stride: int | None, block_size: int | None) -> int | None:
    """Returns the stride of a model, by default that of ``default_stride``; None if its context has no limit.

    Args:
        stride: What was asked for; None asks for the default.
        block_size: The maximum context length of the model in ids; None if there is no limit.

    Raises:
        ValueError: The stride is below 1 or above the block, or the model has no blocks.
        TypeError: It is not an integer.

    Example:
        >>> checked_stride(None, 64), checked_stride(64, 64), checked_stride(None, None)
        (32, 64, None)
    """
    if block_size is None:
        if stride is not None:
            raise ValueError(
                "stride applies only to a model with a block size, and this one has none; a Transformer in a mixture "
                f"always gets blocks that overlap by half: leave it out, got {stride}"
            )
        return None
    if stride is None:
        return default_stride(block_size)
    if not 1 <= integer("stride", stride) <= block_size:
        raise ValueError(f"stride must be from 1 to the block size of the model, {block_size}, got {stride}")
    return int(stride)


def pieces(predictor: Predictor, at_once: int) -> tuple[int, int] | None:
    """Returns how a text is cut into pieces whose targets are predicted as in the whole.

    Args:
        predictor: What predicts.
        at_once: The approximate number of new targets in a piece.

    Returns:
        The number of new targets in a piece, and how many more targets precede them as context; None if the text cannot
        be cut. The first piece has as many new targets as both together.
    """
    if predictor.history is None:
        return None
    period = predictor.period
    return max(1, at_once // period) * period, max(0, predictor.history - 1)


def first_needed(length: int, history: int | None, period: int) -> int:
    """Returns where those of some ids begin from which the next one is predicted as from all of them.

    Args:
        length: The number of ids.
        history: That of a ``Predictor``.
        period: Likewise.

    Example:
        >>> first_needed(9, None, 1), first_needed(9, 2, 1), first_needed(9, 3, 4)
        (0, 7, 4)
    """
    return 0 if history is None else max(0, length - max(1, history)) // period * period


def ids_seen(length: int, block_size: int) -> int:
    """Returns how many of the last ids the next one is predicted from, where blocks are half a block apart.

    Args:
        length: The number of ids so far.
        block_size: The maximum context length in ids.

    Example:
        >>> [ids_seen(length, block_size=4) for length in range(9)]
        [0, 1, 2, 3, 4, 3, 4, 3, 4]
    """
    return length - first_needed(length, ids_kept(block_size), default_stride(block_size))


def ids_kept(block_size: int) -> int:
    """Returns the fewest ids that the next one is predicted from, beyond the first block.

    Example:
        >>> ids_kept(64), ids_kept(5)
        (33, 3)
    """
    return block_size - default_stride(block_size) + 1
