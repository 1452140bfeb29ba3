"""What a model file counts on is checked: whatever loads gives log-probabilities of at most 0, in the dtype saved."""

import copy
import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors import safe_open

from charlm import (
    BigramLanguageModel,
    CharLM,
    CheckpointCorruptError,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    load_arpa,
    load_model,
    save_arpa,
    save_model,
)
from charlm.files.model_arrays import hashed_parts
from charlm.files.model_file import load_stored_model
from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.table import NGramTable
from charlm.models.predictor import log_softmax
from charlm.models.registry import as_language_model
from chartok import Vocabulary
from chartok.files.envelope import sealed
from lively_classic_gpt import lively_classic
from lively_gpt import TINY, lively
from strategies import costly

VOCABULARY = Vocabulary("abcdefg")
SIZE = VOCABULARY.size
IDS = [0, 1, 2, 0, 1, 3, 4, 5, 6, 2, 0, 1, 2] * 3
TEXTS = ["abcdefgabcgg", "a", "gfedcba" * 3]
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def ngram(order: int = 3) -> NGramLanguageModel:
    return NGramLanguageModel(SIZE, order=order).fit(IDS).eval()


def mixture() -> MixtureLanguageModel:
    return MixtureLanguageModel([lively(), ngram(), BigramLanguageModel(SIZE, seed=2)]).eval()


MODELS = {
    "gpt": lively(),
    "classic-gpt": lively_classic(),
    "bigram": BigramLanguageModel(SIZE, seed=1).eval(),
    "ngram": ngram(),
    "mixture": mixture(),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def write(path: Path, model: LanguageModel, tensors: Mapping[str, torch.Tensor], **settings: Any) -> None:
    """Writes a file whose checksum is right, with other tensors or settings than those of the model."""
    save_model(path, model, VOCABULARY)
    with safe_open(path, "pt") as file:
        content = json.loads(file.metadata()["charlm"])
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    found |= dict(tensors)
    content["settings"] |= settings
    content = sealed(content, more=hashed_parts(found))
    path.write_bytes(safetensors.torch.save(found, {"charlm": json.dumps(content)}))


def dtypes(model: LanguageModel) -> dict[str, torch.dtype]:
    return {name: tensor.dtype for name, tensor in model.state_dict().items()}


@every_dtype
@every_model
def test_a_model_of_any_dtype_comes_back_with_its_dtype_and_its_scores(
    path: Path, model: LanguageModel, dtype: torch.dtype
) -> None:
    model = copy.deepcopy(model).to(dtype)
    lm = CharLM(model, VOCABULARY)
    lm.save(path)
    loaded, _ = load_model(path)
    assert dtypes(loaded) == dtypes(model)
    assert not loaded.training
    ids = torch.tensor([IDS[:6]])
    logits = loaded.logits(ids)
    assert logits.dtype == model.logits(ids).dtype
    assert logits.dtype in (torch.float32, torch.float64)
    assert torch.equal(logits, model.logits(ids))
    scores = CharLM(loaded, VOCABULARY).score_samples(TEXTS)
    np.testing.assert_array_equal(scores, lm.score_samples(TEXTS))
    np.testing.assert_allclose(CharLM.load(path).score_samples(TEXTS), scores, rtol=1e-6)
    again = CharLM.load(path).model
    assert again.logits(ids).dtype in (torch.float32, torch.float64)


@pytest.mark.parametrize("scale", [1, 30, 1000])
def test_a_transformer_in_float16_scores_finitely_on_the_cpu(scale: int) -> None:
    exact = lively()
    with torch.no_grad():
        for parameter in exact.parameters():
            parameter.mul_(scale)
    half = copy.deepcopy(exact).half()
    found, expected = (CharLM(model, VOCABULARY).score_samples(TEXTS) for model in (half, exact))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=0.1)
    ids = torch.tensor([IDS[:6]])
    state = None
    for place in range(6):
        logits, state = half.step(ids[:, place], state)
        torch.testing.assert_close(logits, half.logits(ids)[:, place], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "weights",
    [
        [[2.0, -1.0, 0.0]] * 3,
        [[1.0, 1.0, 1.0]] * 3,
        [[0.5, 0.25, 0.25], [0.5, 0.5, 0.5], [1, 0, 0]],
        [[1.01, 0.0, 0.0]] * 3,
        [[0.0, 0.0, 0.0]] * 3,
        [[math.nan, 0.5, 0.5]] * 3,
        [[math.inf, 0.0, 0.0]] * 3,
        [[1e30, 0.0, 0.0]] * 3,
    ],
    ids=str,
)
@every_dtype
def test_weights_of_a_mixture_that_are_no_shares_of_one_are_refused(
    path: Path, weights: list[list[float]], dtype: torch.dtype
) -> None:
    write(path, mixture(), {"weights": torch.tensor(weights).to(dtype)})
    with pytest.raises(CheckpointCorruptError, match="each row must add up to 1"):
        load_model(path)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.uint8])
def test_weights_of_a_mixture_that_are_no_floats_are_refused(path: Path, dtype: torch.dtype) -> None:
    write(path, mixture(), {"weights": torch.tensor([[1, 0, 0]] * 3, dtype=dtype)})
    with pytest.raises(CheckpointCorruptError, match="weights must be floating point"):
        load_model(path)


@costly(30)
@given(
    weights=st.lists(st.floats(0.001, 1), min_size=3, max_size=3),
    dtype=st.sampled_from(DTYPES),
    certain=st.booleans(),
)
def test_a_mixture_of_any_dtype_sums_to_one_and_never_exceeds_it(
    weights: list[float], dtype: torch.dtype, certain: bool
) -> None:
    parts: list[LanguageModel] = [lively(), ngram(), BigramLanguageModel(SIZE, seed=2)]
    if certain:  # all agree on one id, so that the sum of the weights is its probability
        parts = [BigramLanguageModel(SIZE) for _ in range(3)]
        with torch.no_grad():
            for part in parts:
                next(part.parameters())[:, 1:] = -torch.inf
    mixed = MixtureLanguageModel(parts).eval()
    mixed.weights.copy_((torch.tensor(weights) / sum(weights)).expand_as(mixed.weights))
    mixed = mixed.to(dtype)
    logits = mixed.logits(torch.tensor([IDS]))
    assert (logits <= 0).all()
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones_like(logits[..., 0]), rtol=0, atol=1e-5)
    assert (mixed.log_probabilities(torch.tensor([IDS]), torch.tensor([IDS])) <= 0).all()


def numbers(largest: float, count: int) -> st.SearchStrategy[NDArray[np.float64]]:
    """Numbers of that size, of which now and then one is none."""
    number = st.floats(-largest, largest) | st.sampled_from([0.0, largest, -largest, 1.0, -1.0])
    odd = st.dictionaries(st.integers(0, count - 1), st.sampled_from([math.inf, -math.inf, math.nan]), max_size=1)
    finite = st.lists(number, min_size=count, max_size=count).map(np.array)
    return st.builds(put, finite, st.just({}) | odd)


def put(numbers: NDArray[np.float64], places: dict[int, float]) -> NDArray[np.float64]:
    changed = numbers.copy()
    for place, value in places.items():
        changed[place] = value
    return changed


def assert_at_most_zero(lm: CharLM) -> None:
    predictor = lm.predictor
    ids = np.array(IDS)
    rows = [predictor.scores(ids, np.array([len(ids)])), *predictor.distributions(ids)]
    found, state = predictor.start(ids[None, :3])
    steps = [found]
    for token_id in IDS:
        found, state = predictor.step(np.array([token_id]), state)
        steps.append(found)
    rows += map(log_softmax, steps) if lm.family == "bigram" else steps
    assert all((row <= 0).all() for row in rows)  # NaN is not either


@costly(30, share=0.2)
@given(
    data=st.data(),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    largest=st.sampled_from([10.0, 6e4, 1e30, 3e38]),
)
def test_no_table_of_n_grams_that_loads_gives_a_log_probability_above_zero(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, dtype: Any, largest: float
) -> None:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model = NGramLanguageModel(SIZE, order=3).fit(IDS)
    table = model.table
    changed = {
        "log_probabilities": -np.abs(data.draw(numbers(largest, len(table)))),
        "log_backoffs": data.draw(numbers(largest, len(table.log_backoffs))),
    }
    with np.errstate(over="ignore"):
        arrays = {f"table.{name}": torch.from_numpy(some.astype(dtype)) for name, some in changed.items()}
    write(path, model, arrays)
    try:
        loaded, _ = load_model(path)
    except CheckpointCorruptError:
        return
    assert_at_most_zero(CharLM.load(path))
    assert_at_most_zero(CharLM(loaded, VOCABULARY))
    assert (loaded.logits(torch.tensor([IDS])) <= 0).all()
    assert_at_most_zero(CharLM(MixtureLanguageModel([lively(), loaded]).eval(), VOCABULARY))


def test_weights_of_contexts_in_float16_may_add_up_to_more_than_it_holds(path: Path) -> None:
    model = NGramLanguageModel(SIZE, order=5).fit(IDS)
    backoffs = torch.full((len(model.table.log_backoffs),), -60_000.0, dtype=torch.float16)
    write(path, model, {"table.log_backoffs": backoffs})
    assert_at_most_zero(CharLM.load(path))
    assert CharLM.load(path).predictor.history == 4


@costly(30)
@given(data=st.data(), dtype=st.sampled_from(DTYPES), largest=st.sampled_from([10.0, 6e4, 3e38]))
def test_no_table_of_logits_that_loads_gives_a_log_probability_above_zero(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, dtype: torch.dtype, largest: float
) -> None:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    logits = torch.from_numpy(data.draw(numbers(largest, SIZE**2))).to(dtype)
    write(path, BigramLanguageModel(SIZE), {"table": logits.view(SIZE, SIZE)})
    try:
        loaded, _ = load_model(path)
    except CheckpointCorruptError:
        return
    assert_at_most_zero(CharLM.load(path))
    inputs = torch.tensor([IDS])
    assert (loaded.log_probabilities(inputs, inputs) <= 0).all()


@pytest.mark.parametrize("name", ["block_size", "vocab_size", "width", "hash_rows", "n_layers", "n_heads"])
@pytest.mark.parametrize("value", [2**31 + 2, 2**62, 2**63, 2**64, 10**400, -1, -(2**63), True, 6.0, "6", None])
def test_a_size_that_is_no_size_is_refused_when_the_file_is_loaded(path: Path, name: str, value: Any) -> None:
    write(path, lively(), {}, **{name: value})
    with pytest.raises(CheckpointCorruptError, match=r"model\.safetensors"):
        load_model(path)


@pytest.mark.parametrize("order", [2**40, 2**53, 2**70])
def test_nothing_is_made_for_an_order_that_is_none(path: Path, order: int) -> None:
    with pytest.raises(ValueError, match=f"order must be at most .*, got {order}"):
        NGramLanguageModel(SIZE, order=order)
    write(path, ngram(), {}, order=order)
    for load in (load_model, load_stored_model):
        with pytest.raises(CheckpointCorruptError, match=r"model\.safetensors"):
            load(path)


@pytest.mark.parametrize("name", ["block_size", "hash_rows", "width", "vocab_size"])
def test_a_size_too_large_to_compute_with_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at most 2147483648, got 9223372036854775808"):
        GPTConfig(**dataclasses.asdict(TINY) | {name: 2**63})


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn], ids=str)
def test_weights_with_which_nothing_can_be_computed_are_refused(path: Path, dtype: torch.dtype) -> None:
    model = lively()
    write(path, model, {name: tensor.to(dtype) for name, tensor in model.state_dict().items()})
    with pytest.raises(CheckpointCorruptError):
        load_model(path)


def test_weights_of_several_dtypes_are_refused(path: Path) -> None:
    write(path, lively(), {"head.weight": lively().head.weight.detach().half()})
    with pytest.raises(CheckpointCorruptError, match=r"must be all of one of .*, got float16, float32"):
        load_model(path)
    write(path, mixture(), {"models.2.table": torch.zeros(SIZE, SIZE, dtype=torch.float64)})
    assert load_model(path)[0].logits(torch.tensor([IDS])).dtype == torch.float64


@pytest.mark.parametrize("model", [lively(), mixture()], ids=["gpt", "mixture"])
def test_a_weight_that_is_no_number_is_refused(path: Path, model: LanguageModel) -> None:
    name = next(name for name, _ in model.named_parameters() if name.endswith("head.weight"))
    weight = model.state_dict()[name].clone()
    weight[0, 1] = math.nan
    write(path, model, {name: weight})
    with pytest.raises(CheckpointCorruptError, match=r"the weight '.*head\.weight' contains NaN"):
        load_model(path)


def test_loading_draws_no_initial_weights(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(path, lively(), VOCABULARY)
    monkeypatch.setattr(torch, "randn", None)
    loaded, _ = load_model(path)
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_what_is_read_from_an_arpa_file_is_in_evaluation_mode(tmp_path: Path) -> None:
    save_arpa(tmp_path / "model.arpa", ngram(), VOCABULARY)
    assert not load_arpa(tmp_path / "model.arpa")[0].training


def test_a_count_model_in_float16_and_its_face_in_pytorch_agree(path: Path) -> None:
    save_model(path, BigramLanguageModel(SIZE, seed=1).half(), VOCABULARY)
    found, _ = load_stored_model(path)
    assert isinstance(found, BigramTable)
    both = [CharLM(model, VOCABULARY).score_samples(TEXTS) for model in (found, as_language_model(found))]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-6)


def test_a_table_of_one_symbol_is_certain_and_sound(path: Path) -> None:
    for length in range(1, 30):
        table = NGramTable.fit([0] * length, vocab_size=1, order=3)
        save_model(path, table, Vocabulary("a"))
        assert -1e-9 < CharLM.load(path).score_samples(["aaaa"])[0] <= 0
