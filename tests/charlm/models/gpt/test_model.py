"""Promises of the Transformer, checked against a slow one that follows the formulas with loops."""

import cmath
import copy
import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from charlm import GPT, GPTConfig, TextDataset, evaluate, generate
from charlm.models.context import ids_kept
from charlm.models.ngram.table import NGramTable
from lively_gpt import TINY, lively
from strategies import costly

LIVELY = lively()
TEXT = [int(token_id) for token_id in np.random.default_rng(2).integers(1, TINY.vocab_size, 90)] * 2
"""What a prior has counted; it has never met 0."""
ids_of_tiny = st.integers(0, TINY.vocab_size - 1)


def prompts(max_length: int) -> st.SearchStrategy[Tensor]:
    """Batches of one to three sequences of one length."""

    def batches(length: int) -> st.SearchStrategy[list[list[int]]]:
        return st.lists(st.lists(ids_of_tiny, min_size=length, max_size=length), min_size=1, max_size=3)

    return st.integers(1, max_length).flatmap(batches).map(torch.tensor)


def prior_of(order: int) -> NGramTable:
    return NGramTable.fit(TEXT, vocab_size=TINY.vocab_size, order=order)


def norm(x: Any) -> Any:
    return x / np.sqrt(np.mean(x**2) + np.finfo(np.float32).eps)


def counted_in(model: GPT, ids: list[int]) -> Any:
    """What the prior says of each position, float64 ``(T, K, V)`` and ``(T, 2 * K)``; None without one."""
    if model.prior is None:
        return None
    return [each[0].double().numpy() for each in model.prior.features(torch.tensor([ids]))]


def embedded(model: GPT, ids: list[int], weights: dict[str, Any]) -> list[Any]:
    """The embedding of each position, normalized."""
    config, counted = model.config, counted_in(model, ids)
    numbers = config.hashed_as or range(config.vocab_size)
    stream = []
    for position, token_id in enumerate(ids):
        x = weights["embedding.weight"][token_id].copy()
        value = numbers[token_id]
        for age in (1, 2, 3):
            before = numbers[ids[position - age]] if position >= age else -1
            value = (value * 1_000_003 + before) % (2**31 - 1)
            if config.hash_rows:
                x += weights[f"ngram_embeddings.{age - 1}.weight"][value % config.hash_rows]
        if counted is not None:
            log_probabilities, known = counted
            x += weights["from_prior.weight"] @ np.maximum(log_probabilities[position, -1] / 4 + 1, -1)
            x += weights["from_counts.weight"] @ known[position]
        stream.append(norm(x))
    return stream


def reference_logits(model: GPT, ids: list[int]) -> Any:
    """The last position's logits in float64, one position, head and pair at a time."""
    config, weights = model.config, {name: value.detach().double().numpy() for name, value in model.named_parameters()}

    def turned(x: Any, position: int) -> Any:
        half = len(x) // 2
        turns = [cmath.exp(1j * position / 10_000 ** (2 * pair / len(x))) for pair in range(half)]
        points = [complex(*pair) * turn for *pair, turn in zip(x[:half], x[half:], turns, strict=True)]
        return np.array([point.real for point in points] + [point.imag for point in points])

    stream = embedded(model, ids, weights)
    for layer in range(config.n_layers):
        matrix = {name.split(f"blocks.{layer}.")[1]: w for name, w in weights.items() if f"blocks.{layer}." in name}
        heads: list[list[Any]] = [[] for _ in stream]
        for head in np.split(np.arange(config.width), config.n_heads):
            queries, keys, values = (
                [(matrix[f"attention.{name}.weight"] @ norm(x))[head] for x in stream]
                for name in ("query", "key", "value")
            )
            queries = [turned(norm(query), position) for position, query in enumerate(queries)]
            keys = [turned(norm(key), position) for position, key in enumerate(keys)]
            for position, query in enumerate(queries):
                scores = np.exp([query @ key / math.sqrt(len(head)) for key in keys[: position + 1]])
                heads[position].append(sum(s * v for s, v in zip(scores / scores.sum(), values, strict=False)))
        for position, gathered in enumerate(heads):
            x = stream[position] + matrix["attention.project.weight"] @ np.concatenate(gathered)
            inner = np.maximum(matrix["mlp.expand.weight"] @ norm(x), 0) ** 2
            stream[position] = x + matrix["mlp.project.weight"] @ inner
    logits = 15 * np.tanh(weights["head.weight"] @ norm(stream[-1]) / 15)
    if (counted := counted_in(model, ids)) is None:
        return logits
    return logits + (weights["gate.weight"] @ norm(stream[-1]) + weights["gate.bias"]) @ counted[0][-1]


@costly()
@given(
    ids=st.lists(ids_of_tiny, min_size=1, max_size=6),
    hash_rows=st.sampled_from([0, 11]),
    n_heads=st.sampled_from([1, 2, 4]),
    hashed_as=st.sampled_from([(), (3, 1, 0, 2, 6, 5, 4), (2**31 - 1, 1, 2**30, 7, 8, 9, 10)]),
    order=st.sampled_from([None, 2, 3, 5]),
)
def test_the_logits_are_those_of_the_formulas(
    ids: list[int], hash_rows: int, n_heads: int, hashed_as: tuple[int, ...], order: int | None
) -> None:
    config = dataclasses.replace(TINY, hash_rows=hash_rows, n_heads=n_heads, hashed_as=hashed_as)
    model = lively(config, prior=None if order is None else prior_of(order))
    expected = reference_logits(model, ids)
    np.testing.assert_allclose(model.logits(torch.tensor([ids]))[0, -1].detach(), expected, rtol=1e-4, atol=1e-4)


@costly()
@given(prompts(TINY.block_size), st.integers(1, 6))
def test_no_position_depends_on_a_later_one(ids: Tensor, length: int) -> None:
    torch.testing.assert_close(LIVELY.logits(ids[:, :length]), LIVELY.logits(ids)[:, :length], rtol=0, atol=1e-5)


@costly()
@given(prompts(TINY.block_size))
def test_stepping_within_a_block_gives_the_logits_of_the_whole(ids: Tensor) -> None:
    expected = LIVELY.logits(ids)
    state = None
    for position in range(ids.shape[1]):
        logits, state = LIVELY.step(ids[:, position], state)
        torch.testing.assert_close(logits, expected[:, position], rtol=0, atol=1e-5)


@costly()
@given(prompts(16), st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_stepping_beyond_a_block_drops_the_older_half(
    ids: Tensor, block_size: int, least_room: int, has_prior: bool
) -> None:
    prior = prior_of(ids_kept(block_size) + 1) if has_prior else None
    model = lively(dataclasses.replace(TINY, block_size=block_size), prior=prior)
    state, start = None, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("charlm.models.transformer.LEAST_ROOM", least_room)
        for position in range(ids.shape[1]):
            if position - start == block_size:
                start = position - block_size // 2
            logits, state = model.step(ids[:, position], state)
            expected = model.logits(ids[:, start : position + 1])[:, -1]
            torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


def test_a_step_costs_a_few_positions_on_average(monkeypatch: pytest.MonkeyPatch) -> None:
    model = GPT(dataclasses.replace(TINY, block_size=64))
    passed = 0
    decoded = model._decoded

    def counting(x: Tensor, *rest: Any) -> Tensor:
        nonlocal passed
        passed += x.shape[1]
        return decoded(x, *rest)

    monkeypatch.setattr(model, "_decoded", counting)
    generate(model, [0], max_new_tokens=1000)
    assert 1000 <= passed < 2100


@pytest.mark.parametrize(("length", "seen"), [(1, 1), (6, 6), (7, 4), (20, 5)])
def test_a_prompt_passes_through_the_layers_at_once(monkeypatch: pytest.MonkeyPatch, length: int, seen: int) -> None:
    lengths = []
    decoded = LIVELY._decoded

    def counting(x: Tensor, *rest: Any) -> Tensor:
        lengths.append(x.shape[1])
        return decoded(x, *rest)

    monkeypatch.setattr(LIVELY, "_decoded", counting)
    generate(LIVELY, [0] * length, max_new_tokens=1)
    assert lengths[:1] == [seen]
    assert sum(lengths[1:]) <= TINY.block_size  # of the step that generate takes beyond what it gives


@pytest.mark.parametrize("at_once", [True, False])
def test_a_state_can_be_gone_on_from_twice(at_once: bool) -> None:
    ids = torch.tensor([[0, 1, 2], [3, 4, 5]])
    state = LIVELY.start(ids)[1] if at_once else None
    for position in range(0 if at_once else 3):
        _, state = LIVELY.step(ids[:, position], state)
    ways = [torch.tensor([[way, 6], [way, 6]]) for way in range(3)]
    middle = [LIVELY.step(way[:, 0], state) for way in ways]
    for way, (first, after) in zip(ways, middle, strict=True):
        expected = LIVELY.logits(torch.cat([ids, way], dim=1))
        torch.testing.assert_close(first, expected[:, -2])
        torch.testing.assert_close(LIVELY.step(way[:, 1], after)[0], expected[:, -1])


def test_a_state_can_leave_inference_mode_and_enter_it() -> None:
    ids = torch.tensor([[0, 1, 2, 3]])
    for modes in ([True, False, True, False], [False, True, True, False]):
        state = None
        for position, mode in enumerate(modes):
            with torch.inference_mode(mode):
                logits, state = LIVELY.step(ids[:, position], state)
        torch.testing.assert_close(logits, LIVELY.logits(ids)[:, -1])


def test_a_long_block_takes_no_memory_before_it_is_filled() -> None:
    model = GPT(dataclasses.replace(TINY, block_size=2**31))
    _, state = model.step(torch.tensor([0]))
    assert state.cache.memory.nbytes < 2**20


def test_a_new_model_takes_all_characters_for_about_equally_likely() -> None:
    ids = torch.arange(6)[None]
    _, loss = GPT(TINY)(ids, ids)
    assert loss is not None
    assert loss.item() == pytest.approx(math.log(7), abs=1e-2)


def test_the_seed_decides_the_weights_and_nothing_else_does() -> None:
    before = torch.get_rng_state()
    first = GPT(TINY, seed=1).state_dict()
    torch.manual_seed(5)
    assert all(torch.equal(value, first[name]) for name, value in GPT(TINY, seed=1).state_dict().items())
    assert not torch.equal(GPT(TINY, seed=2).state_dict()["embedding.weight"], first["embedding.weight"])
    torch.set_rng_state(before)
    GPT(TINY)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_made_without_memory_can_be_filled_and_initialized() -> None:
    with torch.device("meta"):
        model = GPT(dataclasses.replace(TINY, width=2**20, hash_rows=2**30))
        small = GPT(TINY)
    assert model.device.type == "meta"
    small.to_empty(device="cpu")
    assert small.initialize(3) is small
    expected = GPT(TINY, seed=3).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in small.state_dict().items())


def test_tensors_that_are_loaded_into_an_empty_model_are_all_there_is() -> None:
    with torch.device("meta"):
        model = GPT(TINY)
    model.to_empty(device="cpu").load_state_dict(LIVELY.state_dict())
    ids = torch.tensor([[0, 1, 2, 3]])
    assert torch.equal(model.eval().logits(ids), LIVELY.logits(ids))
    assert not list(model.buffers())


def test_the_names_of_the_tensors_stay() -> None:
    layer = ["attention.query", "attention.key", "attention.value", "attention.project", "mlp.expand", "mlp.project"]
    assert list(LIVELY.state_dict()) == [
        "embedding.weight",
        *(f"ngram_embeddings.{place}.weight" for place in range(3)),
        *(f"blocks.{place}.{name}.weight" for place in range(2) for name in layer),
        "head.weight",
    ]


def test_an_optimizer_can_tell_matrices_from_tables_and_the_head() -> None:
    linear = [module for module in LIVELY.modules() if isinstance(module, nn.Linear)]
    tables = [module for module in LIVELY.modules() if isinstance(module, nn.Embedding)]
    assert len(linear) + len(tables) == len(list(LIVELY.parameters()))
    assert [module for module in linear if module.out_features == TINY.vocab_size] == [LIVELY.head]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.5), (torch.float64, 1e-4)])
def test_a_model_of_another_dtype_gives_float32_logits_close_by(dtype: torch.dtype, tolerance: float) -> None:
    ids = torch.tensor([[0, 1, 2, 3, 4, 5]])
    model = copy.deepcopy(LIVELY).to(dtype)
    logits = model.logits(ids)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, LIVELY.logits(ids), rtol=0, atol=tolerance)
    torch.testing.assert_close(model.step(ids[:, 0])[0], logits[:, 0], rtol=0, atol=tolerance)


def test_the_model_follows_its_device(device: torch.device) -> None:
    model = copy.deepcopy(LIVELY).to(device)
    ids = torch.tensor([[0, 1, 2, 3]], device=device)
    torch.testing.assert_close(model.logits(ids).cpu(), LIVELY.logits(ids.cpu()), rtol=0, atol=1e-4)
    assert generate(model, [0], max_new_tokens=9).device == device


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_the_model_compiles_as_one_graph(backend: str) -> None:
    ids = torch.tensor([[0, 1, 2, 3]])
    compiled = torch.compile(LIVELY, fullgraph=True, backend=backend)
    logits, loss = compiled(ids, ids)
    expected_logits, expected_loss = LIVELY(ids, ids)
    torch.testing.assert_close(logits, expected_logits)
    torch.testing.assert_close(loss, expected_loss)


def test_dropout_works_in_training_alone() -> None:
    model = lively(dataclasses.replace(TINY, dropout=0.5))
    ids = torch.tensor([[0, 1, 2, 3]])
    assert torch.equal(model.logits(ids), model.logits(ids))
    assert torch.equal(model.logits(ids), LIVELY.logits(ids))
    with torch.random.fork_rng():
        assert not torch.equal(model.train().logits(ids), model.logits(ids))
    assert torch.equal(generate(model, [0], max_new_tokens=9), generate(LIVELY, [0], max_new_tokens=9))
    dataset = TextDataset([0, 1, 2, 3, 4, 5, 6, 0, 1], block_size=2)
    assert evaluate(model, dataset) == evaluate(LIVELY, dataset)


def test_gradients_reach_every_parameter_after_one_step() -> None:
    model = GPT(TINY)
    optimizer = torch.optim.AdamW(model.parameters())
    ids = torch.tensor([[0, 1, 2, 3, 4, 5]])
    for _ in range(2):
        optimizer.zero_grad()
        _, loss = model(ids, ids.roll(-1))
        assert loss is not None
        loss.backward()
        optimizer.step()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_settings_are_json_and_make_the_shape_again() -> None:
    model = GPT(GPTConfig(**{**dataclasses.asdict(TINY), "width": np.int64(8), "dropout": np.float32(0.5)}))
    again = GPT.from_settings(json.loads(json.dumps(model.settings())))
    assert again.config == model.config


@pytest.mark.parametrize("preset", [GPTConfig.nano, GPTConfig.small, GPTConfig.base])
def test_a_preset_is_a_sound_shape_for_any_vocabulary(preset: Any) -> None:
    with torch.device("meta"):
        assert GPT(preset(1000)).vocab_size == 1000


@pytest.mark.parametrize("config", [65, {"vocab_size": 65}, None])
def test_a_model_is_made_of_a_config(config: Any) -> None:
    with pytest.raises(TypeError, match="config must be a GPTConfig, got"):
        GPT(config)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"width": 10, "n_heads": 4}, ValueError, "width must be a multiple of 2 . n_heads.*width 10 and n_heads 4"),
        ({"width": 6, "n_heads": 2}, ValueError, "even size"),
        *(
            ({name: value}, ValueError, f"{name} must be at least 1, got {value}")
            for name in ("vocab_size", "block_size", "n_layers", "n_heads", "width")
            for value in (0, -1)
        ),
        ({"n_layers": 257}, ValueError, "n_layers must be at most 256, got 257"),
        ({"n_layers": 1.0}, TypeError, "n_layers must be an integer, got float"),
        ({"width": True}, TypeError, "width must be an integer, got bool"),
        ({"hash_rows": -1}, ValueError, "hash_rows must be at least 0, got -1"),
        ({"hash_rows": None}, TypeError, "hash_rows must be an integer, got NoneType"),
        ({"dropout": 1}, ValueError, "dropout must be at least 0 and below 1, got 1.0"),
        ({"dropout": -0.1}, ValueError, "dropout must be at least 0 and below 1"),
        ({"dropout": math.nan}, ValueError, "dropout must be finite"),
        ({"dropout": 10**400}, ValueError, "dropout must fit in a float"),
        ({"dropout": "0"}, TypeError, "dropout must be a number"),
    ],
    ids=str,
)
def test_a_shape_that_cannot_be_is_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dataclasses.replace(TINY, **changes)


def test_more_than_a_block_is_refused_with_both_lengths() -> None:
    ids = torch.zeros(1, 7, dtype=torch.int64)
    for call in (LIVELY.logits, LIVELY, lambda ids: LIVELY.log_probabilities(ids, ids)):
        with pytest.raises(ValueError, match="inputs must be at most block_size 6 long, got 7"):
            call(ids)
