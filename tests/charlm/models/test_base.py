"""Promises of the contract that every family keeps, and those of the bigram alone."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm import (
    BigramLanguageModel,
    ClassicGPTConfig,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextDataset,
)
from charlm.data.dataset import IGNORE_INDEX
from chartok import TokenIdError
from lively_classic_gpt import lively_classic
from lively_gpt import lively
from reference_model import Reference

GPT_CONFIG = GPTConfig(vocab_size=7, block_size=12, n_layers=2, n_heads=2, width=8, hash_rows=11)
CLASSIC_CONFIG = ClassicGPTConfig(vocab_size=7, block_size=12, n_layers=2, n_heads=2, width=8)


def make_models() -> list[LanguageModel]:
    text = torch.randint(0, 7, (500,), generator=torch.Generator().manual_seed(6))
    return [
        BigramLanguageModel(7, seed=3),
        BigramLanguageModel(7),
        BigramLanguageModel(7).fit(text),
        NGramLanguageModel(7, order=1).fit(text),
        NGramLanguageModel(7, order=4).fit(text),
        lively(GPT_CONFIG),
        lively_classic(CLASSIC_CONFIG),
        MixtureLanguageModel([BigramLanguageModel(7, seed=3), lively(GPT_CONFIG)]),
        MixtureLanguageModel([lively(GPT_CONFIG), NGramLanguageModel(7, order=4).fit(text)]),
        Reference(7, block_size=None),
        Reference(7, block_size=12),
    ]


every_model = pytest.mark.parametrize("model", make_models(), ids=lambda model: type(model).__name__)
IDS = torch.randint(0, 7, (4, 12), generator=torch.Generator().manual_seed(5))


@every_model
def test_logits_keep_their_shape_and_the_loss_is_the_mean_cross_entropy(model: LanguageModel) -> None:
    inputs, targets = IDS[:, :-1], IDS[:, 1:]
    logits, loss = model(inputs, targets)
    assert logits.shape == (4, 11, 7)
    expected = -sum(math.log(logits[b, t].softmax(0)[targets[b, t]].item()) for b in range(4) for t in range(11)) / 44
    assert loss is not None
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@every_model
@pytest.mark.parametrize("shape", [(4, 11), (4, 13), (12, 4), (48,), (1, 4, 12)])
def test_targets_of_another_shape_are_refused(model: LanguageModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="targets must have the inputs' shape"):
        model(IDS, torch.zeros(shape, dtype=torch.int64))


@every_model
@pytest.mark.parametrize("shape", [(5,), (), (1, 2, 3)])
def test_inputs_have_two_dimensions(model: LanguageModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"inputs must be \(B, T\), got shape"):
        model(torch.zeros(shape, dtype=torch.int64))


@every_model
def test_no_ids_give_no_logits(model: LanguageModel) -> None:
    for shape in ((4, 0), (0, 4), (0, 0)):
        assert model(torch.zeros(shape, dtype=torch.int64))[0].shape == (*shape, 7)


@every_model
def test_targets_are_optional(model: LanguageModel) -> None:
    logits, loss = model(IDS)
    assert loss is None
    assert torch.equal(logits, model(IDS, IDS)[0])


@every_model
def test_stepping_through_a_sequence_gives_the_logits_of_the_whole(model: LanguageModel) -> None:
    state = None
    for t in range(IDS.shape[1]):
        logits, state = model.step(IDS[:, t], state)
        torch.testing.assert_close(logits.float(), model.logits(IDS[:, : t + 1])[:, -1].float())


@every_model
@settings(max_examples=20)
@given(length=st.integers(1, 40))
def test_starting_from_a_prompt_leaves_what_stepping_through_it_leaves(model: LanguageModel, length: int) -> None:
    prompt = torch.randint(0, 7, (4, length), generator=torch.Generator().manual_seed(length))
    stepped = None
    for ids in prompt.unbind(dim=1):
        expected, stepped = model.step(ids, stepped)
    logits, state = model.start(prompt)
    torch.testing.assert_close(logits.float(), expected.float())
    for ids in IDS.unbind(dim=1):
        logits, state = model.step(ids, state)
        expected, stepped = model.step(ids, stepped)
        torch.testing.assert_close(logits.float(), expected.float())


@every_model
@pytest.mark.parametrize("shape", [(2, 0), (3,), (1, 2, 3), ()])
def test_a_prompt_is_of_rows_with_an_id_each(model: LanguageModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"inputs must be \(B, T\) with T at least 1, got shape"):
        model.start(torch.zeros(shape, dtype=torch.int64))


@every_model
def test_log_probabilities_are_those_of_the_logits(model: LanguageModel) -> None:
    inputs, targets = IDS[:, :-1], IDS[:, 1:]
    expected = model.logits(inputs).log_softmax(-1).gather(-1, targets[..., None]).squeeze(-1)
    torch.testing.assert_close(model.log_probabilities(inputs, targets), expected)


def test_the_default_step_sees_no_more_than_a_block() -> None:
    model = Reference(7, block_size=2)
    state = None
    for t in range(IDS.shape[1]):
        logits, state = model.step(IDS[:, t], state)
        torch.testing.assert_close(logits, model.logits(IDS[:, max(0, t - 1) : t + 1])[:, -1])


@every_model
def test_ignored_targets_do_not_count(model: LanguageModel) -> None:
    inputs, targets = IDS[:, :-1], IDS[:, 1:].clone()
    targets[:, 5:] = IGNORE_INDEX
    loss, expected = model(inputs, targets)[1], model(inputs[:, :5], targets[:, :5])[1]
    assert loss is not None
    assert expected is not None
    torch.testing.assert_close(loss, expected)


@every_model
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int32])
def test_ids_of_any_integer_dtype_will_do(model: LanguageModel, dtype: torch.dtype) -> None:
    assert torch.equal(model(IDS.to(dtype), IDS.to(dtype))[0], model(IDS, IDS)[0])


@every_model
@pytest.mark.parametrize("bad", [-1, 7, 1000])
def test_an_id_that_the_model_does_not_have_is_named(model: LanguageModel, bad: int) -> None:
    wrong = IDS.clone()
    wrong[1, 2] = bad
    for inputs, targets in ((wrong, None), (wrong, IDS), (IDS, wrong)):
        with pytest.raises(TokenIdError) as caught:
            model(inputs, targets)
        assert (caught.value.token_id, caught.value.position, caught.value.vocabulary_size) == (bad, 14, 7)


@every_model
@pytest.mark.parametrize("bad", [-1, 7, 1000])
def test_the_shortcuts_name_a_bad_id_as_forward_does(model: LanguageModel, bad: int) -> None:
    wrong = IDS.clone()
    wrong[1, 2] = bad
    calls: list[Any] = [
        lambda: model.log_probabilities(wrong, IDS),
        lambda: model.log_probabilities(IDS, wrong),
        lambda: model.start(wrong[:, :3]),
        lambda: model.step(wrong[:, 2]),
        lambda: model.step(wrong[:, 2], model.step(IDS[:, 1])[1]),
    ]
    for call in calls:
        with pytest.raises(TokenIdError) as caught:
            call()
        assert (caught.value.token_id, caught.value.vocabulary_size) == (bad, 7)


@every_model
@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_ids_that_are_no_integers_are_refused(model: LanguageModel, dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match="inputs must be integers"):
        model(IDS.to(dtype))
    with pytest.raises(TypeError, match="targets must be integers"):
        model(IDS, IDS.to(dtype))


@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (-1, ValueError), (6.5, TypeError), (True, TypeError)])
def test_vocab_size_is_a_positive_integer(size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="vocab_size must be"):
        BigramLanguageModel(size)


def test_a_bigram_without_a_seed_is_uniform_and_needs_no_randomness() -> None:
    before = torch.get_rng_state()
    _, loss = BigramLanguageModel(7)(IDS, IDS)
    assert loss is not None
    assert loss.item() == pytest.approx(math.log(7))
    BigramLanguageModel(7, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_seeded_bigram_has_the_notebooks_table() -> None:
    torch.manual_seed(21)
    assert torch.equal(BigramLanguageModel(9, seed=21).table, torch.nn.Embedding(9, 9).weight)


def test_the_bigram_follows_its_device(device: torch.device) -> None:
    model = BigramLanguageModel(7, seed=3).to(device)
    inputs = IDS.to(device)
    logits, loss = model(inputs, inputs)
    assert loss is not None
    assert {logits.device, loss.device, model.device, model.step(inputs[:, 0])[0].device} == {device}
    assert model.log_probabilities(inputs, inputs).device == device


def test_the_bigram_makes_no_tensor_on_another_device_than_its_own() -> None:
    with torch.device("meta"):
        model = BigramLanguageModel(7)
    inputs = IDS.to("meta")
    logits, loss = model(inputs, inputs)
    assert loss is not None
    assert logits.is_meta
    assert loss.is_meta
    assert model.step(inputs[:, 0])[0].is_meta
    assert model.log_probabilities(inputs, inputs).is_meta


@pytest.mark.parametrize("smoothing", [0, 0.5, 1, 3.0])
def test_a_fitted_bigram_has_the_counted_table(smoothing: float) -> None:
    texts = [IDS[0].tolist(), IDS[1].tolist(), [6], []]
    everything = [token_id for text in texts for token_id in text]
    model = BigramLanguageModel(8).fit(texts, smoothing=smoothing)
    for current in range(8):
        following = [b for text in texts for a, b in pairwise(text) if a == current] or everything
        for token_id in range(8):
            expected = (following.count(token_id) + smoothing) / (len(following) + 8 * smoothing)
            assert model.table[current, token_id].exp().item() == pytest.approx(expected, rel=1e-6)


def test_what_a_number_means_is_said_by_its_name() -> None:
    for call in (lambda: NGramLanguageModel(7, 3), lambda: BigramLanguageModel(7).fit(IDS[0], 0.5)):  # type: ignore[call-arg]  # the promise under test
        with pytest.raises(TypeError, match="positional argument"):
            call()


def test_no_table_beats_the_counted_one_on_its_text() -> None:
    model = BigramLanguageModel(7).fit(IDS[0], smoothing=0)
    optimum = model(IDS[:1, :-1], IDS[:1, 1:])[1]
    assert optimum is not None
    for seed in range(5):
        noise = torch.randn(7, 7, generator=torch.Generator().manual_seed(seed)) / 10
        other = torch.nn.functional.cross_entropy((model.table + noise)[IDS[0, :-1]], IDS[0, 1:])
        assert other > optimum


def test_the_table_stays_the_parameter_that_an_optimizer_holds() -> None:
    model = BigramLanguageModel(7)
    table = model.table
    assert model.fit(TextDataset(IDS[0], block_size=2)) is model
    assert model.table is table
    assert table.requires_grad


@pytest.mark.parametrize("size", [2, 255, 256, 300])
def test_a_bigram_is_counted_right_at_the_limits_of_the_dtypes(size: int) -> None:
    ids = np.array([0, size - 1, size - 1, 0], dtype=np.min_scalar_type(size - 1))
    model = BigramLanguageModel(size).fit(ids, smoothing=0)
    assert model.table[size - 1, [0, size - 1]].exp().tolist() == pytest.approx([0.5, 0.5])
    assert model.table[0, size - 1].item() == 0


@pytest.mark.parametrize(
    ("tokens", "smoothing", "error", "message"),
    [
        ([0, 1], -1, ValueError, "smoothing must not be negative"),
        ([0, 1], math.nan, ValueError, "smoothing must be finite"),
        ([0, 1], math.inf, ValueError, "smoothing must be finite"),
        ([0, 1], "1", TypeError, "smoothing must be a number"),
        ([], 1, ValueError, "contains no ids"),
        ([[], []], 1, ValueError, "contains no ids"),
        ([0, 7], 1, TokenIdError, r"ids\[1\] is 7"),
        ([0.5], 1, TypeError, "integers"),
        (np.zeros((2, 2), dtype=int), 1, ValueError, "must be one-dimensional"),
    ],
)
def test_a_bigram_refuses_bad_input_and_stays(
    tokens: Any, smoothing: Any, error: type[Exception], message: str
) -> None:
    model = BigramLanguageModel(7, seed=1)
    with pytest.raises(error, match=message):
        model.fit(tokens, smoothing=smoothing)
    assert torch.equal(model.table, BigramLanguageModel(7, seed=1).table)
