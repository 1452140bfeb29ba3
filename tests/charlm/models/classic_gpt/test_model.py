"""Promises of the classic Transformer, checked against a slow one that follows the formulas with loops."""

import copy
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from charlm import (
    BatchSampler,
    ClassicGPT,
    ClassicGPTConfig,
    TextDataset,
    Trainer,
    TrainerConfig,
    evaluate,
    generate,
    load_model,
    save_model,
)
from chartok import Vocabulary
from lively_classic_gpt import CLASSIC, lively_classic
from strategies import costly

LIVELY = lively_classic()
ids_of_tiny = st.integers(0, CLASSIC.vocab_size - 1)
settings: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"gelu": st.sampled_from(["exact", "tanh"]), "biases": st.booleans(), "is_tied": st.booleans()}
)
every_setting = pytest.mark.parametrize(
    "config",
    [
        CLASSIC,
        dataclasses.replace(CLASSIC, is_tied=False),
        dataclasses.replace(CLASSIC, biases=False, gelu="tanh", context_only=(2, 5)),
    ],
    ids=["as in nanoGPT", "with a head of its own", "without biases"],
)


def prompts(max_length: int) -> st.SearchStrategy[Tensor]:
    """Batches of one to three sequences of one length."""

    def batches(length: int) -> st.SearchStrategy[list[list[int]]]:
        return st.lists(st.lists(ids_of_tiny, min_size=length, max_size=length), min_size=1, max_size=3)

    return st.integers(1, max_length).flatmap(batches).map(torch.tensor)


def gelu_of(x: Any, gelu: str) -> Any:
    """``x`` times the probability that a standard normal is below it, or the usual approximation of that."""
    if gelu == "exact":
        return np.array([value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in x])
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def reference_logits(model: ClassicGPT, ids: list[int]) -> Any:
    """The last position's logits in float64, one position, head and pair at a time."""
    config, weights = model.config, {name: value.double().numpy() for name, value in model.state_dict().items()}

    def linear(name: str, x: Any) -> Any:
        return weights[f"{name}.weight"] @ x + weights.get(f"{name}.bias", 0)

    def norm(name: str, x: Any) -> Any:
        scaled = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
        return scaled * weights[f"{name}.weight"] + weights.get(f"{name}.bias", 0)

    places, characters = weights["positions.weight"], weights["embedding.weight"]
    stream = [characters[token_id] + places[place] for place, token_id in enumerate(ids)]
    for layer in (f"blocks.{number}" for number in range(config.n_layers)):
        seen = [np.split(linear(f"{layer}.attention.attend", norm(f"{layer}.attention_norm", x)), 3) for x in stream]
        for place in range(len(stream)):
            gathered = []
            for head in np.split(np.arange(config.width), config.n_heads):
                scores = [seen[place][0][head] @ key[head] / math.sqrt(len(head)) for _, key, _ in seen[: place + 1]]
                shares = np.exp(scores) / np.exp(scores).sum()
                gathered += list(sum(share * seen[before][2][head] for before, share in enumerate(shares)))
            stream[place] = stream[place] + linear(f"{layer}.attention.project", np.array(gathered))
        for place, x in enumerate(stream):
            inner = gelu_of(linear(f"{layer}.mlp.expand", norm(f"{layer}.mlp_norm", x)), config.gelu)
            stream[place] = x + linear(f"{layer}.mlp.project", inner)
    return weights.get("head.weight", characters) @ norm("norm", stream[-1])


@costly()
@given(
    ids=st.lists(ids_of_tiny, min_size=1, max_size=6),
    n_heads=st.sampled_from([1, 2, 4, 8]),
    seed=st.integers(0, 3),
    changes=settings,
)
def test_the_logits_are_those_of_the_formulas(ids: list[int], n_heads: int, seed: int, changes: dict[str, Any]) -> None:
    model = lively_classic(dataclasses.replace(CLASSIC, n_heads=n_heads, **changes), seed=seed)
    expected = reference_logits(model, ids)
    np.testing.assert_allclose(model.logits(torch.tensor([ids]))[0, -1].detach(), expected, rtol=1e-4, atol=1e-4)


@costly()
@given(prompts(CLASSIC.block_size), st.integers(1, 6))
def test_no_position_depends_on_a_later_one(ids: Tensor, length: int) -> None:
    torch.testing.assert_close(LIVELY.logits(ids[:, :length]), LIVELY.logits(ids)[:, :length], rtol=0, atol=1e-5)


@costly()
@given(prompts(16), st.integers(1, 5), settings)
def test_stepping_gives_the_logits_of_the_whole_and_beyond_a_block_drops_the_older_half(
    ids: Tensor, block_size: int, changes: dict[str, Any]
) -> None:
    model = lively_classic(dataclasses.replace(CLASSIC, block_size=block_size, **changes))
    state, start = None, 0
    for position in range(ids.shape[1]):
        if position - start == block_size:
            start = position - block_size // 2
        logits, state = model.step(ids[:, position], state)
        expected = model.logits(ids[:, start : position + 1])[:, -1]
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


def test_the_gelus_differ_a_little() -> None:
    ids = torch.tensor([[0, 1, 2, 3]])
    other = lively_classic(dataclasses.replace(CLASSIC, gelu="tanh"))
    difference = (other.logits(ids) - LIVELY.logits(ids)).abs().max()
    assert 1e-5 < difference < 0.1


def test_a_new_model_takes_all_characters_for_about_equally_likely() -> None:
    ids = torch.arange(6)[None]
    _, loss = ClassicGPT(CLASSIC)(ids, ids.roll(1))
    assert loss is not None
    assert loss.item() == pytest.approx(math.log(7), abs=0.1)


def test_new_weights_are_drawn_as_is_said() -> None:
    model = ClassicGPT(ClassicGPTConfig(vocab_size=500, block_size=300, n_layers=2, n_heads=2, width=200), seed=1)
    for name, parameter in model.named_parameters():
        deviation = 0.02 / math.sqrt(4) if name.endswith("project.weight") else 0.02
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif parameter.ndim == 1:
            assert (parameter == 1).all(), name
        else:
            assert parameter.std().item() == pytest.approx(deviation, rel=0.02), name
            assert parameter.mean().item() == pytest.approx(0, abs=deviation / 50), name


def test_the_seed_decides_the_weights_and_nothing_else_does() -> None:
    before = torch.get_rng_state()
    first = ClassicGPT(CLASSIC, seed=1).state_dict()
    torch.manual_seed(5)
    assert all(torch.equal(value, first[name]) for name, value in ClassicGPT(CLASSIC, seed=1).state_dict().items())
    assert not torch.equal(ClassicGPT(CLASSIC, seed=2).state_dict()["embedding.weight"], first["embedding.weight"])
    torch.set_rng_state(before)
    ClassicGPT(CLASSIC)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_made_without_memory_can_be_filled_and_initialized() -> None:
    with torch.device("meta"):
        assert ClassicGPT(dataclasses.replace(CLASSIC, width=2**24)).device.type == "meta"
        small = ClassicGPT(CLASSIC)
    small.to_empty(device="cpu")
    assert small.initialize(3) is small
    expected = ClassicGPT(CLASSIC, seed=3).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in small.state_dict().items())


def test_the_names_of_the_tensors_stay() -> None:
    parts = ["attention_norm", "attention.attend", "attention.project", "mlp_norm", "mlp.expand", "mlp.project"]
    layers = [f"blocks.{place}.{name}.{kind}" for place in range(2) for name in parts for kind in ("weight", "bias")]
    names = ["embedding.weight", "positions.weight", *layers, "norm.weight", "norm.bias"]
    assert list(LIVELY.state_dict()) == names
    own_head = ClassicGPT(dataclasses.replace(CLASSIC, is_tied=False, biases=False)).state_dict()
    assert list(own_head) == [*(name for name in names if not name.endswith("bias")), "head.weight"]


@every_setting
def test_matrices_of_the_layers_decay_and_embeddings_biases_and_gains_do_not(config: ClassicGPTConfig) -> None:
    model = ClassicGPT(config)
    groups = model.parameter_groups()
    parts = ["attention.attend", "attention.project", "mlp.expand", "mlp.project"]
    assert groups.hidden_matrices == {f"blocks.{place}.{name}.weight" for place in range(2) for name in parts}
    assert groups.decayed == (set() if config.is_tied else {"head.weight"})
    assert groups.hashed_tables == frozenset()


@every_setting
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_learns_with_either_optimizer(config: ClassicGPTConfig, optimizer: Any) -> None:
    ids = [0, 1, 3, 4, 6] * 30
    model, dataset = ClassicGPT(config), TextDataset(ids, block_size=6)
    before = evaluate(model, dataset).nats_per_character
    config_of_run = TrainerConfig(max_steps=30, learning_rate=0.02, optimizer=optimizer, weight_decay=0.1)
    Trainer(model, BatchSampler(dataset, 8), config=config_of_run).fit()
    assert evaluate(model, dataset).nats_per_character < before / 2


@every_setting
def test_a_file_holds_it_whole(config: ClassicGPTConfig, tmp_path: Path) -> None:
    model = lively_classic(config)
    save_model(tmp_path / "model", model, Vocabulary("abcdefg"))
    loaded, _ = load_model(tmp_path / "model")
    assert isinstance(loaded, ClassicGPT)
    assert loaded.config == config
    ids = torch.tensor([[0, 1, 2, 3]])
    assert torch.equal(loaded.logits(ids), model.logits(ids))
    assert (loaded.head is None) == config.is_tied


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.5), (torch.float16, 0.1), (torch.float64, 1e-4)])
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
def test_the_model_compiles_as_one_graph() -> None:
    ids = torch.tensor([[0, 1, 2, 3]])
    logits, loss = torch.compile(LIVELY, fullgraph=True, backend="eager")(ids, ids)
    expected_logits, expected_loss = LIVELY(ids, ids)
    torch.testing.assert_close(logits, expected_logits)
    torch.testing.assert_close(loss, expected_loss)


def test_dropout_works_in_training_alone() -> None:
    model = lively_classic(dataclasses.replace(CLASSIC, dropout=0.5))
    ids = torch.tensor([[0, 1, 2, 3]])
    assert torch.equal(model.logits(ids), LIVELY.logits(ids))
    with torch.random.fork_rng():
        assert not torch.equal(model.train().logits(ids), model.logits(ids))
    assert torch.equal(generate(model, [0], max_new_tokens=9), generate(LIVELY, [0], max_new_tokens=9))


def test_settings_are_json_and_make_the_shape_again() -> None:
    changes: dict[str, Any] = {"width": np.int64(8), "dropout": np.float32(0.5), "context_only": [2]}
    model = ClassicGPT(ClassicGPTConfig(**{**dataclasses.asdict(CLASSIC), **changes}))
    again = ClassicGPT.from_settings(json.loads(json.dumps(model.settings())))
    assert again.config == model.config


@pytest.mark.parametrize("preset", [ClassicGPTConfig.nano, ClassicGPTConfig.small, ClassicGPTConfig.base])
def test_a_preset_is_a_sound_shape_for_any_vocabulary(preset: Any) -> None:
    with torch.device("meta"):
        assert ClassicGPT(preset(1000)).vocab_size == 1000


@pytest.mark.parametrize("config", [65, {"vocab_size": 65}, None])
def test_a_model_is_made_of_a_config(config: Any) -> None:
    with pytest.raises(TypeError, match="config must be a ClassicGPTConfig, got"):
        ClassicGPT(config)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"width": 10, "n_heads": 4}, ValueError, "width must be a multiple of n_heads: got width 10 and n_heads 4"),
        ({"n_layers": 257}, ValueError, "n_layers must be at most 256, got 257"),
        ({"block_size": 0}, ValueError, "block_size must be at least 1, got 0"),
        ({"width": 2**31 + 2}, ValueError, "width must be at most 2147483648"),
        ({"dropout": 1}, ValueError, "dropout must be at least 0 and below 1, got 1.0"),
        ({"gelu": "new"}, ValueError, "gelu must be one of exact, tanh, got 'new'"),
        ({"gelu": []}, ValueError, r"gelu must be one of exact, tanh, got \[\]"),
        ({"biases": 1}, TypeError, "biases must be True or False, got 1"),
        ({"is_tied": "yes"}, TypeError, "is_tied must be True or False, got 'yes'"),
        ({"context_only": [7]}, ValueError, "context_only must be ids 0 to 6, got 7"),
    ],
    ids=str,
)
def test_a_shape_that_cannot_be_is_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dataclasses.replace(CLASSIC, **changes)


def test_more_than_a_block_is_refused_with_both_lengths() -> None:
    ids = torch.zeros(1, 7, dtype=torch.int64)
    for call in (LIVELY.logits, LIVELY, lambda ids: LIVELY.log_probabilities(ids, ids)):
        with pytest.raises(ValueError, match="inputs must be at most block_size 6 long, got 7"):
            call(ids)
