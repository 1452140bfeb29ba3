"""The loop behind every way to generate: step, choose, step again, for a batch of samples."""

from __future__ import annotations

from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.dataset import on_host
from charlm.generation.drawing import draw, uniform_points
from charlm.generation.sampling import apply_settings
from charlm.generation.stopping import StopAutomaton, StopFilter
from chartok.arguments import positive_integer
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from charlm.generation.settings import SamplingSettings
    from charlm.models.predictor import PredictingModel, Predictor
    from chartok.ids import Ids


def continuations(  # noqa: PLR0913 - what the ways to generate have in common
    model: PredictingModel,
    prompt: Ids,
    seeds: Sequence[int],
    settings: SamplingSettings,
    *,
    max_new_tokens: int,
    allowed: Ids | None = None,
    stop: Iterable[list[int]] = (),
    end: int | None = None,
    min_new_tokens: int = 0,
    seen: Ids | None = None,
    spelling: Mapping[int, list[int]] | None = None,
) -> list[list[int]]:
    """Returns the ids with which the model continues, for each seed, without the prompt.

    Args:
        model: A model of any family.
        prompt: The ids to continue, at least one.
        seeds: The seed of each sample.
        settings: How to sample.
        max_new_tokens: The maximum number of ids in a sample.
        allowed: The ids that may be generated, besides ``end``; None allows all.
        stop: Sequences of ids, or of code points if there is a ``spelling``, before which a sample ends; none empty.
        end: An id before which a sample also ends.
        min_new_tokens: The minimum number of ids before ``end``.
        seen: The ids that a repetition penalty treats as already present; None takes those of the prompt.
        spelling: The code points of each id, which are then returned in its place.

    Raises:
        ValueError: As for ``generate``.
        TokenIdError: As for ``generate``.
        TypeError: As for ``generate``.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> from charlm.generation.settings import SamplingSettings
        >>> model = BigramLanguageModel(5, seed=1)
        >>> continuations(model, [3], [7, 8, 9], SamplingSettings(), max_new_tokens=9, end=4, min_new_tokens=1)
        [[1, 0, 1], [1, 0], [1]]
    """
    size = model.vocab_size
    automaton = StopAutomaton([*stop, *([] if end is None else [[end]])])
    samples = [(list[int](), StopFilter(automaton)) for _ in seeds]
    masks = forbidden(size, allowed, end, min_new_tokens)
    start = checked_ids("prompt", prompt, size)
    columns = next_ids(model.predictor(), start, seeds, settings, masks, start if seen is None else id_list(seen, size))
    for column in islice(columns, positive_integer("max_new_tokens", max_new_tokens)):
        for place, (ids, stop_filter) in enumerate(samples):
            if not stop_filter.is_finished:
                token_id = drawn(column, place, size)
                ids.extend(stop_filter.take_all([token_id] if spelling is None else spelling[token_id]))
        if all(stop_filter.is_finished for _, stop_filter in samples):
            break
    return [ids + stop_filter.rest() for ids, stop_filter in samples]


def next_ids(
    predictor: Predictor,
    prompt: list[int],
    seeds: Sequence[int],
    settings: SamplingSettings,
    masks: Iterator[NDArray[np.float64] | None],
    seen: list[int],
) -> Iterator[list[int]]:
    """Yields an endless sequence of the next id of each sample; ``vocab_size`` if none can be drawn.

    A sample that has ended continues with the others, since only the model can take its state apart.

    Args:
        predictor: The predictor of the model.
        prompt: Ids of the model, at least one.
        seeds: The seed of each sample.
        settings: How to sample.
        masks: What ``forbidden`` returns.
        seen: The ids that a repetition penalty treats as already present.
    """
    logits, state = predictor.start(np.array([prompt], dtype=np.int64).repeat(len(seeds), axis=0))
    is_seen = None
    if settings.repetition_penalty is not None:
        is_seen = np.zeros(logits.shape, dtype=bool)
        is_seen[:, seen] = True
    for mask, points in zip(masks, uniform_points(seeds), strict=False):
        if mask is not None:
            logits = logits + mask
        ids = draw(apply_settings(settings, logits, is_seen), points)
        column: list[int] = ids.tolist()
        yield column
        if predictor.vocab_size in column:
            ids = np.minimum(ids, predictor.vocab_size - 1)
        if is_seen is not None:
            is_seen[np.arange(len(ids)), ids] = True
        logits, state = predictor.step(ids, state)


def drawn(column: list[int], sample: int, vocab_size: int) -> int:
    """Returns the id that ``next_ids`` gave for a sample.

    Raises:
        ValueError: No id could be drawn; names the sample.
    """
    if column[sample] == vocab_size:
        raise ValueError(
            f"there is no id to draw for sample {sample}: every allowed id has probability zero, or a logit is NaN"
        )
    return column[sample]


def forbidden(
    vocab_size: int, allowed: Ids | None, end: int | None = None, min_new_tokens: int = 0
) -> Iterator[NDArray[np.float64] | None]:
    """Yields, for each position of a sample without end, what to add to the logits; None for nothing.

    It is minus infinity for a forbidden id and 0 for an allowed one, float64 ``(V,)``.

    Args:
        vocab_size: The number of ids, V.
        allowed: The ids allowed at every position; None allows all.
        end: An id allowed only from position ``min_new_tokens`` on, whether or not it is in ``allowed``.
        min_new_tokens: Ignored without ``end``.

    Raises:
        ValueError: ``allowed`` is empty.
        TokenIdError: An id is not in the vocabulary.
    """
    if allowed is None and end is None:
        return repeat(None)
    mask = np.full(vocab_size, -np.inf)
    mask[slice(None) if allowed is None else checked_ids("allowed", allowed, vocab_size)] = 0
    if end is None:
        return repeat(mask)
    early, late = mask.copy(), mask
    early[end], late[end] = -np.inf, 0
    return chain(repeat(early, min_new_tokens), repeat(late))


def stop_sequences(stop: Iterable[Ids] | None, vocab_size: int) -> list[list[int]]:
    """Returns the stop sequences as lists of ids, none of them empty.

    Raises:
        TypeError: They are not integers.
        TokenIdError: An id is not in the vocabulary.
        ValueError: A sequence is empty, or is not one-dimensional.
    """
    return [] if stop is None else [checked_ids("each stop sequence", ids, vocab_size) for ids in stop]


def checked_ids(name: str, ids: Ids, vocab_size: int) -> list[int]:
    """Returns ids as a list of at least one.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not in the vocabulary.
        ValueError: There are none, or they are not one-dimensional.
    """
    array = as_id_array(on_host(ids), vocab_size)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be a non-empty one-dimensional sequence of ids, got shape {array.shape}")
    checked: list[int] = array.tolist()
    return checked


def id_list(ids: Ids, vocab_size: int) -> list[int]:
    """Returns ids of any number and shape as a flat list.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not in the vocabulary.
    """
    flat: Any = as_id_array(on_host(ids), vocab_size).ravel().tolist()
    return list(flat)
