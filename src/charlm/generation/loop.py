"""The loop below every way to generate: step, choose, step again, for several samples side by side."""

from __future__ import annotations

from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from charlm.generation.drawing import draw, uniform_points
from charlm.generation.stopping import StopFilter
from charlm.models.base import evaluation_mode
from chartok.arguments import positive_integer
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from charlm.generation.sampling import SamplingSettings
    from charlm.models.base import LanguageModel
    from chartok.ids import Ids


def continuations(  # noqa: PLR0913 - what the ways to generate have in common
    model: LanguageModel,
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
        model: Any language model; in evaluation mode meanwhile, and left in the mode that it was in.
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
        >>> from charlm.generation.sampling import SamplingSettings
        >>> model = BigramLanguageModel(5, seed=1)
        >>> continuations(model, [3], [7, 8, 9], SamplingSettings(), max_new_tokens=9, end=4, min_new_tokens=1)
        [[1], [1, 1, 0], [1]]
    """
    stops = stop_sequences(stop, model) + ([] if end is None else [[end]])
    samples = [(list[int](), StopFilter(stops)) for _ in seeds]
    masks = forbidden(model, allowed, end, min_new_tokens)
    start = checked_ids("prompt", prompt, model)
    columns = next_ids(model, start, seeds, settings, masks, start if seen is None else id_list(seen, model))
    with torch.inference_mode(), evaluation_mode(model):
        for column in islice(columns, positive_integer("max_new_tokens", max_new_tokens)):
            for place, (ids, stop_filter) in enumerate(samples):
                if not stop_filter.is_finished:
                    ids.extend(stop_filter.take(drawn(column, place, model)))
            if all(stop_filter.is_finished for _, stop_filter in samples):
                break
    return [ids + stop_filter.rest() for ids, stop_filter in samples]


def started(model: LanguageModel, prompt: list[int], n_samples: int) -> tuple[Tensor, Any]:
    """Returns the logits of what follows a prompt, ``(n_samples, V)``, and the state to go on from with ``model.step``.

    Args:
        model: Any language model.
        prompt: Ids of the model, at least one. Of more than the model's ``block_size`` the last ones count.
        n_samples: How many times they are to stand side by side.
    """
    ids = prompt if model.block_size is None else prompt[-model.block_size :]
    return model.start(torch.tensor([ids], device=model.device).expand(n_samples, -1))


def next_ids(
    model: LanguageModel,
    prompt: list[int],
    seeds: Sequence[int],
    settings: SamplingSettings,
    masks: Iterator[Tensor | None],
    seen: list[int],
) -> Iterator[list[int]]:
    """Yields without end the next id of each sample; ``vocab_size`` for one where none can be drawn.

    A sample that has ended goes on with the others, as only the model knows what its state is made of. To be asked for
    more in ``torch.inference_mode`` and in the model's evaluation mode.

    Args:
        model: Any language model.
        prompt: Ids of the model, at least one.
        seeds: What decides the draws of each sample.
        settings: How ids are chosen.
        masks: What ``forbidden`` returns.
        seen: The ids that a repetition penalty counts as there already.
    """
    device = model.device
    logits, state = started(model, prompt, len(seeds))
    dtype = torch.promote_types(logits.dtype, torch.float32)
    is_seen = None
    if settings.repetition_penalty is not None:
        is_seen = torch.zeros(logits.shape, dtype=torch.bool, device=device)
        is_seen[:, seen] = True
    for mask, points in zip(masks, uniform_points(seeds, dtype, device), strict=False):
        logits = logits.to(dtype)
        if mask is not None:
            logits = logits.masked_fill(mask, -torch.inf)
        ids = draw(settings.applied_to(logits, is_seen), points)
        column: list[int] = ids.tolist()
        yield column
        if model.vocab_size in column:
            ids = ids.clamp(max=model.vocab_size - 1)
        if is_seen is not None:
            is_seen.scatter_(1, ids[:, None], value=True)
        logits, state = model.step(ids, state)


def drawn(column: list[int], sample: int, model: LanguageModel) -> int:
    """Returns what ``next_ids`` gave for a sample.

    Raises:
        ValueError: No id could be drawn; names the sample.
    """
    if column[sample] == model.vocab_size:
        raise ValueError(
            f"there is no id to draw for sample {sample}: each that may come has probability zero, or a logit is NaN"
        )
    return column[sample]


def forbidden(
    model: LanguageModel, allowed: Ids | None, end: int | None = None, min_new_tokens: int = 0
) -> Iterator[Tensor | None]:
    """Yields without end, for the next place of a sample, which ids may not come, bool ``(V,)``; None where all may.

    Args:
        model: Whose ids they are, and on whose device the answers.
        allowed: The ids that may come anywhere; None for all.
        end: One that may come from place ``min_new_tokens`` on and not before, allowed or not.
        min_new_tokens: Without ``end`` it means nothing.

    Raises:
        ValueError: ``allowed`` is empty.
        TokenIdError: An id is not one of the model's.
    """
    if allowed is None and end is None:
        return repeat(None)
    mask = torch.ones(model.vocab_size, dtype=torch.bool)
    mask[slice(None) if allowed is None else checked_ids("allowed", allowed, model)] = False
    if end is None:
        return repeat(mask.to(model.device))
    early, late = mask.clone(), mask
    early[end], late[end] = True, False
    return chain(repeat(early.to(model.device), min_new_tokens), repeat(late.to(model.device)))


def stop_sequences(stop: Iterable[Ids] | None, model: LanguageModel) -> list[list[int]]:
    """Returns sequences of ids, none of them empty.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not an id of the model.
        ValueError: A sequence is empty, or has not one dimension.
    """
    return [] if stop is None else [checked_ids("each stop sequence", ids, model) for ids in stop]


def checked_ids(name: str, ids: Ids, model: LanguageModel) -> list[int]:
    """Returns at least one id.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not an id of the model.
        ValueError: There is none, or they have not one dimension.
    """
    array = as_id_array(ids.cpu() if isinstance(ids, Tensor) else ids, model.vocab_size)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be at least one id in one dimension, got shape {array.shape}")
    checked: list[int] = array.tolist()
    return checked


def id_list(ids: Ids, model: LanguageModel) -> list[int]:
    """Returns ids of any number and shape.

    Raises:
        TypeError: They are not integers.
        TokenIdError: One is not an id of the model.
    """
    return as_id_array(ids.cpu() if isinstance(ids, Tensor) else ids, model.vocab_size).ravel().tolist()
