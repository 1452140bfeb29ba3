"""The loop below every way to generate: step, choose, step again, for several samples side by side."""

from __future__ import annotations

from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.dataset import on_host
from charlm.generation.drawing import draw, uniform_points
from charlm.generation.sampling import apply_settings
from charlm.generation.stopping import StopFilter
from chartok.arguments import positive_integer
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    stop: Iterable[Ids] | None = None,
    end: int | None = None,
    min_new_tokens: int = 0,
    seen: Ids | None = None,
) -> list[list[int]]:
    """Returns the ids that the model goes on with, for each seed, without the prompt.

    Args:
        model: A model of any family.
        prompt: The ids to continue, at least one.
        seeds: What decides the draws of each sample.
        settings: How ids are chosen.
        max_new_tokens: The most ids of a sample.
        allowed: The ids that may come, ``end`` apart; None allows all.
        stop: Sequences of ids before which a sample ends.
        end: The id before which a sample ends as well.
        min_new_tokens: How many ids come before ``end`` may.
        seen: The ids that a repetition penalty counts as there already; None takes the prompt.

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
    stops = stop_sequences(stop, size) + ([] if end is None else [[end]])
    samples = [(list[int](), StopFilter(stops)) for _ in seeds]
    masks = forbidden(size, allowed, end, min_new_tokens)
    start = checked_ids("prompt", prompt, size)
    columns = next_ids(model.predictor(), start, seeds, settings, masks, start if seen is None else id_list(seen, size))
    for column in islice(columns, positive_integer("max_new_tokens", max_new_tokens)):
        for place, (ids, stop_filter) in enumerate(samples):
            if not stop_filter.is_finished:
                ids.extend(stop_filter.take(drawn(column, place, size)))
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
    """Yields without end the next id of each sample; ``vocab_size`` for one where none can be drawn.

    A sample that has ended goes on with the others, as only the model knows what its state is made of.

    Args:
        predictor: What answers for the model.
        prompt: Ids of the model, at least one.
        seeds: What decides the draws of each sample.
        settings: How ids are chosen.
        masks: What ``forbidden`` returns.
        seen: The ids that a repetition penalty counts as there already.
    """
    logits, state = predictor.start(np.array([prompt] * len(seeds), dtype=np.int64))
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
    """Returns what ``next_ids`` gave for a sample.

    Raises:
        ValueError: No id could be drawn; names the sample.
    """
    if column[sample] == vocab_size:
        raise ValueError(
            f"there is no id to draw for sample {sample}: each that may come has probability zero, or a logit is NaN"
        )
    return column[sample]


def forbidden(
    vocab_size: int, allowed: Ids | None, end: int | None = None, min_new_tokens: int = 0
) -> Iterator[NDArray[np.float64] | None]:
    """Yields without end, for the next place of a sample, what is added to the logits; None where that is nothing.

    It is minus infinity for an id that may not come, and 0 for one that may, float64 ``(V,)``.

    Args:
        vocab_size: The number of ids, V.
        allowed: The ids that may come anywhere; None for all.
        end: One that may come from place ``min_new_tokens`` on and not before, allowed or not.
        min_new_tokens: Without ``end`` it means nothing.

    Raises:
        ValueError: ``allowed`` is empty.
        TokenIdError: An id is not one of the model's.
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
    """Returns sequences of ids, none of them empty.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not an id of the model.
        ValueError: A sequence is empty, or has not one dimension.
    """
    return [] if stop is None else [checked_ids("each stop sequence", ids, vocab_size) for ids in stop]


def checked_ids(name: str, ids: Ids, vocab_size: int) -> list[int]:
    """Returns at least one id.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not an id of the model.
        ValueError: There is none, or they have not one dimension.
    """
    array = as_id_array(on_host(ids), vocab_size)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be at least one id in one dimension, got shape {array.shape}")
    checked: list[int] = array.tolist()
    return checked


def id_list(ids: Ids, vocab_size: int) -> list[int]:
    """Returns ids of any number and shape.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not an id of the model.
    """
    flat: Any = as_id_array(on_host(ids), vocab_size).ravel().tolist()
    return list(flat)
