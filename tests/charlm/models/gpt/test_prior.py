"""Promises of a Transformer that starts from counts."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import safetensors.torch
import torch

from charlm import (
    GPT,
    BigramLanguageModel,
    CheckpointCorruptError,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextDataset,
    load_model,
    save_model,
)
from charlm.files.model_arrays import hashed_parts
from charlm.files.serializing import model_description
from charlm.models.ngram.table import NGramTable
from charlm.models.prior.rows import lengths_of
from chartok import TokenIdError, Vocabulary
from chartok.files.envelope import sealed
from lively_gpt import TINY, lively

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.models.prior.prior import CountPrior

SIZE = TINY.vocab_size
ORDER = 4
SHAPE = dataclasses.replace(TINY, hash_rows=0)
VOCABULARY = Vocabulary("abcdef", special_tokens=["unk"])
TEXT = [int(token_id) for token_id in np.random.default_rng(2).integers(0, 6, 90)] * 2
NO_OBJECTS: list[Any] = [[], "x", 3, True]
IDS = torch.tensor([[0, 1, 2, 3, 4, 5], TEXT[5:11], [6, 6, 0, 0, 1, 6]])


def prior(order: int = ORDER, **changes: Any) -> NGramTable:
    return NGramTable.fit(TEXT, order=order, **{"vocab_size": SIZE} | changes)


def of(model: GPT) -> CountPrior:
    """The prior of a model that has one."""
    assert model.prior is not None
    return model.prior


@pytest.fixture
def model() -> GPT:
    return lively(SHAPE, prior=prior(), seed=3)


@pytest.mark.parametrize("order", [2, 3, 4, 5])
@pytest.mark.parametrize("never", [(), (0,), (2, 6)])
def test_a_new_model_says_what_the_counts_say_after_the_longest_context(order: int, never: tuple[int, ...]) -> None:
    table = prior(order, context_only=never)
    new = GPT(dataclasses.replace(SHAPE, context_only=never), prior=table).eval()
    expected = NGramLanguageModel.of(table).logits(IDS)
    found = new.logits(IDS).double().log_softmax(dim=-1)
    torch.testing.assert_close(found.exp(), expected.exp(), rtol=0, atol=1e-2)  # the head is nearly zero
    with torch.no_grad():
        new.head.weight.zero_()
    torch.testing.assert_close(new.logits(IDS).double().log_softmax(dim=-1), expected, rtol=0, atol=1e-4)


def test_gates_weigh_the_lengths_of_contexts(model: GPT) -> None:
    with torch.no_grad():
        model.head.weight.zero_()
        model.gate.weight.zero_()
        model.gate.bias.copy_(torch.tensor([0.25, 0.5]))
    found = of(model).features(IDS).log_probabilities
    torch.testing.assert_close(model.logits(IDS), 0.25 * found[:, :, 0] + 0.5 * found[:, :, 1])
    assert [*lengths_of(ORDER)] == [2, 3]


def test_what_is_counted_of_examples_takes_the_place_of_what_all_texts_say(model: GPT) -> None:
    of_all = of(model).features(IDS)
    logits, loss = model(IDS, IDS, of_all)  # type: ignore[call-arg]
    expected, its_loss = model(IDS, IDS)
    assert torch.equal(logits, expected)
    assert loss is not None
    assert its_loss is not None
    assert torch.equal(loss, its_loss)
    others = type(of_all)(of_all.log_probabilities.flip(-1), of_all.known)
    assert not torch.allclose(model(IDS, IDS, others)[0], expected)  # type: ignore[call-arg]


def test_a_copy_says_the_same_and_shares_nothing(model: GPT) -> None:
    expected = model.logits(IDS)
    copies: list[GPT] = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]  # noqa: S301 - our own
    copies.append(GPT.from_settings(model.settings()).eval())
    copies[2].load_state_dict(model.state_dict())
    with torch.device("meta"):
        copies.append(GPT.from_settings(json.loads(json.dumps(model.settings()))).eval())
    copies[3].load_state_dict(copy.deepcopy(model.state_dict()), assign=True)
    for other in copies:
        assert torch.equal(other.logits(IDS), expected)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.zero_()
        of(other).ngram.fit([0, 1] * 9)
    assert torch.equal(model.logits(IDS), expected)


def test_the_names_of_the_tensors_stay(model: GPT) -> None:
    tables = ["ids", "shape", "constants", "counts", "large_counts", "log_probabilities", "log_backoffs"]
    own = [name for name in model.state_dict() if not name.startswith(("blocks.", "embedding.", "head."))]
    assert own == [
        "log_shares",
        *(f"prior.ngram.table.{name}" for name in tables),
        *("from_prior.weight", "from_counts.weight", "gate.weight", "gate.bias"),
    ]
    assert not dict(GPT(SHAPE).named_parameters()).keys() & set(own)


def test_the_gate_learns_slowly_and_what_embeds_is_in_no_group(model: GPT) -> None:
    groups = model.parameter_groups()
    assert groups.slow == {"gate.weight", "gate.bias"}
    assert groups.decayed == {"head.weight"}
    assert GPT(TINY).parameter_groups().slow == frozenset()
    mixed = MixtureLanguageModel([model, BigramLanguageModel(SIZE)]).parameter_groups()
    assert mixed.slow == {"models.0.gate.weight", "models.0.gate.bias"}


def test_gradients_reach_every_parameter_after_one_step() -> None:
    new = GPT(SHAPE, prior=prior())
    optimizer = torch.optim.AdamW(new.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        with pytest.warns(UserWarning, match="learns to trust counts of the examples themselves"):
            _, loss = new(IDS, IDS.roll(-1))
        assert loss is not None
        loss.backward()
        optimizer.step()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in new.parameters())
    assert all(parameter.isfinite().all() for parameter in new.parameters())


@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 1.5), ("float16", 0.2), ("float64", 1e-3)])
def test_a_model_of_another_dtype_keeps_its_counts_and_says_nearly_the_same(
    model: GPT, dtype: str, tolerance: float, tmp_path: Path
) -> None:
    other = copy.deepcopy(model).to(getattr(torch, dtype))
    logits = other.logits(IDS)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, model.logits(IDS), rtol=0, atol=tolerance)
    torch.testing.assert_close(other.start(IDS)[0], logits[:, -1], rtol=0, atol=tolerance)
    before, after = (of(each).features(IDS) for each in (model, other))
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    save_model(tmp_path / "model.safetensors", other, VOCABULARY)
    loaded, _ = load_model(tmp_path / "model.safetensors")
    assert {parameter.dtype for parameter in loaded.parameters()} == {getattr(torch, dtype)}
    assert torch.equal(loaded.logits(IDS), logits)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own
def test_what_a_trainer_computes_compiles_as_one_graph(model: GPT) -> None:
    features = of(model).features(IDS)
    compiled: Any = torch.compile(model, fullgraph=True, backend="eager")
    logits, loss = compiled(IDS, IDS, features)
    expected, its_loss = model(IDS, IDS)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(loss, its_loss)


def test_memory_is_reckoned_with_what_the_counts_say() -> None:
    config = dataclasses.replace(SHAPE, vocab_size=3000)
    without = GPT(config)
    with_prior = GPT(config, prior=NGramTable.fit([0, 1] * 9, vocab_size=3000, order=5))
    assert with_prior.numbers_per_id >= without.numbers_per_id + 3 * 3000


def test_an_unknown_id_is_named_as_in_a_model_without_a_prior(model: GPT) -> None:
    for ids in (torch.tensor([[0, SIZE]]), torch.tensor([[-1, 0]])):
        for call in (model.logits, model, model.start, model.activations):
            with pytest.raises(TokenIdError, match=rf"ids must be at least 0 and below {SIZE}|vocabulary"):
                call(ids)


# ------------------------------------------------------------------------------------------------ other vocabularies


def after(model: LanguageModel, vocabulary: Vocabulary, text: str) -> torch.Tensor:
    return model.logits(torch.from_numpy(vocabulary.encode(text).astype(np.int64))[None])[0]


@pytest.mark.parametrize("symbols", ["fedcba", "cadbfe"])
def test_other_ids_for_the_same_symbols_change_nothing(model: GPT, symbols: str) -> None:
    other = Vocabulary(symbols, special_tokens=["unk"])
    resized = model.resize(VOCABULARY, other)
    places = torch.from_numpy(other.remap(VOCABULARY).astype(np.int64))
    torch.testing.assert_close(
        after(resized, other, "abcdef")[:, places], after(model, VOCABULARY, "abcdef"), rtol=1e-4, atol=1e-3
    )


def test_an_extended_model_says_nearly_the_same_of_what_it_knows_and_learns_the_rest(tmp_path: Path) -> None:
    new = GPT(SHAPE, prior=prior()).eval()
    larger = VOCABULARY.extend("xyz")
    resized = new.resize(VOCABULARY, larger)
    kept = torch.from_numpy(larger.remap(VOCABULARY).astype(np.int64))
    known = kept != larger.special_tokens["unk"]  # which shares its probability with new symbols
    for text in ("abcdef", "fffaaa"):
        expected, found = after(new, VOCABULARY, text), after(resized, larger, text)
        torch.testing.assert_close(found[:, kept][:, known], expected[:, known], rtol=0, atol=0.02)
    assert after(resized, larger, "axbyz").isfinite().all()
    assert of(resized).table.vocab_size == resized.from_prior.in_features == larger.size
    of(resized).table.update(larger.encode("xyzabc"))
    save_model(tmp_path / "model.safetensors", resized, larger)
    loaded, vocabulary = load_model(tmp_path / "model.safetensors")
    assert vocabulary == larger
    assert torch.equal(after(loaded, larger, "axbyz"), after(resized, larger, "axbyz"))
    dataset = TextDataset([0, 1, 2], 1)
    with pytest.raises(ValueError, match="the prior has not counted the training data"):
        resized.features_of(TextDataset([0, 0, 0, 0, 0, 0, 0, 0], 2), torch.device("cpu"))
    assert new.features_of(TextDataset(TEXT, 2), torch.device("cpu")) is not None
    assert GPT(SHAPE).features_of(dataset, torch.device("cpu")) is None


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("ngram", TypeError, "prior must be an NGramLanguageModel or its table, got str"),
        (NGramLanguageModel(8, order=2), ValueError, r"got 8 and \(\): fit it with the same"),
        (
            prior(vocab_size=8),
            ValueError,
            r"the vocabulary of the model, 7 ids .* got 8 and \(\): fit it with the same",
        ),
        (prior(context_only=(1,)), ValueError, r"of which \(\) are never predicted, got 7 and \(1,\)"),
        (
            prior(6),
            ValueError,
            "a block of 6 ids keeps 4 .* order 6 looks at 5: give a larger block_size, or a prior of a",
        ),
        (prior(1), ValueError, "an n-gram model of order 1 has none: give a higher order"),
        (prior().prune(2), ValueError, "the prior has no counts: it was pruned .*; fit one to the training data, and"),
    ],
    ids=["str", "model", "size", "context_only", "order", "order 1", "pruned"],
)
def test_a_prior_that_does_not_suit_is_refused(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GPT(SHAPE, prior=given)


def test_a_prior_is_an_ngram_model_or_its_table() -> None:
    table = prior()
    ids = torch.tensor([[0, 1, 2, 3]])
    torch.testing.assert_close(
        GPT(SHAPE, prior=NGramLanguageModel.of(table)).logits(ids), GPT(SHAPE, prior=table).logits(ids)
    )


def test_a_prior_that_is_not_fitted_says_so_when_it_is_asked() -> None:
    empty = GPT(SHAPE, prior=NGramTable(vocab_size=SIZE, order=ORDER))
    calls: list[Any] = [
        empty.logits,
        empty,
        empty.start,
        lambda _: empty.features_of(TextDataset(TEXT, 2), empty.device),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="the prior is not fitted: make the model with a fitted one"):
            call(IDS)


def write(path: Path, model: GPT, settings: dict[str, Any], tensors: dict[str, torch.Tensor | None]) -> None:
    """Writes a model file whose hash is right, with other contents."""
    content = model_description(model, VOCABULARY)
    content["settings"] = {name: value for name, value in (content["settings"] | settings).items() if value != "gone"}
    stored = {name: tensor for name, tensor in (model.state_dict() | tensors).items() if tensor is not None}
    safetensors.torch.save_file(stored, path, {"charlm": json.dumps(sealed(content, more=hashed_parts(stored)))})


def described(**changes: Any) -> dict[str, Any]:
    return {"prior": {"vocab_size": SIZE, "order": ORDER, "context_only": []} | changes}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prior": "gone"}, "it lacks 'prior'"),
        ({"prior": None}, "prior.ngram"),
        *(({"prior": value}, "settings of an n-gram model must be an object") for value in NO_OBJECTS),
        ({"prior": {}}, "vocab_size"),
        (described(order=-1), "order must be at least 1"),
        (described(order=10**9), "order must be at most 1024"),
        (described(order=1), "order 1 has none"),
        (described(order="4"), "order must be an integer"),
        (described(order=5), "table is not valid"),
        (described(order=6), "a block of 6 ids keeps 4"),
        (described(vocab_size=8), "must have the vocabulary of the model"),
        (described(context_only=[1]), "must have the vocabulary of the model"),
        (described(ids=[1]), "an n-gram model has no setting ids"),
        (described(tree="x"), "an n-gram model has no setting tree"),
    ],
    ids=str,
)
def test_a_file_that_describes_no_prior_is_refused(
    model: GPT, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    path = tmp_path / "model.safetensors"
    write(path, model, settings, {})
    with pytest.raises(
        CheckpointCorruptError, match=rf"(?s)model\.safetensors' is not a valid model file: .*{message}"
    ):
        load_model(path)


def test_a_file_whose_prior_lacks_its_counts_is_refused(model: GPT, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    pruned = NGramLanguageModel.of(prior().prune(2)).state_dict(prefix="prior.ngram.")
    compact = {f"prior.ngram.{name}": torch.from_numpy(array) for name, array in prior().arrays(compact=True).items()}
    exact = dict.fromkeys(NGramLanguageModel.of(prior()).state_dict(prefix="prior.ngram."), None)
    for tensors in (pruned, exact | compact):
        write(path, model, {}, tensors)
        with pytest.raises(CheckpointCorruptError, match="the prior has no counts: it was pruned or interpolated"):
            load_model(path)
    write(path, model, {}, {"prior.ngram.table.counts": None})
    with pytest.raises(CheckpointCorruptError, match=r"prior\.ngram\.table\.counts"):
        load_model(path)


def test_a_mixture_with_it_is_trained_a_model_at_a_time(model: GPT) -> None:
    mixture = MixtureLanguageModel([model, BigramLanguageModel(SIZE)])
    with pytest.raises(ValueError, match="a GPT with a prior is trained alone: train it before it is mixed"):
        mixture.features_of(TextDataset(TEXT, 2), mixture.device)
    without = MixtureLanguageModel([GPT(GPTConfig.nano(SIZE)), BigramLanguageModel(SIZE)])
    assert without.features_of(TextDataset(TEXT, 2), mixture.device) is None
