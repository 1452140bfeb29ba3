"""The log-probability of each symbol of texts: alone, or after a context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.framing import Framing
from charlm.models.context import first_needed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from charlm.models.predictor import Predictor
    from chartok import Vocabulary


def scores_of_symbols(
    predictor: Predictor, vocabulary: Vocabulary, texts: str | list[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns the natural-log probability of each symbol of all texts, and how many each text has.

    Args:
        predictor: That of the model.
        vocabulary: Its vocabulary, which says how texts begin and end.
        texts: Strings of any lengths; a single one counts as a list of one.

    Returns:
        float64 ``(lengths.sum(),)``, and int64 ``(N,)``; the end of a record counts as a symbol.

    Raises:
        UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
    """
    framing = Framing(vocabulary)
    ids, lengths = framing.to_score(texts)
    is_later = _is_later(lengths)
    scores = predictor.scores(ids, lengths)
    if framing.bos is None:
        scores = _with_first(scores, is_later, framing)
    else:
        ids, lengths = ids[is_later], lengths - 1
    return _with_unknown(scores, ids, framing), lengths


def scores_after(
    predictor: Predictor, vocabulary: Vocabulary, context: str | Iterable[str], texts: list[str], *, ends: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns what ``scores_of_symbols`` does, for texts that come after something.

    Args:
        predictor: That of the model.
        vocabulary: Its vocabulary.
        context: What comes before each text, one string for all or one for each; it begins where a record does.
        texts: Strings of any lengths.
        ends: Whether records end with the text.

    Raises:
        UnknownCharacterError: The vocabulary has neither a character nor an ``unk`` token.
        ValueError: There are not as many contexts as texts.
        TypeError: A context is not a ``str``.
    """
    framing = Framing(vocabulary)
    ids, lengths = framing.continued(texts, ends=ends)
    contexts = [
        before[first_needed(len(before), predictor.history, predictor.period) :] for before in framing.contexts(context)
    ]
    if isinstance(context, str):
        contexts *= len(texts)
    if len(contexts) != len(texts):
        raise ValueError(f"context must be one str, or one for each of {len(texts)} texts: got {len(contexts)}")
    given = np.fromiter(map(len, contexts), dtype=np.int64, count=len(contexts))
    is_scored = np.repeat(np.tile([False, True], len(texts)), np.stack([given, lengths], axis=1).ravel())
    joined = np.empty(len(is_scored), dtype=ids.dtype)
    joined[is_scored], joined[~is_scored] = ids, np.concatenate([*contexts, ids[:0]])
    is_later = _is_later(given + lengths)
    scores = _with_first(predictor.scores(joined, given + lengths), is_later, framing)[is_scored]
    return _with_unknown(scores, ids, framing), lengths


def sums(values: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the sum of the values of each text, ``(N,)``; 0 for one without any.

    Args:
        values: Those of all texts, concatenated.
        lengths: How many each has, ``(N,)``.

    Example:
        >>> sums(np.array([1.0, 2.0, 3.0]), np.array([2, 0, 1]))
        array([3., 0., 3.])
    """
    totals = np.zeros(len(lengths))
    starts = np.cumsum(lengths) - lengths
    totals[lengths > 0] = np.add.reduceat(values, starts[lengths > 0]) if len(values) else 0.0
    return totals


def _is_later(lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which ids of texts, concatenated, are not the first of one."""
    is_later = np.ones(int(lengths.sum()), dtype=bool)
    is_later[(np.cumsum(lengths) - lengths)[lengths > 0]] = False
    return is_later


def _with_first(of_later: NDArray[np.float64], is_later: NDArray[np.bool_], framing: Framing) -> NDArray[np.float64]:
    """Returns scores in which the first id of each text is as likely as any other."""
    scores = np.full(len(is_later), framing.log_uniform)
    scores[is_later] = of_later
    return scores


def _with_unknown(
    scores: NDArray[np.float64], ids: NDArray[np.unsignedinteger[Any]], framing: Framing
) -> NDArray[np.float64]:
    """Returns scores in which each unknown character has its share of the probability of ``unk``."""
    if framing.unk is not None and len(unknown := np.flatnonzero(ids == framing.unk)):
        scores[unknown] += framing.log_share_of_unknown
    return scores
