from typing import Any

import numpy as np
import pytest
import torch

from charlm import BigramLanguageModel, generate
from chartok import TokenIdError


def deterministic_bigram() -> BigramLanguageModel:
    """After i comes i + 1, and after the last the first."""
    model = BigramLanguageModel(5)
    with torch.no_grad():
        model.table.copy_(100 * torch.eye(5).roll(1, dims=1))
    return model


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_what_the_model_is_sure_of_is_what_it_writes(temperature: float) -> None:
    ids = generate(deterministic_bigram(), [1, 2], max_new_tokens=6, temperature=temperature)
    assert ids.tolist() == [1, 2, 3, 4, 0, 1, 2, 3]


def test_the_seed_decides_and_the_global_state_stays() -> None:
    model = BigramLanguageModel(50, seed=0)
    before = torch.get_rng_state()
    first = generate(model, [0], max_new_tokens=40, seed=1)
    assert torch.equal(first, generate(model, [0], max_new_tokens=40, seed=1))
    assert not torch.equal(first, generate(model, [0], max_new_tokens=40, seed=2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[:21], generate(model, [0], max_new_tokens=20, seed=1))


def test_the_model_is_left_in_the_mode_it_was_in() -> None:
    model = BigramLanguageModel(5, seed=0)
    for mode in (True, False):
        generate(model.train(mode), [0], max_new_tokens=1)
        assert model.training is mode


def test_ids_are_made_on_the_device_of_the_model(device: torch.device) -> None:
    model = BigramLanguageModel(5, seed=0).to(device)
    ids = generate(model, np.array([1], dtype=np.uint8), max_new_tokens=3)
    assert (ids.device, ids.dtype, len(ids)) == (device, torch.int64, 4)


@pytest.mark.parametrize(
    ("prompt", "settings", "error", "message"),
    [
        ([], {}, ValueError, "prompt must be at least one id"),
        ([[0, 1]], {}, TypeError, "must be an integer"),
        (np.zeros((1, 2), dtype=int), {}, ValueError, "one dimension"),
        ([5], {}, TokenIdError, r"ids\[0\] is 5"),
        ([-1], {}, TokenIdError, r"ids\[0\] is -1"),
        ([0.5], {}, TypeError, "integer"),
        ([0], {"max_new_tokens": 0}, ValueError, "max_new_tokens must be at least 1"),
        ([0], {"temperature": -1.0}, ValueError, "temperature must not be negative"),
        ([0], {"temperature": float("nan")}, ValueError, "temperature must be finite"),
    ],
)
def test_bad_input_is_refused(prompt: Any, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        generate(BigramLanguageModel(5), prompt, **({"max_new_tokens": 3} | settings))
