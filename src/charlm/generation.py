"""Generating ids, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from charlm.arguments import positive_integer
from charlm.models import evaluation_mode
from charlm.sampling import check_temperature, draw
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from charlm.models import LanguageModel
    from chartok.ids import Ids


def generate(
    model: LanguageModel,
    prompt: Ids,
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """Returns the prompt and what the model goes on with.

    The model is put in evaluation mode while it generates and left in the mode it was in.

    Args:
        model: Any language model.
        prompt: The ids to continue, at least one.
        max_new_tokens: How many ids to add.
        temperature: Below 1 the likely become likelier, above 1 less so; 0 takes the likeliest each time.
        seed: Decides every draw.

    Returns:
        int64 ``(len(prompt) + max_new_tokens,)`` on the device of the model.

    Raises:
        ValueError: The prompt is empty, ``max_new_tokens`` is below 1, or the temperature is negative or not
            finite.
        TokenIdError: An id of the prompt is not one of the model's.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> generate(BigramLanguageModel(5, seed=1), [3], max_new_tokens=6, seed=0).tolist()
        [3, 2, 0, 4, 3, 4, 3]
    """
    before = as_id_array(prompt).tolist()
    with evaluation_mode(model):
        new = list(stream_ids(model, prompt, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed))
    return torch.tensor(before + new, dtype=torch.int64, device=model.device)


def stream_ids(
    model: LanguageModel,
    prompt: Ids,
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int = 0,
    allowed: Sequence[int] | None = None,
    end: int | None = None,
    min_new_tokens: int = 0,
) -> Iterator[int]:
    """Yields the ids that the model goes on with, each as soon as it is drawn.

    Args:
        model: Any language model, in the mode that it is in.
        prompt: The ids to continue, at least one.
        max_new_tokens: The most ids to yield.
        temperature: Below 1 the likely become likelier, above 1 less so; 0 takes the likeliest each time.
        seed: Decides every draw.
        allowed: The ids that may come, ``end`` apart; None allows all.
        end: The id after which nothing comes; it is not yielded.
        min_new_tokens: How many ids come before ``end`` may.

    Raises:
        ValueError: The prompt is empty, ``max_new_tokens`` is below 1, or the temperature is negative or not finite.
        TokenIdError: An id of the prompt is not one of the model's.

    Example:
        >>> from charlm import BigramLanguageModel
        >>> list(stream_ids(BigramLanguageModel(5, seed=1), [3], max_new_tokens=6, allowed=[0, 2]))
        [2, 0, 2, 2, 0, 2]
    """
    ids = as_id_array(prompt, model.vocab_size)
    if ids.ndim != 1 or not len(ids):
        raise ValueError(f"prompt must be at least one id in one dimension, got shape {ids.shape}")
    positive_integer("max_new_tokens", max_new_tokens)
    check_temperature(temperature)
    return _stream(
        model, ids.tolist(), max_new_tokens, temperature, seed, _masks(model, allowed, end), end, min_new_tokens
    )


def _stream(
    model: LanguageModel,
    prompt: list[int],
    max_new_tokens: int,
    temperature: float,
    seed: int,
    masks: tuple[Tensor, Tensor] | None,
    end: int | None,
    min_new_tokens: int,
) -> Iterator[int]:
    device = model.device
    generator = torch.Generator(device).manual_seed(seed)
    state = None
    with torch.inference_mode():
        for token_id in prompt[:-1]:
            _, state = model.step(torch.tensor([token_id], device=device), state)
        newest = torch.tensor(prompt[-1:], device=device)
    for drawn in range(max_new_tokens):
        with torch.inference_mode():
            logits, state = model.step(newest, state)
            if masks is not None:
                logits = logits + masks[drawn >= min_new_tokens]
            newest = draw(logits, temperature, generator)
        token_id = int(newest)
        if token_id == end:
            return
        yield token_id


def _masks(model: LanguageModel, allowed: Sequence[int] | None, end: int | None) -> tuple[Tensor, Tensor] | None:
    """Returns what to add to the logits before ``end`` may come and from then on; None where all ids may come."""
    if allowed is None and end is None:
        return None
    before = torch.full((model.vocab_size,), -torch.inf if allowed is not None else 0.0)
    if allowed is not None:
        before[list(allowed)] = 0
    after = before.clone()
    if end is not None:
        before[end], after[end] = -torch.inf, 0
    return before.to(model.device), after.to(model.device)
