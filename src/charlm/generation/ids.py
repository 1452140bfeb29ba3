"""Generates ids, one after the other."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from charlm.generation.loop import checked_ids, continuations, drawn, forbidden, id_list, next_ids, stop_sequences
from charlm.generation.settings import SamplingKeywords, SamplingSettings
from charlm.generation.stopping import StopAutomaton, StopFilter
from charlm.models.predictor import check_model
from charlm.runtime.seeds import derived_seed
from chartok.arguments import integer, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Required, Unpack

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel, PredictingModel
    from chartok.ids import Ids


class GenerationKeywords(SamplingKeywords, total=False):
    """The keywords that the overloads of ``generate`` share."""

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
    """Returns the prompt and the model's continuation of it, once or several times.

    Several samples are drawn in one batch, each from its own random numbers: apart from the model's logits, sample
    ``i`` does not depend on ``n_samples``, and the first is the one drawn alone. The logits of a count model do not
    depend on the batch. Those of a neural model do, up to rounding, which occasionally changes a draw; identical texts
    for every ``n_samples`` are then likely, not guaranteed.

    The model computes in evaluation mode; its own mode is restored.

    Args:
        model: Any language model.
        prompt: The ids to continue, at least one. The model only sees the last ``block_size`` ids.
        max_new_tokens: The maximum number of ids to add to a sample.
        n_samples: How many samples; None returns a single one, not in a list.
        allowed: The ids that may be added; None allows all.
        stop: Sequences of ids before which a sample ends: it is cut off before the first one generated.
        seed: Determines every draw; the same on every device.
        seen: The ids that ``repetition_penalty`` treats as already present; None takes those of the prompt.
        settings: How to sample.
        sampling: Fields of ``SamplingSettings``, which override ``settings``.

    Returns:
        int64 ``(T,)``, ``T`` at most ``len(prompt) + max_new_tokens``: a tensor on the model's device for a
        ``LanguageModel``, an array for a count model; a list of ``n_samples`` of them if ``n_samples`` is given.

    Raises:
        ValueError: The prompt, ``allowed`` or a stop sequence is empty, or a setting is out of range; or at some point
            every allowed id has probability zero, or the model's logits are NaN. If one sample cannot continue, the
            call fails and names it.
        TokenIdError: An id of the prompt, of ``allowed`` or of a stop sequence is not in the vocabulary.
        TypeError: An argument is of the wrong type.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> model = BigramLanguageModel(5, seed=1)
        >>> generate(model, [3], max_new_tokens=6, seed=0).tolist()
        [3, 1, 4, 4, 4, 2, 0]
        >>> [ids.tolist() for ids in generate(model, [3], max_new_tokens=6, n_samples=2, stop=[[4, 2]])]
        [[3, 1, 4, 4], [3, 1, 4, 3, 0, 4, 3]]
    """
    check_model(model)
    chosen = (settings or SamplingSettings()).with_keywords(**sampling)
    others = [] if n_samples is None else range(1, positive_integer("n_samples", n_samples))
    seeds = [integer("seed", seed), *(derived_seed(seed, index) for index in others)]
    before = checked_ids("prompt", prompt, model.vocab_size)
    stops = stop_sequences(stop, model.vocab_size)
    new = continuations(
        model, before, seeds, chosen, max_new_tokens=max_new_tokens, allowed=allowed, stop=stops, seen=seen
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
    """Yields the ids that ``generate`` adds to the prompt, each once it cannot be part of a stop sequence.

    The arguments are those of ``generate`` and are checked at the call. The model is in evaluation mode only while an
    id is computed; its own mode is restored before each ``yield``.

    Raises:
        ValueError: As for ``generate``.
        TokenIdError: As for ``generate``.
        TypeError: As for ``generate``.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> list(stream_ids(BigramLanguageModel(5, seed=1), [3], max_new_tokens=6, allowed=[0, 2]))
        [2, 0, 2, 2, 0, 0]
    """
    check_model(model)
    return continuation(
        model,
        prompt,
        (settings or SamplingSettings()).with_keywords(**sampling),
        max_new_tokens=max_new_tokens,
        allowed=allowed,
        stop=stop_sequences(stop, model.vocab_size),
        seed=seed,
        seen=seen,
    )


def continuation(  # noqa: PLR0913 - as stream_ids
    model: PredictingModel,
    prompt: Ids,
    settings: SamplingSettings,
    *,
    max_new_tokens: int,
    allowed: Ids | None,
    stop: Iterable[list[int]],
    seed: int,
    seen: Ids | None,
    spelling: Mapping[int, list[int]] | None = None,
) -> Iterator[int]:
    """Yields the ids that ``stream_ids`` does, or their code points; ``continuations`` describes the arguments."""
    size = model.vocab_size
    start, masks = checked_ids("prompt", prompt, size), forbidden(size, allowed)
    stop_filter = StopFilter(StopAutomaton(stop))
    counted = start if seen is None else id_list(seen, size)
    columns = next_ids(model.predictor(), start, [integer("seed", seed)], settings, masks, counted)
    drawn_ids = (
        drawn(column, 0, size) for column in islice(columns, positive_integer("max_new_tokens", max_new_tokens))
    )
    return _passed(([token_id] if spelling is None else spelling[token_id] for token_id in drawn_ids), stop_filter)


def _passed(parts: Iterator[list[int]], stop_filter: StopFilter) -> Iterator[int]:
    for part in parts:
        yield from stop_filter.take_all(part)
        if stop_filter.is_finished:
            break
    yield from stop_filter.rest()
