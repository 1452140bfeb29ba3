"""Generating ids, one after the other."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, overload

import torch
from torch import Tensor

from charlm.generation.loop import checked_ids, continuations, drawn, forbidden, id_list, next_ids, stop_sequences
from charlm.generation.sampling import SamplingKeywords, SamplingSettings
from charlm.generation.stopping import StopFilter
from charlm.models.base import evaluation_mode
from charlm.runtime.seeding import derived_seed
from chartok.arguments import integer, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Required, Unpack

    from charlm.models.base import LanguageModel
    from chartok.ids import Ids


class GenerationKeywords(SamplingKeywords, total=False):
    """What else the overloads of ``generate`` have in common."""

    max_new_tokens: Required[int]
    allowed: Ids | None
    stop: Iterable[Ids] | None
    seed: int
    seen: Ids | None


@overload
def generate(
    model: LanguageModel, prompt: Ids, *, n_samples: None = None, **settings: Unpack[GenerationKeywords]
) -> Tensor: ...
@overload
def generate(
    model: LanguageModel, prompt: Ids, *, n_samples: int, **settings: Unpack[GenerationKeywords]
) -> list[Tensor]: ...
def generate(  # noqa: PLR0913 - each is a setting that users name
    model: LanguageModel,
    prompt: Ids,
    *,
    max_new_tokens: int,
    n_samples: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float | None = None,
    allowed: Ids | None = None,
    stop: Iterable[Ids] | None = None,
    seed: int = 0,
    seen: Ids | None = None,
) -> Tensor | list[Tensor]:
    """Returns the prompt and what the model goes on with, once or several times.

    Several samples are drawn side by side. What decides the draws of one is its own: the model's logits aside, sample
    ``i`` does not depend on how many there are, and the first is what is drawn alone. A counted model gives the same
    logits in any company. A neural one gives them up to rounding, which now and then turns a draw; equal texts for
    every ``n_samples`` are then likely, not certain.

    The model is put in evaluation mode while it generates and left in the mode it was in.

    Args:
        model: Any language model.
        prompt: The ids to continue, at least one. Of more than the model's ``block_size`` it sees the last ones.
        max_new_tokens: The most ids to add to a sample.
        n_samples: How many samples; None gives one, not in a list.
        temperature: Below 1 the likely become likelier, above 1 less so; 0 takes the likeliest each time.
        top_k: Draw from the ``top_k`` likeliest ids alone; more than there are takes all.
        top_p: Draw from the fewest likeliest ids whose probabilities sum to ``top_p``, above 0 and at most 1.
        min_p: Draw from the ids at least ``min_p`` times as likely as the likeliest, from 0 to 1.
        repetition_penalty: The power to which the probability of an id is raised that the sample has, the prompt
            included; above 1 it repeats itself less. See ``charlm.generation.sampling.penalize_repetition``.
        allowed: The ids that may be added; None allows all.
        stop: Sequences of ids before which a sample ends: it is cut off before the first that comes after the prompt.
        seed: Decides every draw; the same on every device.
        seen: The ids that ``repetition_penalty`` counts as there already; None takes the prompt.

    Returns:
        int64 ``(T,)`` on the device of the model, ``T`` at most ``len(prompt) + max_new_tokens``; a list of
        ``n_samples`` where that is given.

    Raises:
        ValueError: The prompt, ``allowed`` or a stop sequence is empty, or a setting is out of range; or at some point
            every id that may come has the probability zero, or the model's logits are NaN. One sample that cannot go
            on ends the call, and is named.
        TokenIdError: An id of the prompt, of ``allowed`` or of a stop sequence is not one of the model's.
        TypeError: An argument is of the wrong type.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> model = BigramLanguageModel(5, seed=1)
        >>> generate(model, [3], max_new_tokens=6, seed=0).tolist()
        [3, 2, 0, 4, 3, 4, 3]
        >>> [ids.tolist() for ids in generate(model, [3], max_new_tokens=6, n_samples=2, stop=[[4, 3]])]
        [[3, 2, 0], [3, 2, 0, 1, 3, 1, 3]]
    """
    settings = SamplingSettings(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty
    )
    others = [] if n_samples is None else range(1, positive_integer("n_samples", n_samples))
    seeds = [integer("seed", seed), *(derived_seed(seed, index) for index in others)]
    before = checked_ids("prompt", prompt, model)
    new = continuations(
        model, before, seeds, settings, max_new_tokens=max_new_tokens, allowed=allowed, stop=stop, seen=seen
    )
    samples = [torch.tensor(before + ids, dtype=torch.int64, device=model.device) for ids in new]
    return samples[0] if n_samples is None else samples


def stream_ids(  # noqa: PLR0913 - each is a setting that users name
    model: LanguageModel,
    prompt: Ids,
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float | None = None,
    allowed: Ids | None = None,
    stop: Iterable[Ids] | None = None,
    seed: int = 0,
    seen: Ids | None = None,
) -> Iterator[int]:
    """Yields what ``generate`` adds to the prompt, each id as soon as it is clear that no stop sequence includes it.

    Arguments are checked when it is called. The model is in evaluation mode while an id is computed, and in the mode
    that it was in while the caller has control.

    Raises:
        ValueError: As for ``generate``.
        TokenIdError: As for ``generate``.
        TypeError: As for ``generate``.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> list(stream_ids(BigramLanguageModel(5, seed=1), [3], max_new_tokens=6, allowed=[0, 2]))
        [2, 0, 2, 2, 0, 2]
    """
    settings = SamplingSettings(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty
    )
    start, stops, masks = checked_ids("prompt", prompt, model), stop_sequences(stop, model), forbidden(model, allowed)
    counted = start if seen is None else id_list(seen, model)
    columns = next_ids(model, start, [integer("seed", seed)], settings, masks, counted)
    return _stream(model, islice(columns, positive_integer("max_new_tokens", max_new_tokens)), StopFilter(stops))


def _stream(model: LanguageModel, columns: Iterator[list[int]], stop_filter: StopFilter) -> Iterator[int]:
    while not stop_filter.is_finished:
        with torch.inference_mode(), evaluation_mode(model):
            column = next(columns, None)
        if column is None:
            break
        yield from stop_filter.take(drawn(column, 0, model))
    yield from stop_filter.rest()
