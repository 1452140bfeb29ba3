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
    from charlm.models import LanguageModel
    from chartok.ids import Ids


@torch.inference_mode()
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
        [3, 4, 3, 1, 4, 3, 4]
    """
    prompt_ids = as_id_array(prompt, model.vocab_size)
    if prompt_ids.ndim != 1 or not len(prompt_ids):
        raise ValueError(f"prompt must be at least one id in one dimension, got shape {prompt_ids.shape}")
    positive_integer("max_new_tokens", max_new_tokens)
    check_temperature(temperature)
    generator = torch.Generator(model.device).manual_seed(seed)
    ids = torch.as_tensor(prompt_ids, dtype=torch.int64, device=model.device)[:, None]
    generated = list(ids)
    state = None
    with evaluation_mode(model):
        for earlier in ids[:-1]:
            _, state = model.step(earlier, state)
        newest = ids[-1]
        for _ in range(max_new_tokens):
            logits, state = model.step(newest, state)
            newest = draw(logits, temperature, generator)
            generated.append(newest)
    return torch.cat(generated)
