"""A model goes on with another vocabulary: what it says of the symbols that stay does not change."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from charlm import (
    GPT,
    BigramLanguageModel,
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    load_model,
    save_model,
)
from charlm.data.framing import Framing
from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.table import NGramTable
from charlm.models.predictor import CountModel
from charlm.models.resizing import IdChange
from chartok import Vocabulary
from chartok.arguments import SpecialToken
from lively_classic_gpt import lively_classic
from lively_gpt import lively
from strategies import costly
from two_layers import TwoLayers

TEXTS = ["abacabadabacaba", "abcdabcd", "ddaabbcc", "bad cab"]
ROLES: list[SpecialToken] = ["bos", "eos", "unk", "pad"]
roles = st.lists(st.sampled_from(ROLES), unique=True)
befores = st.builds(Vocabulary, st.just("abcd "), special_tokens=roles)
orders = st.permutations("abcd xyz")
"""Those of the symbols afterwards."""


@st.composite
def changes(draw: st.DrawFn, *, extensions: bool = False) -> tuple[Vocabulary, Vocabulary]:
    """Two vocabularies with something in common: the second an extension, or any other."""
    before = draw(befores)
    if extensions:
        return before, before.extend(draw(st.text("abxyz")), special_tokens=draw(roles))
    after = Vocabulary(draw(orders)[: draw(st.integers(1, 8))], special_tokens=draw(roles))
    assume(set(after.symbols) & set(before.symbols))
    return before, after


def never(vocabulary: Vocabulary) -> tuple[int, ...]:
    return Framing(vocabulary).context_only


def counted(vocabulary: Vocabulary, order: int = 3, texts: list[str] = TEXTS) -> NGramTable:
    ids = [vocabulary.encode(text) for text in texts]
    return NGramTable.fit(ids, vocab_size=vocabulary.size, order=order, context_only=never(vocabulary))


def table_of(vocabulary: Vocabulary, smoothing: float = 1.0) -> BigramTable:
    ids = [vocabulary.encode(text) for text in TEXTS]
    return BigramTable.fit(ids, vocab_size=vocabulary.size, smoothing=smoothing, context_only=never(vocabulary))


def gpt(vocabulary: Vocabulary) -> GPT:
    shape = GPTConfig(
        vocab_size=vocabulary.size, block_size=12, n_layers=1, n_heads=2, width=8, hash_rows=31,
        context_only=never(vocabulary),
    )  # fmt: skip
    return lively(shape)


def classic(vocabulary: Vocabulary, *, is_tied: bool = True) -> ClassicGPT:
    shape = ClassicGPTConfig(
        vocab_size=vocabulary.size, block_size=12, n_layers=1, n_heads=2, width=8, is_tied=is_tied,
        context_only=never(vocabulary),
    )  # fmt: skip
    return lively_classic(shape)


every_transformer = pytest.mark.parametrize(
    "transformer", [gpt, classic, partial(classic, is_tied=False)], ids=["gpt", "classic", "with a head of its own"]
)


def rows_after(model: CountModel, ids: NDArray[Any]) -> NDArray[np.float64]:
    """The natural-log probabilities after each id of a text."""
    return np.concatenate(list(model.distributions(ids))).astype(np.float64)


def shared(before: Vocabulary, after: Vocabulary) -> str:
    return "".join(sorted(set(before.symbols) & set(after.symbols)))


texts = st.text("abcd ", min_size=1, max_size=12)


def of_shared(text: str, before: Vocabulary, after: Vocabulary) -> str:
    return "".join(symbol for symbol in text if symbol in shared(before, after)) or shared(before, after)[0]


@every_transformer
@costly(share=0.5)
@given(change=changes() | changes(extensions=True), text=texts)
def test_a_transformer_gives_symbols_that_stay_the_same_logits_after_others_that_stay(
    transformer: Callable[[Vocabulary], LanguageModel], change: tuple[Vocabulary, Vocabulary], text: str
) -> None:
    before, after = change
    text = of_shared(text, before, after)
    model = transformer(before)
    resized = model.resize(before, after)
    old, new = (
        own(torch.from_numpy(vocabulary.encode(text).astype(np.int64))[None])[0][0].detach()
        for own, vocabulary in ((model, before), (resized, after))
    )
    ids = after.remap(before)
    kept = np.flatnonzero(ids >= 0)
    torch.testing.assert_close(new[:, ids[kept]], old[:, kept], rtol=1e-5, atol=1e-5)
    assert resized.context_only == never(after)


@costly()
@given(change=changes(extensions=True))
def test_an_extended_transformer_hashes_its_ids_as_before_and_gives_new_ones_the_average(
    change: tuple[Vocabulary, Vocabulary],
) -> None:
    before, after = change
    model = gpt(before)
    resized = model.resize(before, after)
    assert resized.config.hashed_as == ()
    for name, tensor in model.state_dict().items():
        found = resized.state_dict()[name]
        assert torch.equal(found[: len(tensor)], tensor), name
        assert found.data_ptr() != tensor.data_ptr()
    for row in resized.embedding.weight[before.size :]:
        torch.testing.assert_close(row, model.embedding.weight.mean(dim=0))


@every_transformer
@costly()
@given(change=changes(extensions=True))
def test_a_new_symbol_is_as_likely_as_the_average(
    transformer: Callable[[Vocabulary], LanguageModel], change: tuple[Vocabulary, Vocabulary]
) -> None:
    before, after = change
    model = transformer(before)
    outcomes = [token_id for token_id in range(before.size) if token_id not in model.context_only]
    model.get_parameter("embedding.weight").detach().mul_(0.01)  # so that a tanh of logits hardly bends them
    logits = model.resize(before, after).logits(torch.zeros(1, 3, dtype=torch.int64))
    for new in set(range(before.size, after.size)) - set(never(after)):
        torch.testing.assert_close(logits[..., new], logits[..., outcomes].mean(dim=-1), rtol=0.2, atol=0.2)


@every_transformer
@costly()
@given(before=befores, first=orders, second=orders)
def test_a_transformer_resized_twice_is_one_resized_once(
    transformer: Callable[[Vocabulary], LanguageModel], before: Vocabulary, first: str, second: str
) -> None:
    middle, after = (Vocabulary(order, special_tokens=before.special_tokens) for order in (first, second))
    once = transformer(before).resize(before, after)
    twice = transformer(before).resize(before, middle).resize(middle, after)
    inputs = torch.from_numpy(after.encode("abacad").astype(np.int64))[None]
    kept = after.encode("abcd ").tolist()
    torch.testing.assert_close(twice(inputs)[0][..., kept], once(inputs)[0][..., kept])
    back = twice.resize(after, before)
    assert back.settings() == transformer(before).settings()
    for name, tensor in transformer(before).state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor), name


@costly(share=0.5)
@given(change=changes(extensions=True), order=st.integers(1, 4), pruned=st.booleans(), text=texts)
def test_an_extended_count_model_splits_what_it_gave_to_the_unknown_and_changes_nothing_else(
    change: tuple[Vocabulary, Vocabulary], order: int, *, pruned: bool, text: str
) -> None:
    before, after = change
    assume("unk" in before.special_tokens)
    unseen = [before.special_tokens[role] for role in ("unk", "eos") if role in before.special_tokens]
    ngram = counted(before, order).prune(2) if pruned else counted(before, order)
    for model in (ngram, table_of(before), table_of(before, smoothing=0)):
        old = rows_after(model, before.encode(text))
        new = rows_after(model.resize(before, after), after.encode(text))
        shares = unseen if model is ngram else unseen[:1]
        same = np.setdiff1d(np.arange(before.size), shares)
        np.testing.assert_allclose(new[:, same], old[:, same], rtol=1e-5 if model is not ngram else 1e-9, atol=1e-6)
        together = [*shares, *np.setdiff1d(np.arange(before.size, after.size), never(after))]
        share = np.exp(old[:, shares]).sum(axis=1, keepdims=True) / len(together)
        np.testing.assert_allclose(np.exp(new[:, together]), share.repeat(len(together), axis=1), rtol=1e-5)


@costly(share=0.5)
@given(change=changes(), order=st.integers(1, 4), text=texts)
def test_a_count_model_that_loses_ids_says_what_it_said_given_that_none_of_them_follows(
    change: tuple[Vocabulary, Vocabulary], order: int, text: str
) -> None:
    before, after = change
    after = Vocabulary(shared(before, after), special_tokens=[r for r in before.special_tokens if r != "eos"])
    text = of_shared(text, before, after)
    ids = after.remap(before)
    kept, lost = np.flatnonzero(ids >= 0), np.flatnonzero(ids < 0)
    for model in (counted(before, order), counted(before, order).prune(2), table_of(before)):
        old = rows_after(model, before.encode(text))
        new = rows_after(model.resize(before, after), after.encode(text))
        rest = 1 - np.exp(old[:, lost]).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(np.exp(new[:, ids[kept]]), np.exp(old[:, kept]) / rest, rtol=1e-5, atol=1e-9)


@costly(share=0.5)
@given(change=changes() | changes(extensions=True), order=st.integers(1, 4), smoothing=st.sampled_from([0.0, 1.0]))
def test_every_distribution_of_a_resized_count_model_sums_to_one_and_is_sound(
    change: tuple[Vocabulary, Vocabulary], order: int, smoothing: float
) -> None:
    before, after = change
    text = np.concatenate([np.arange(after.size), np.arange(after.size)[::-1], after.encode(shared(before, after))])
    ngram = counted(before, order)
    for model in (ngram, ngram.prune(2), ngram.astype(np.dtype(np.float32)), table_of(before, smoothing)):
        resized = model.resize(before, after)
        assert resized.context_only == never(after)
        loaded = type(model).from_arrays(resized.settings(), resized.arrays())
        rows = rows_after(loaded, text)
        np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1, rtol=1e-5)
        outcomes = np.setdiff1d(np.arange(after.size), never(after))
        assert smoothing == 0 or np.isfinite(rows[:, outcomes]).all()
        assert {array.dtype for array in resized.arrays().values()} == {a.dtype for a in model.arrays().values()}


@given(change=changes(extensions=True), order=st.integers(1, 4))
def test_a_resized_model_takes_new_texts_with_new_symbols(change: tuple[Vocabulary, Vocabulary], order: int) -> None:
    before, after = change
    assume(set(never(after)) <= {*never(before), *range(before.size, after.size)})
    more = ["".join(after.symbols) * 3, "abab"]
    updated = counted(before, order).resize(before, after).update([after.encode(text) for text in more])
    whole = counted(after, order, [*TEXTS, *more])
    for name, array in whole.arrays().items():
        np.testing.assert_allclose(updated.arrays()[name], array, err_msg=name)


def test_a_mixture_is_that_of_its_resized_models() -> None:
    before = Vocabulary("abcd ", special_tokens=["unk"])
    after = Vocabulary("dxab", special_tokens=["unk"])
    parts = [gpt(before), NGramLanguageModel.of(counted(before)), BigramLanguageModel(before.size, seed=1)]
    mixture = MixtureLanguageModel(parts).eval()
    mixture.weights.copy_(torch.tensor([[0.5, 0.3, 0.2]] * 3))
    resized = mixture.resize(before, after)
    expected = MixtureLanguageModel([part.resize(before, after) for part in parts])
    expected.weights.copy_(mixture.weights)
    inputs = torch.tensor([[0, 1, 2, 3, 4]])
    torch.testing.assert_close(resized(inputs)[0], expected(inputs)[0])
    assert not resized.training
    assert resized.weights.data_ptr() != mixture.weights.data_ptr()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", ["gpt", "bigram", "ngram"])
def test_dtype_mode_and_frozen_weights_are_kept(kind: str, dtype: torch.dtype) -> None:
    before = Vocabulary("abcd ", special_tokens=["unk"])
    model: LanguageModel = {
        "gpt": gpt(before),
        "classic gpt": classic(before),
        "bigram": BigramLanguageModel(before.size, seed=1),
        "ngram": NGramLanguageModel.of(counted(before)),
    }[kind]
    if kind == "ngram" and dtype == torch.bfloat16:
        pytest.skip("an n-gram model has no bfloat16")
    model = model.to(dtype)
    for parameter in list(model.parameters())[:1]:
        parameter.requires_grad = False
    for training in (True, False):
        resized = model.train(training).resize(before, before.extend("xyz"))
        assert resized.training is training
        assert type(resized) is type(model)
        assert [p.requires_grad for p in resized.parameters()] == [p.requires_grad for p in model.parameters()]
        assert {t.dtype for t in resized.state_dict().values()} == {t.dtype for t in model.state_dict().values()}


def test_what_cannot_be_resized_says_so() -> None:
    before, after = Vocabulary("abc"), Vocabulary("abcd")
    for model in (BigramLanguageModel(3), table_of(Vocabulary("abcd "))):
        with pytest.raises(ValueError, match=r"vocabulary_before must have as many ids as the model, \d, got 4"):
            model.resize(Vocabulary("wxyz"), after)
    with pytest.raises(TypeError, match="vocabulary_after must be a Vocabulary, got str"):
        BigramLanguageModel(3).resize(before, "abcd")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match="vocabulary_after has nothing of vocabulary_before that the model predicts"):
        BigramLanguageModel(3).resize(before, Vocabulary("xyz"))
    with pytest.raises(
        TypeError, match="a model of the family two-layers cannot be resized from 3 to 4 ids: override resize"
    ):
        TwoLayers(3).resize(before, after)
    with pytest.raises(ValueError, match="not fitted"):
        NGramTable(vocab_size=3, order=2).resize(before, after)
    with pytest.raises(ValueError, match="nothing of vocabulary_before that the model predicts"):
        IdChange.between(
            Vocabulary("a", special_tokens=["bos"]),
            Vocabulary("b", special_tokens=["bos"]),
            vocab_size=2,
            context_only=[1],
        )


@pytest.mark.parametrize("numbers", [(1, 2), (0, 1, 1), (0, 1, 1 << 31), (-1, 0, 1), (0, 1, 2, 2)])
def test_hash_numbers_that_are_not_one_for_each_id_are_refused(numbers: tuple[int, ...]) -> None:
    shape = GPTConfig(vocab_size=3, block_size=4, n_layers=1, n_heads=1, width=4)
    with pytest.raises(ValueError, match="hashed_as"):
        replace(shape, hashed_as=numbers)


def test_a_resized_model_is_saved_and_loaded(tmp_path: Path) -> None:
    before, after = Vocabulary("abcd "), Vocabulary("xdab")
    for model in (gpt(before), NGramLanguageModel.of(counted(before)), BigramLanguageModel(before.size, seed=1)):
        resized = model.resize(before, after).eval()
        save_model(tmp_path / "model.safetensors", resized, after)
        loaded, vocabulary = load_model(tmp_path / "model.safetensors")
        assert vocabulary == after
        assert torch.equal(loaded(torch.tensor([[1, 2, 3, 0]]))[0], resized(torch.tensor([[1, 2, 3, 0]]))[0])
