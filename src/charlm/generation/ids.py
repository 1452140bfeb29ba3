"""Generating ids, one after the other."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from charlm.generation.loop import checked_ids, continuations, drawn, forbidden, id_list, next_ids, stop_sequences
from charlm.generation.settings import SamplingKeywords, SamplingSettings
from charlm.generation.stopping import StopFilter
from charlm.runtime.seeds import derived_seed
from chartok.arguments import integer, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Required, Unpack

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel, PredictingModel
    from chartok.ids import Ids


class GenerationKeywords(SamplingKeywords, total=False):
    """What the overloads of ``generate`` have in common."""

    max_new_tokens: Required[int]
    allowed: Ids | None
    stop: Iterable[Ids] | None
    seed: int
    seen: Ids | None
    settings: SamplingSettings | None


@overload
def generate(
    model: LanguageModel, prompt: Ids, *, n_samples: None = None, **keywords: Unpack[GenerationKeywords]
) -> Tensor: ...
@overload
def generate(
    model: LanguageModel, prompt: Ids, *, n_samples: int, **keywords: Unpack[GenerationKeywords]
) -> list[Tensor]: ...
@overload
def generate(
    model: CountModel, prompt: Ids, *, n_samples: None = None, **keywords: Unpack[GenerationKeywords]
) -> NDArray[np.int64]: ...
@overload
def generate(
    model: CountModel, prompt: Ids, *, n_samples: int, **keywords: Unpack[GenerationKeywords]
) -> list[NDArray[np.int64]]: ...
def generate(  # noqa: PLR0913 - each is a setting that users name
    model: PredictingModel,
    prompt: Ids,
    *,
    max_new_tokens: int,
    n_samples: int | None = None,
    allowed: Ids | None = None,
    stop: Iterable[Ids] | None = None,
    seed: int = 0,
    seen: Ids | None = None,
    settings: SamplingSettings | None = None,
    **sampling: Unpack[SamplingKeywords],
) -> Any:
    """Returns the prompt and what the model goes on with, once or several times.

    Several samples are drawn side by side. What decides the draws of one is its own: the model's logits aside, sample
    ``i`` does not depend on how many there are, and the first is what is drawn alone. A counted model gives the same
    logits in any company. A neural one gives them up to rounding, which now and then turns a draw; equal texts for
    every ``n_samples`` are then likely, not certain.

    The model is put in evaluation mode while it computes and left in the mode it was in.

    Args:
        model: Any language model.
        prompt: The ids to continue, at least one. Of more than the model's ``block_size`` it sees the last ones.
        max_new_tokens: The most ids to add to a sample.
        n_samples: How many samples; None gives one, not in a list.
        allowed: The ids that may be added; None allows all.
        stop: Sequences of ids before which a sample ends: it is cut off before the first that comes after the prompt.
        seed: Decides every draw; the same on every device.
        seen: The ids that ``repetition_penalty`` counts as there already; None takes the prompt.
        settings: How ids are chosen.
        sampling: Fields of ``SamplingSettings``, which count more than ``settings``.

    Returns:
        int64 ``(T,)``, ``T`` at most ``len(prompt) + max_new_tokens``, as a tensor on the device of a
        ``LanguageModel``, as an array of a count model; a list of ``n_samples`` where that is given.

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
        [3, 1, 4, 4, 4, 2, 0]
        >>> [ids.tolist() for ids in generate(model, [3], max_new_tokens=6, n_samples=2, stop=[[4, 2]])]
        [[3, 1, 4, 4], [3, 1, 4, 3, 0, 4, 3]]
    """
    chosen = (settings or SamplingSettings()).with_keywords(**sampling)
    others = [] if n_samples is None else range(1, positive_integer("n_samples", n_samples))
    seeds = [integer("seed", seed), *(derived_seed(seed, index) for index in others)]
    before = checked_ids("prompt", prompt, model.vocab_size)
    new = continuations(
        model, before, seeds, chosen, max_new_tokens=max_new_tokens, allowed=allowed, stop=stop, seen=seen
    )
    samples = [model.as_ids(before + ids) for ids in new]
    return samples[0] if n_samples is None else samples


def stream_ids(
    model: PredictingModel,
    prompt: Ids,
    *,
    max_new_tokens: int,
    allowed: Ids | None = None,
    stop: Iterable[Ids] | None = None,
    seed: int = 0,
    seen: Ids | None = None,
    settings: SamplingSettings | None = None,
    **sampling: Unpack[SamplingKeywords],
) -> Iterator[int]:
    """Yields what ``generate`` adds to the prompt, each id as soon as it is clear that no stop sequence includes it.

    Arguments are those of ``generate``, and checked when it is called. The model is in evaluation mode while an id is
    computed, and in the mode that it was in while the caller has control.

    Raises:
        ValueError: As for ``generate``.
        TokenIdError: As for ``generate``.
        TypeError: As for ``generate``.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> list(stream_ids(BigramLanguageModel(5, seed=1), [3], max_new_tokens=6, allowed=[0, 2]))
        [2, 0, 2, 2, 0, 0]
    """
    size = model.vocab_size
    chosen = (settings or SamplingSettings()).with_keywords(**sampling)
    start, stops, masks = checked_ids("prompt", prompt, size), stop_sequences(stop, size), forbidden(size, allowed)
    counted = start if seen is None else id_list(seen, size)
    columns = next_ids(model.predictor(), start, [integer("seed", seed)], chosen, masks, counted)
    return _stream(size, islice(columns, positive_integer("max_new_tokens", max_new_tokens)), StopFilter(stops))


def _stream(vocab_size: int, columns: Iterator[list[int]], stop_filter: StopFilter) -> Iterator[int]:
    for column in columns:
        yield from stop_filter.take(drawn(column, 0, vocab_size))
        if stop_filter.is_finished:
            break
    yield from stop_filter.rest()
