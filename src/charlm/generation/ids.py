"""Generates ids, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

from charlm.generation.loop import checked_ids, continuation, continuations, id_list, stop_sequences
from charlm.generation.samples import as_asked
from charlm.generation.settings import SamplingKeywords, sampling_settings
from charlm.models.predictor import PredictingModel, check_model
from charlm.runtime.seeds import seeds_of_samples
from chartok import TokenIdError
from chartok.arguments import flag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Required, TypeAlias, Unpack

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.generation.settings import SamplingSettings
    from chartok.ids import Ids

    Scores: TypeAlias = NDArray[np.float64]
    Prompts: TypeAlias = Sequence[Sequence[int]] | Sequence[NDArray[np.integer[Any]]] | Sequence[Tensor]

IdsOut_co = TypeVar("IdsOut_co", covariant=True)


class GenerationKeywords(SamplingKeywords, total=False):
    """The keywords that the overloads of ``generate`` share."""

    max_new_tokens: Required[int]
    allowed: Ids | None
    stop: Iterable[Ids] | None
    seed: int | None
    seen: Ids | None
    settings: SamplingSettings | None


class MakesIds(PredictingModel, Protocol[IdsOut_co]):
    """A model that returns ids in one form: a tensor, or an array."""

    def as_ids(self, ids: list[int]) -> IdsOut_co:
        """Returns ids in that form."""


@overload
def generate(
    model: MakesIds[IdsOut_co],
    prompt: Prompts,
    *,
    n_samples: None = None,
    return_scores: Literal[False] = False,
    **keywords: Unpack[GenerationKeywords],
) -> list[IdsOut_co]: ...
@overload
def generate(  # type: ignore[overload-overlap]  # an array has __index__, as a number does
    model: MakesIds[IdsOut_co],
    prompt: Prompts,
    *,
    n_samples: None = None,
    return_scores: Literal[True],
    **keywords: Unpack[GenerationKeywords],
) -> tuple[list[IdsOut_co], list[Scores]]: ...
@overload
def generate(
    model: MakesIds[IdsOut_co],
    prompt: Prompts,
    *,
    n_samples: int,
    return_scores: Literal[False] = False,
    **keywords: Unpack[GenerationKeywords],
) -> list[list[IdsOut_co]]: ...
@overload
def generate(  # type: ignore[overload-overlap]  # an array has __index__, as a number does
    model: MakesIds[IdsOut_co],
    prompt: Prompts,
    *,
    n_samples: int,
    return_scores: Literal[True],
    **keywords: Unpack[GenerationKeywords],
) -> tuple[list[list[IdsOut_co]], list[list[Scores]]]: ...
@overload
def generate(
    model: MakesIds[IdsOut_co],
    prompt: Ids,
    *,
    n_samples: None = None,
    return_scores: Literal[False] = False,
    **keywords: Unpack[GenerationKeywords],
) -> IdsOut_co: ...
@overload
def generate(
    model: MakesIds[IdsOut_co],
    prompt: Ids,
    *,
    n_samples: None = None,
    return_scores: Literal[True],
    **keywords: Unpack[GenerationKeywords],
) -> tuple[IdsOut_co, Scores]: ...
@overload
def generate(
    model: MakesIds[IdsOut_co],
    prompt: Ids,
    *,
    n_samples: int,
    return_scores: Literal[False] = False,
    **keywords: Unpack[GenerationKeywords],
) -> list[IdsOut_co]: ...
@overload
def generate(
    model: MakesIds[IdsOut_co],
    prompt: Ids,
    *,
    n_samples: int,
    return_scores: Literal[True],
    **keywords: Unpack[GenerationKeywords],
) -> tuple[list[IdsOut_co], list[Scores]]: ...
def generate(  # noqa: PLR0913 - each is a setting that users name
    model: PredictingModel,
    prompt: Ids | Prompts,
    *,
    max_new_tokens: int,
    n_samples: int | None = None,
    allowed: Ids | None = None,
    stop: Iterable[Ids] | None = None,
    seed: int | None = 0,
    seen: Ids | None = None,
    return_scores: bool = False,
    settings: SamplingSettings | None = None,
    **sampling: Unpack[SamplingKeywords],
) -> Any:
    """Returns a prompt, or each of several, and the model's continuation of it, once or several times.

    Several prompts, of any lengths, and several samples of each are drawn in as few batches as is fast. Sample ``i`` of
    every prompt has the same random numbers, whatever else is drawn: apart from the model's logits, it depends neither
    on ``n_samples`` nor on the other prompts, and the first is the one drawn alone. The logits of a count model do not
    depend on the batch. Those of a neural model do, up to rounding, which occasionally changes a draw; identical texts
    in every batch are then likely, not guaranteed.

    The model computes in evaluation mode; its own mode is restored.

    Args:
        model: Any language model.
        prompt: The ids to continue, at least one, or a list of several such prompts. The model only sees the last
            ``block_size`` ids of each.
        max_new_tokens: The maximum number of ids to add to a sample.
        n_samples: How many samples of each prompt; None returns a single one, not in a list.
        allowed: The ids that may be added; None allows all.
        stop: Sequences of ids before which a sample ends: it is cut off before the first one generated.
        seed: Determines every draw; the same on every device. None draws a new one, which the logger ``charlm`` tells.
        seen: The ids that ``repetition_penalty`` treats as already present; None takes those of each prompt.
        return_scores: Whether to return, besides the samples, the natural logarithm of the probability that the model
            gives each id that was added. It is that of the model itself, as in ``score``: without temperature, penalty
            and the other settings, and among all ids, whichever are allowed.
        settings: How to sample.
        sampling: Fields of ``SamplingSettings``, which override ``settings``.

    Returns:
        int64 ``(T,)``, ``T`` at most ``len(prompt) + max_new_tokens``: a tensor on the model's device for a
        ``LanguageModel``, an array for a count model; a list of ``n_samples`` of them if ``n_samples`` is given, and
        for a list of prompts a list with that of each. With ``return_scores``, a pair of that and of as many float64
        arrays, ``(T - len(prompt),)``, in nats.

    Raises:
        ValueError: A prompt, ``allowed`` or a stop sequence is empty, or a setting is out of range; or at some point
            every allowed id has probability zero, or the model's logits are NaN. If one sample cannot continue, the
            call fails and names it.
        TokenIdError: An id of a prompt, of ``allowed`` or of a stop sequence is not in the vocabulary.
        TypeError: An argument is of the wrong type.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> model = BigramLanguageModel(5, seed=1)
        >>> generate(model, [3], max_new_tokens=6, seed=0).tolist()
        [3, 1, 4, 4, 4, 2, 0]
        >>> [ids.tolist() for ids in generate(model, [3], max_new_tokens=6, n_samples=2, stop=[[4, 2]])]
        [[3, 1, 4, 4], [3, 1, 4, 3, 0, 4, 3]]
        >>> samples, scores = generate(model, [[3], [0, 1]], max_new_tokens=3, return_scores=True)
        >>> samples[1].tolist(), scores[1].round(2)
        ([0, 1, 4, 3, 4], array([-0.4 , -0.27, -1.03]))
    """
    check_model(model)
    chosen = sampling_settings(settings, **sampling)
    several = _are_several(prompt)
    given: Any = prompt
    prompts = _checked_prompts(given, model.vocab_size) if several else [checked_ids("prompt", given, model.vocab_size)]
    found = continuations(
        model,
        prompts,
        seeds_of_samples(seed, n_samples),
        chosen,
        max_new_tokens=max_new_tokens,
        allowed=allowed,
        stop=stop_sequences(stop, model.vocab_size),
        seen=None if seen is None else [id_list("seen", seen, model.vocab_size)] * len(prompts),
        is_scored=flag("return_scores", return_scores),
    )
    ids = [
        [model.as_ids(before + sample.ids) for sample in samples]
        for before, samples in zip(prompts, found, strict=True)
    ]
    whole = as_asked(ids, several=several, n_samples=n_samples)
    if not return_scores:
        return whole
    scores = [[sample.log_probabilities for sample in samples] for samples in found]
    return whole, as_asked(scores, several=several, n_samples=n_samples)


def stream_ids(
    model: PredictingModel,
    prompt: Ids,
    *,
    max_new_tokens: int,
    allowed: Ids | None = None,
    stop: Iterable[Ids] | None = None,
    seed: int | None = 0,
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
    before = checked_ids("prompt", prompt, model.vocab_size)
    return continuation(
        model,
        before,
        sampling_settings(settings, **sampling),
        max_new_tokens=max_new_tokens,
        allowed=allowed,
        stop=stop_sequences(stop, model.vocab_size),
        seed=seed,
        seen=before if seen is None else id_list("seen", seen, model.vocab_size),
    )


def _are_several(prompt: Any) -> bool:  # noqa: ANN401 - whatever may hold ids
    """Returns whether a prompt is a list of prompts: whether one of its items has items itself."""
    return isinstance(prompt, list | tuple) and any(
        item.ndim > 0 if hasattr(item, "ndim") else isinstance(item, Iterable) for item in prompt
    )


def _checked_prompts(prompts: Iterable[Ids], vocab_size: int) -> list[list[int]]:
    """Returns several prompts as lists of ids; what is wrong with one has a note that says which it is."""
    checked = []
    for place, prompt in enumerate(prompts):
        try:
            checked.append(checked_ids(f"prompt[{place}]", prompt, vocab_size))
        except (TypeError, TokenIdError) as error:
            error.add_note(f"in prompt[{place}]")
            raise
    return checked
