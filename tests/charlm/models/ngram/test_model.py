"""Promises of the n-gram model, checked against a slow reference over dictionaries."""

import copy
import math
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from charlm import (
    BigramLanguageModel,
    CharLM,
    NGramCounts,
    NGramLanguageModel,
    RecordDataset,
    TextDataset,
    evaluate,
    generate,
    load_model,
    save_model,
)
from charlm.models.counting import by_sorting as counting
from charlm.models.ngram import search as search_module
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing.kneser_ney import estimate, suffix_nodes
from chartok import TokenIdError, Vocabulary
from kneserney_reference import Gram, ReferenceKneserNey, ngram_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from charlm.models.smoothing.choices import Smoothing

VOCAB_SIZE = 4
EXACT = 1e-9
TEXT = np.random.default_rng(0).integers(0, 3, 400).cumsum() % VOCAB_SIZE
OTHER = np.random.default_rng(1).integers(0, 2, 300).cumsum() % VOCAB_SIZE

token_ids = st.integers(0, VOCAB_SIZE - 1)
texts = st.lists(st.lists(token_ids, max_size=60), min_size=1, max_size=4).filter(any)
"""Several short texts over few ids, so that contexts come again; some may be empty, but not all."""

orders = st.integers(1, 5)


def fitted(order: int = 3) -> NGramLanguageModel:
    return NGramLanguageModel(VOCAB_SIZE, order=order).fit(TEXT)


def counted(tokens: Any, *, order: int = 3, vocab_size: int = VOCAB_SIZE) -> NGramCounts:
    return NGramCounts.from_tokens(tokens, vocab_size=vocab_size, order=order)


def as_dictionary(counts: NGramCounts) -> dict[Gram, int]:
    grams: list[Gram] = [()]
    for key in counts.keys.tolist():
        parent, last = divmod(key, counts.vocab_size)
        grams.append((*grams[parent], last))
    return dict(zip(grams[1:], counts.counts.tolist(), strict=True))


def assert_equal_counts(actual: NGramCounts, expected: NGramCounts) -> None:
    assert np.array_equal(actual.keys, expected.keys)
    assert np.array_equal(actual.counts, expected.counts)


def assert_equal_models(actual: NGramLanguageModel, expected: NGramLanguageModel) -> None:
    ours, theirs = actual.state_dict(), expected.state_dict()
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=EXACT, atol=EXACT)


@given(texts, st.lists(token_ids, max_size=20), orders)
def test_a_context_is_as_long_as_the_longest_that_the_texts_hold(
    fitted_to: list[list[int]], ids: list[int], order: int
) -> None:
    model = NGramLanguageModel(VOCAB_SIZE, order=order).fit(fitted_to)
    known = set(ngram_counts(fitted_to, order))
    expected = [
        max(n for n in range(min(order, end + 1)) if n == 0 or tuple(ids[end - n : end]) in known)
        for end in range(1, len(ids) + 1)
    ]
    assert model.context_lengths(torch.tensor([ids], dtype=torch.int64))[0].tolist() == expected
    state = None
    for position, token_id in enumerate(ids):
        _, state = model.step(torch.tensor([token_id]), state)
        assert model.table.search.lengths(np.array(state)).tolist() == [expected[position]]


@given(texts, orders, st.lists(token_ids, min_size=1, max_size=8))
def test_probabilities_are_those_of_the_slow_reference(
    some_texts: list[list[int]], order: int, context: list[int]
) -> None:
    reference = ReferenceKneserNey(some_texts, vocab_size=VOCAB_SIZE, order=order)
    model = NGramLanguageModel(VOCAB_SIZE, order=order).fit(some_texts, smoothing="kneser-ney")
    probabilities = model.logits(torch.tensor([context]))[0].exp()
    expected = [
        [reference.probability(context[: t + 1], following) for following in range(VOCAB_SIZE)]
        for t in range(len(context))
    ]
    torch.testing.assert_close(probabilities, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=EXACT)


def test_discounts_from_the_data_are_those_of_the_reference_too() -> None:
    text = (np.random.default_rng(3).geometric(0.1, 3000) % 40).tolist()
    reference = ReferenceKneserNey([text], vocab_size=40, order=3)
    assert reference.discounts[2] != (0.75, 1.25, 1.5)
    model = NGramLanguageModel(40, order=3).fit(text, smoothing="kneser-ney")
    ids = torch.tensor([text[:200]])
    expected = [math.log(reference.probability(text[: t + 1], text[t + 1])) for t in range(199)]
    scores = model.log_probabilities(ids[:, :-1], ids[:, 1:])
    torch.testing.assert_close(scores, torch.tensor([expected], dtype=torch.float64), rtol=0, atol=EXACT)


def test_unmodified_kneser_ney_agrees_with_nltk() -> None:
    nltk_models = pytest.importorskip("nltk.lm")
    discount, nothing = 0.7, 1e-12  # nltk does not interpolate unigrams with the uniform distribution

    def discounts(adjusted: NDArray[np.int64], *, is_highest: bool) -> tuple[float, float, float]:
        assert is_highest == (len(adjusted) == lengths[-1])
        of_order = nothing if len(adjusted) == VOCAB_SIZE else discount
        return of_order, of_order, of_order

    text = TEXT[:60].tolist()
    counts = counted(text)
    lengths = np.diff(counts.levels).tolist()
    table = estimate(counts, suffix_nodes(counts.keys, counts.levels, VOCAB_SIZE), discounts=discounts)
    model = NGramTable(vocab_size=VOCAB_SIZE, order=3).holding(counts.keys, counts.counts, table)
    symbols = ["start", *map(str, text)]  # where nothing comes before, nltk has a symbol
    theirs = nltk_models.KneserNeyInterpolated(3, discount=discount)
    grams = [tuple(symbols[i : i + length]) for length in (1, 2, 3) for i in range(len(symbols) - length + 1)]
    theirs.fit([grams], vocabulary_text=symbols)
    logits = NGramLanguageModel.of(model).logits(torch.tensor([text]))[0]
    for t in range(1, len(text) - 1):
        context = [str(text[t - 1]), str(text[t])]
        expected = [theirs.score(str(following), context) for following in range(VOCAB_SIZE)]
        assert logits[t].exp().tolist() == pytest.approx(expected, abs=EXACT)


@given(texts, orders, st.sampled_from([VOCAB_SIZE, 300, 2**20, 2**31]), st.sampled_from([3, 1 << 24]))
def test_counts_are_those_of_a_dictionary(
    some_texts: list[list[int]], order: int, vocab_size: int, windows_at_once: int
) -> None:
    factor = (vocab_size - 1) // (VOCAB_SIZE - 1)
    spread = [[token_id * factor for token_id in text] for text in some_texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "WINDOWS_AT_ONCE", windows_at_once)
        counts = counted(spread, order=order, vocab_size=vocab_size)
    assert as_dictionary(counts) == ngram_counts(spread, order)
    assert (np.diff(counts.keys) > 0).all()


@pytest.mark.parametrize("order", range(1, 13))
@pytest.mark.parametrize("vocab_size", [VOCAB_SIZE, 2**20])
def test_any_order_and_vocabulary_size_will_do(order: int, vocab_size: int) -> None:
    factor = (vocab_size - 1) // (VOCAB_SIZE - 1)
    text = TEXT * factor
    model = NGramLanguageModel(vocab_size, order=order).fit(text, smoothing="kneser-ney")
    assert as_dictionary(model.table.ngram_counts()) == ngram_counts([text.tolist()], order)
    reference = ReferenceKneserNey([text.tolist()], vocab_size=vocab_size, order=order)
    ids = torch.from_numpy(OTHER[:30] * factor)[None]
    expected = [math.log(reference.probability(ids[0, : t + 1].tolist(), int(ids[0, t + 1]))) for t in range(29)]
    scores = model.log_probabilities(ids[:, :-1], ids[:, 1:])[0].tolist()
    assert scores == pytest.approx(expected, abs=EXACT)


@given(texts, texts, texts, orders)
def test_merging_counts_is_counting_all_texts_in_any_grouping(
    first: list[list[int]], second: list[list[int]], third: list[list[int]], order: int
) -> None:
    a, b, c = (counted(part, order=order) for part in (first, second, third))
    together = counted([*first, *second, *third], order=order)
    assert_equal_counts(a.merge(b).merge(c), together)
    assert_equal_counts(a.merge(b.merge(c)), together)
    assert_equal_counts(c.merge(a).merge(b), together)
    assert_equal_counts(a.merge(counted([], order=order)), a)


@given(texts, texts, orders)
def test_an_updated_model_is_one_fitted_to_everything(
    first: list[list[int]], second: list[list[int]], order: int
) -> None:
    updated = NGramLanguageModel(VOCAB_SIZE, order=order).fit(first).update(second)
    assert_equal_models(updated, NGramLanguageModel(VOCAB_SIZE, order=order).fit([*first, *second]))


def test_shards_are_counted_on_an_executor() -> None:
    shards = [TEXT[:100], TEXT[100:350], OTHER]
    with ThreadPoolExecutor(2) as executor:
        parts = [pickle.loads(pickle.dumps(part)) for part in executor.map(counted, shards)]  # noqa: S301 - our own
    model = NGramLanguageModel(VOCAB_SIZE, order=3).fit(reduce(NGramCounts.merge, parts))
    assert_equal_models(model, NGramLanguageModel(VOCAB_SIZE, order=3).fit(shards))


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("min_count", [1, 2, 5, 1000])
def test_every_distribution_sums_to_one_pruned_or_not(order: int, min_count: int) -> None:
    model = NGramLanguageModel(VOCAB_SIZE + 1, order=order).fit([TEXT, OTHER]).prune(min_count)
    probabilities = model.logits(torch.randint(0, VOCAB_SIZE + 1, (5, 60))).exp()
    assert (probabilities > 0).all()
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(5, 60, dtype=torch.float64), rtol=0, atol=EXACT)


def test_pruning_keeps_what_is_frequent_with_its_probability() -> None:
    model = fitted(4)
    kept = {gram for gram, count in as_dictionary(model.table.ngram_counts()).items() if count >= 5 or len(gram) == 1}
    before = model.table.log_probabilities.copy()
    is_kept = [gram in kept for gram in as_dictionary(model.table.ngram_counts())]
    model.prune(5)
    assert len(model.table) == len(kept)
    assert np.array_equal(model.table.log_probabilities, before[is_kept])


def test_pruning_nothing_changes_nothing() -> None:
    inputs = torch.from_numpy(OTHER)[None]
    torch.testing.assert_close(fitted().prune(1).logits(inputs), fitted().logits(inputs), rtol=0, atol=EXACT)


def test_a_pruned_model_cannot_be_updated_or_pruned_again() -> None:
    model = fitted().prune(2)
    changes: list[Callable[[], object]] = [lambda: model.update([0]), lambda: model.prune(2)]
    for change in changes:
        with pytest.raises(ValueError, match="has no counts: it was pruned or interpolated"):
            change()
    assert_equal_models(model.fit(TEXT), fitted())


@given(texts, orders, st.lists(st.lists(token_ids, min_size=7, max_size=7), min_size=1, max_size=3))
def test_steps_logits_and_scores_agree(some_texts: list[list[int]], order: int, rows: list[list[int]]) -> None:
    model = NGramLanguageModel(VOCAB_SIZE, order=order).fit(some_texts)
    ids = torch.tensor(rows)
    inputs, targets = ids[:, :-1], ids[:, 1:]
    logits = model.logits(inputs)
    close = partial(torch.testing.assert_close, rtol=0, atol=EXACT)
    close(model.log_probabilities(inputs, targets), logits.gather(-1, targets[..., None])[..., 0])
    other_targets = inputs.flip(1)
    close(model.log_probabilities(inputs, other_targets), logits.gather(-1, other_targets[..., None])[..., 0])
    state = None
    for t in range(inputs.shape[1]):
        stepped, state = model.step(inputs[:, t], state)
        close(stepped, logits[:, t])


def test_long_texts_are_scored_in_pieces_with_their_true_history(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = torch.from_numpy(OTHER)[None]
    expected = fitted(5).log_probabilities(ids[:, :-1], ids[:, 1:])
    monkeypatch.setattr(search_module, "PLACES_AT_ONCE", 7)
    assert torch.equal(fitted(5).log_probabilities(ids[:, :-1], ids[:, 1:]), expected)


def test_a_long_text_is_scored_in_a_few_bytes_for_each_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "PLACES_AT_ONCE", 1 << 10)
    lm, text = CharLM.fit("abc" * 9, order=3), "abc" * 100_000
    tracemalloc.start()
    lm.score_samples([text])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * len(text)


def test_changing_what_a_step_returned_does_not_change_the_model() -> None:
    model = fitted()
    first = model.step(torch.tensor([1]))[0]
    expected = first.clone()
    first.zero_()
    assert torch.equal(model.step(torch.tensor([1]))[0], expected)


def test_a_new_fit_forgets_what_was_there() -> None:
    model = fitted()
    model.step(torch.tensor([1]))
    assert_equal_models(model.fit(OTHER), NGramLanguageModel(VOCAB_SIZE, order=3).fit(OTHER))
    stepped, expected = model.step(torch.tensor([1]))[0], model.logits(torch.tensor([[1]]))[:, 0]
    torch.testing.assert_close(stepped, expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize(
    "tokens",
    [
        TEXT.tolist(),
        TEXT.astype(np.uint8),
        torch.from_numpy(TEXT),
        torch.from_numpy(TEXT).to(torch.uint8),
        TextDataset(TEXT, block_size=8),
        [TEXT],
        [torch.from_numpy(TEXT)],
        [TextDataset(TEXT, block_size=8)],
        iter(TEXT.tolist()),
        (text for text in [TEXT.tolist()]),
        list(TEXT),
        list(torch.from_numpy(TEXT)),
    ],
    ids=lambda tokens: type(tokens).__name__,
)
def test_a_text_may_come_in_many_forms(tokens: Any) -> None:
    assert_equal_models(NGramLanguageModel(VOCAB_SIZE, order=3).fit(tokens), fitted())


def test_records_are_learned_from_as_they_stand_in_their_dataset() -> None:
    records = RecordDataset(["ada", "bob", "eve"])
    size = records.vocabulary.size
    ids, lengths = records.joined()
    sequences = np.split(ids, lengths.cumsum()[:-1])
    expected = NGramLanguageModel(size, order=3).fit(sequences)
    assert_equal_models(NGramLanguageModel(size, order=3).fit(records), expected)
    bigram = BigramLanguageModel(size).fit(records)
    assert torch.equal(bigram.table, BigramLanguageModel(size).fit(sequences).table)


def test_no_n_gram_spans_two_texts() -> None:
    assert (1, 2) not in as_dictionary(counted([[0, 1], [2, 3]]))
    assert (1, 2) in as_dictionary(counted([0, 1, 2, 3]))


def test_the_first_id_of_records_is_learned_from_their_starts() -> None:
    beginning, end = 2, 3
    records = [[beginning, 0, 1, end]] * 9 + [[beginning, 1, 0, end]]
    model = NGramLanguageModel(VOCAB_SIZE, order=4).fit(records)
    first = model.logits(torch.tensor([[beginning]]))[0, 0].exp()
    assert first[0] > 0.7
    assert first[0] > 4 * first[1]


@pytest.mark.parametrize("tokens", [[0], [1, 0], np.array([3], dtype=np.uint8), [[], [2]]])
def test_a_text_shorter_than_the_order_will_do(tokens: Any) -> None:
    model = NGramLanguageModel(VOCAB_SIZE, order=7).fit(tokens)
    ids = torch.tensor([[0, 1, 2, 3]])
    torch.testing.assert_close(model.logits(ids).exp().sum(-1), torch.ones(1, 4, dtype=torch.float64))
    assert evaluate(model, TextDataset([0, 1], block_size=1)).nats_per_character > 0
    assert len(generate(model, [3], max_new_tokens=5)) == 6


def test_a_model_comes_back_from_its_state() -> None:
    for model in (fitted(), fitted(1), fitted().prune(3), NGramLanguageModel(VOCAB_SIZE, order=3)):
        again = NGramLanguageModel(**model.settings())
        assert not again.load_state_dict(model.state_dict()).missing_keys
        assert_equal_models(again, model)
        if len(model.table):
            inputs = torch.from_numpy(OTHER)[None]
            assert torch.equal(again.logits(inputs), model.logits(inputs))
    again = NGramLanguageModel(VOCAB_SIZE, order=3)
    again.load_state_dict(fitted().state_dict())
    assert_equal_models(again.update(OTHER), NGramLanguageModel(VOCAB_SIZE, order=3).fit([TEXT, OTHER]))


def test_a_loaded_model_shares_no_memory_with_the_state() -> None:
    state = fitted().state_dict()
    again = NGramLanguageModel(VOCAB_SIZE, order=3)
    again.load_state_dict(state)
    for tensor in state.values():
        tensor.zero_()
    assert_equal_models(again, fitted())


def test_a_model_comes_back_from_its_file(tmp_path: Any) -> None:
    vocabulary = Vocabulary("abcd")
    save_model(tmp_path / "model.safetensors", fitted(), vocabulary)
    loaded, vocabulary_again = load_model(tmp_path / "model.safetensors")
    assert isinstance(loaded, NGramLanguageModel)
    assert vocabulary_again == vocabulary
    assert_equal_models(loaded, fitted())


def test_copies_and_pickles_are_models_of_their_own() -> None:
    model = fitted()
    model.step(torch.tensor([0]))
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 - our own
        assert_equal_models(again, model)
        assert torch.equal(again.step(torch.tensor([0]))[0], model.step(torch.tensor([0]))[0])
        again.fit(OTHER)
        assert_equal_models(model, fitted())


def drop_last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[:-1]


def test_a_table_goes_to_a_device_without_float64_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("charlm.models.ngram.model.WITHOUT_FLOAT64", {"meta"})
    model = fitted(3).to("meta")
    table = model.table
    assert {table.log_probabilities.dtype, table.log_backoffs.dtype} == {np.dtype(np.float32)}
    assert {table.keys.dtype, table.counts.dtype} == {np.dtype(np.int64)}
    assert model.device == torch.device("meta")
    assert fitted(3).to("cpu").table.log_probabilities.dtype == np.float64


def test_a_step_of_the_highest_order_goes_through_any_number_of_contexts() -> None:
    text = torch.randint(0, 3, (1, 1100), generator=torch.Generator().manual_seed(0))
    model = NGramLanguageModel(3, order=1024).fit(text[0])
    prompt = text[:, :1023]
    logits, state = model.start(prompt)
    assert model.table.search.lengths(np.array(state)).tolist() == [1023]
    torch.testing.assert_close(logits, model.logits(prompt)[:, -1])


def test_a_model_in_bfloat16_steps_and_is_loaded_again() -> None:
    model = fitted(3).bfloat16()
    again = NGramLanguageModel(VOCAB_SIZE, order=3)
    again.load_state_dict(model.state_dict())
    for other in (model, again):
        logits, _ = other.step(torch.tensor([0]))
        torch.testing.assert_close(logits, model.logits(torch.tensor([[0]]))[:, 0], check_dtype=False, atol=0.1, rtol=0)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("ids", torch.zeros_like, "strictly ascending"),
        ("ids", torch.Tensor.float, "ids must be uint8 and have shape"),
        ("ids", lambda ids: ids[None], "ids must be uint8 and have shape"),
        ("ids", drop_last, "ids must be uint8 and have shape"),
        ("ids", lambda ids: torch.full_like(ids, 255), "0 after the last|is not below|strictly ascending"),
        ("shape", drop_last, "shape must be uint8 and have shape"),
        ("shape", lambda shape: ~shape, "shape must have a 1 for each of 10 n-grams"),
        ("counts", drop_last, "counts must have"),
        ("counts", torch.zeros_like, "count is below 1"),
        ("log_probabilities", drop_last, "shape must have a 1 for each of 9 n-grams"),
        ("log_probabilities", lambda values: -values, "probability is above 1"),
        ("log_probabilities", lambda values: values * math.nan, r"NaN or beyond 1e\+30"),
        ("log_backoffs", drop_last, "0 after those of each context|have shape"),
        ("log_backoffs", lambda values: values - math.inf, r"NaN or beyond 1e\+30"),
    ],
)
def test_an_unsound_state_is_refused_and_the_model_stays(name: str, change: Any, message: str) -> None:
    model = fitted()
    state = NGramLanguageModel(VOCAB_SIZE, order=3).fit([0, 1, 2, 1, 0]).state_dict()
    state[f"table.{name}"] = change(state[f"table.{name}"])
    with pytest.raises(RuntimeError, match=message):
        model.load_state_dict(state)
    assert_equal_models(model, fitted())


def test_a_state_of_other_settings_or_with_something_missing_is_refused() -> None:
    for model in (NGramLanguageModel(VOCAB_SIZE, order=2), NGramLanguageModel(VOCAB_SIZE - 1, order=3)):
        with pytest.raises(RuntimeError, match="table is not valid for"):
            model.load_state_dict(fitted().state_dict())
    state = fitted().state_dict()
    del state["table.counts"]
    with pytest.raises(RuntimeError, match=r"Missing key\(s\).*table.counts"):
        NGramLanguageModel(VOCAB_SIZE, order=3).load_state_dict(state)


def test_the_model_follows_its_device(device: torch.device) -> None:
    model = fitted().to(device)
    inputs = torch.from_numpy(OTHER)[None].to(device)
    logits, state = model.step(inputs[:, 0])
    logits, _ = model.step(inputs[:, 1], state)
    scores = model.log_probabilities(inputs[:, :-1], inputs[:, 1:])
    assert {logits.device, scores.device, model.device, model.logits(inputs).device} == {device}
    torch.testing.assert_close(logits, model.logits(inputs)[:, 1])
    torch.testing.assert_close(model.logits(inputs).cpu(), fitted().logits(inputs.cpu()))
    assert model.fit(OTHER).device == device


def test_a_model_in_single_precision_stays_near() -> None:
    inputs = torch.from_numpy(OTHER)[None]
    model = fitted().float()
    assert model.logits(inputs).dtype == model.step(inputs[:, 0])[0].dtype == torch.float32
    torch.testing.assert_close(model.logits(inputs).double(), fitted().logits(inputs), rtol=0, atol=1e-5)
    scores, expected = (some.log_probabilities(inputs[:, :-1], inputs[:, 1:]) for some in (model, fitted()))
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores.double(), expected, rtol=0, atol=1e-5)
    assert model.fit(OTHER).logits(inputs).dtype == torch.float32


@pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        ([], ValueError, "contains no ids"),
        ([[], []], ValueError, "contains no ids"),
        (np.zeros(0, dtype=np.uint8), ValueError, "contains no ids"),
        ([0, VOCAB_SIZE], TokenIdError, r"ids\[1\] is 4"),
        ([[0], [1, -1]], TokenIdError, r"ids\[1\] is -1"),
        (torch.tensor([9]), TokenIdError, r"ids\[0\] is 9"),
        (np.zeros((2, 2), dtype=int), ValueError, "must be one-dimensional"),
        ([0.5], TypeError, "integers"),
        ("text", TypeError, "integers"),
        (["text"], TypeError, "integers"),
        (7, TypeError, "integers"),
        (torch.tensor([0.5]), TypeError, "integers"),
        (counted([0], order=2), ValueError, "vocab_size 4 and order 3, got vocab_size 4 and order 2"),
    ],
)
def test_bad_texts_are_refused_and_the_model_stays(tokens: Any, error: type[Exception], message: str) -> None:
    model = fitted()
    with pytest.raises(error, match=message):
        model.fit(tokens)
    assert_equal_models(model, fitted())


@pytest.mark.parametrize(("order", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError)])
def test_the_order_is_a_positive_integer(order: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="order must be"):
        NGramLanguageModel(VOCAB_SIZE, order=order)
    with pytest.raises(error, match="order must be"):
        counted([0], order=order)
    with pytest.raises(error, match="min_count must be"):
        fitted().prune(order)


@pytest.mark.parametrize("make", [list[int], lambda: iter([]), lambda: np.zeros(0, dtype=np.uint8)])
@pytest.mark.parametrize(("order", "smoothing"), [(None, "learned"), (None, "tuned"), (2, "tuned"), (2, "kneser-ney")])
def test_no_texts_are_refused_whatever_is_to_be_found_out_from_them(
    make: "Callable[[], Any]", order: int | None, smoothing: "Smoothing"
) -> None:
    with pytest.raises(ValueError, match="tokens contains no ids: give at least one"):
        NGramTable.fit(make(), vocab_size=3, order=order, smoothing=smoothing)


def test_an_order_above_all_reason_is_refused() -> None:
    assert NGramLanguageModel(VOCAB_SIZE, order=1024).order == 1024
    with pytest.raises(ValueError, match="order must be at most 1024, got 1025"):
        NGramLanguageModel(VOCAB_SIZE, order=1025)


def test_a_vocabulary_too_large_for_the_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="vocab_size must be at most"):
        counted([0], vocab_size=2**31 + 1)


def test_counts_of_another_shape_cannot_be_merged() -> None:
    for other in (counted([0], order=2), counted([0], vocab_size=5)):
        with pytest.raises(ValueError, match="cannot be merged"):
            counted([0]).merge(other)


def test_an_unfitted_model_says_so() -> None:
    model = NGramLanguageModel(VOCAB_SIZE, order=3)
    ids = torch.tensor([[0, 1]])
    for use in (
        lambda: model(ids),
        lambda: model.step(ids[:, 0]),
        lambda: model.log_probabilities(ids, ids),
        lambda: model.prune(2),
    ):
        with pytest.raises(ValueError, match="call fit first"):
            use()
    assert_equal_models(model.update(TEXT), fitted())


@pytest.mark.parametrize("bad", [-1, VOCAB_SIZE, 1000])
def test_an_id_that_the_model_does_not_have_is_named(bad: int) -> None:
    good, wrong = torch.tensor([[0, 1, 2]]), torch.tensor([[0, bad, 2]])
    model = fitted()
    for use in (
        lambda: model.logits(wrong),
        lambda: model.log_probabilities(wrong, good),
        lambda: model.log_probabilities(good, wrong),
        lambda: model.step(wrong[0]),
    ):
        with pytest.raises(TokenIdError) as caught:
            use()
        assert (caught.value.token_id, caught.value.position) == (bad, 1)
