import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from charlm import (
    GPT,
    BigramLanguageModel,
    CharLM,
    Evaluation,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextDataset,
    evaluate,
    score,
)
from charlm.evaluation import scoring
from charlm.models import adapter
from charlm.models.ngram import search
from charlm.models.ngram.table import NGramTable
from charlm.recipes.corpus import Corpus
from chartok import TokenIdError, Vocabulary
from chartok.notebook import card
from reference_model import Reference
from strategies import costly


@costly()
@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.integers(1, 5), st.integers(1, 30), st.integers(1, 30))
def test_blocks_a_block_apart_do_not_overlap_and_score_every_id_but_the_first_once(
    ids: list[int], block_size: int, ids_at_once: int, targets_at_once: int
) -> None:
    model = Reference(5, block_size)
    expected = 0.0
    for start in range(0, len(ids) - 1, block_size):
        inputs, targets = ids[start : start + block_size], ids[start + 1 : start + block_size + 1]
        probabilities = model.logits(torch.tensor([inputs[: len(targets)]]))[0].softmax(-1)
        expected -= sum(math.log(probabilities[t, target].item()) for t, target in enumerate(targets))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "ids_at_once", lambda *_: ids_at_once)
        patch.setattr(scoring, "TARGETS_AT_ONCE", targets_at_once)
        evaluation = evaluate(model, TextDataset(ids, block_size=1), stride=block_size)
    assert evaluation.characters == len(ids) - 1
    assert evaluation.nats_per_character == pytest.approx(expected / (len(ids) - 1), rel=1e-5)


@pytest.mark.parametrize("model", [BigramLanguageModel(5, seed=1), Reference(5, None)])
def test_without_a_limit_the_whole_history_is_seen(model: LanguageModel) -> None:
    ids = torch.randint(0, 5, (50,), generator=torch.Generator().manual_seed(0))
    _, loss = model(ids[None, :-1], ids[None, 1:])
    assert loss is not None
    assert evaluate(model, TextDataset(ids, block_size=3)).nats_per_character == pytest.approx(loss.item(), rel=1e-6)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_a_model_that_looks_back_a_little_is_given_pieces_and_scores_as_on_the_whole(
    ids: list[int], order: int, targets_at_once: int, places_at_once: int
) -> None:
    model = NGramLanguageModel(5, order=order).fit(ids[: len(ids) // 2 + 1])
    whole = evaluate(model, TextDataset(ids, block_size=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "TARGETS_AT_ONCE", targets_at_once)
        patch.setattr(search, "PLACES_AT_ONCE", places_at_once)
        pieces = evaluate(model, TextDataset(ids, block_size=1))
    assert pieces.characters == whole.characters == len(ids) - 1
    assert pieces.nats_per_character == pytest.approx(whole.nats_per_character, rel=1e-12)


def test_units_agree() -> None:
    evaluation = Evaluation(nats_per_character=2.0, characters=10)
    assert evaluation.bits_per_character == pytest.approx(2.0 / math.log(2))
    assert evaluation.perplexity == pytest.approx(2**evaluation.bits_per_character)


@pytest.mark.parametrize(
    ("symbols", "utf8_bytes", "more"),
    [
        (None, None, {}),
        (10, None, {}),
        (5, 20, {"symbols": "5", "bits per symbol": "2.0000", "bits per byte": "0.5000"}),
    ],
)
def test_a_notebook_shows_every_unit_that_differs(
    symbols: int | None, utf8_bytes: int | None, more: dict[str, str]
) -> None:
    evaluation = Evaluation(nats_per_character=math.log(2), characters=10, symbols=symbols, utf8_bytes=utf8_bytes)
    perplexity = "4" if more else "2"
    facts = {"bits per character": "1.0000", "nats per character": "0.6931", "perplexity": perplexity}
    assert evaluation._repr_html_() == card("Evaluation", facts | {"characters": "10"} | more)


def test_a_perplexity_beyond_floats_is_infinite() -> None:
    assert Evaluation(nats_per_character=709.0, characters=1).perplexity == math.exp(709.0)
    assert Evaluation(nats_per_character=800.0, characters=1).perplexity == math.inf
    assert Evaluation(nats_per_character=math.inf, characters=1).perplexity == math.inf


def test_each_module_keeps_its_own_mode_and_no_gradient_is_kept() -> None:
    model = Reference(5)
    frozen = torch.nn.Dropout().eval()
    model.add_module("frozen", frozen)
    evaluate(model, TextDataset([0, 1, 2], block_size=1))
    assert model.training
    assert not frozen.training
    assert model.tables.grad is None


def test_evaluation_follows_the_device_of_the_model(device: torch.device) -> None:
    dataset = TextDataset([0, 1, 2, 3, 4] * 3, block_size=2)
    model = BigramLanguageModel(5, seed=1)
    assert evaluate(model.to(device), dataset).nats_per_character == pytest.approx(
        evaluate(model.to("cpu"), dataset).nats_per_character, rel=1e-5
    )


def test_ids_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(TokenIdError, match=r"ids\[2\] is 5"):
        evaluate(BigramLanguageModel(5), TextDataset([0, 1, 5], block_size=1))
    with pytest.raises(TokenIdError, match=r"ids\[1\] is 5: this vocabulary has ids 0 to 4"):
        score(BigramLanguageModel(5), [np.array([0, 1, 2]), np.array([0, 5])])


@costly()
@given(st.lists(st.integers(0, 4), min_size=2, max_size=40), st.integers(1, 6), st.data(), st.integers(1, 30))
def test_overlapping_blocks_score_every_id_once_with_more_context(
    ids: list[int], block_size: int, data: st.DataObject, targets_at_once: int
) -> None:
    model = Reference(5, block_size)
    stride = data.draw(st.integers(1, block_size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "TARGETS_AT_ONCE", targets_at_once)
        evaluation = evaluate(model, TextDataset(ids, block_size=1), stride=stride)
    assert evaluation.characters == len(ids) - 1
    scores = plain_scores(model, ids, stride)
    assert evaluation.nats_per_character == pytest.approx(-sum(scores) / len(scores), rel=1e-4)
    assert score(model, [ids], stride=stride)[0].tolist() == pytest.approx(scores, rel=1e-4)


def plain_scores(model: LanguageModel, ids: list[int], stride: int) -> list[float]:
    """Returns the score of each id but the first, from the first block that reaches it."""
    scores = list[float]()
    for target in range(1, len(ids)):
        start = 0
        while model.block_size is not None and target - start > model.block_size:
            start += stride
        logits = model.logits(torch.tensor([ids[start:target]]))[0, -1]
        scores.append(logits.log_softmax(-1)[ids[target]].item())
    return scores


@costly()
@given(
    st.lists(st.lists(st.integers(0, 4), max_size=30), max_size=6), st.sampled_from([None, 1, 3, 7]), st.integers(1, 50)
)
def test_texts_are_scored_side_by_side_as_one_by_one(
    texts: list[list[int]], block_size: int | None, ids_at_once: int
) -> None:
    model = Reference(5, block_size)
    arrays = [np.array(ids, dtype=np.int64) for ids in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "ids_at_once", lambda *_: ids_at_once)
        together = score(model, arrays)
    for ids, scores in zip(texts, together, strict=True):
        half = 1 if block_size is None else block_size - block_size // 2
        assert scores.tolist() == pytest.approx(plain_scores(model, ids, half), rel=1e-4)


class Counting(Reference):
    """Notes how many texts it is given at a time, and how long they are."""

    def __init__(self) -> None:
        super().__init__(5, None)
        self.shapes: list[tuple[int, int]] = []

    def log_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        self.shapes.append((inputs.shape[0], inputs.shape[1]))
        return super().log_probabilities(inputs, targets)


@given(number=st.integers(0, 20), length=st.integers(2, 9), ids_at_once=st.integers(1, 40))
def test_as_many_texts_are_scored_at_once_as_have_so_many_ids(number: int, length: int, ids_at_once: int) -> None:
    model = Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "ids_at_once", lambda *_: ids_at_once)
        score(model, [np.zeros(length, dtype=np.int64)] * number)
    full, rest = divmod(number, max(1, ids_at_once // length))
    rows = [max(1, ids_at_once // length)] * full + [rest] * (rest > 0)
    assert model.shapes == [(row, length - 1) for row in rows]


@pytest.mark.parametrize("stride", [-1, 0, 4, 1 << 40])
def test_a_stride_of_zero_or_above_the_block_is_refused(stride: int) -> None:
    model, message = Reference(5, 3), f"stride must be from 1 to the block size of the model, 3, got {stride}"
    with pytest.raises(ValueError, match=message):
        evaluate(model, TextDataset([0, 1], block_size=1), stride=stride)
    with pytest.raises(ValueError, match=message):
        score(model, [[0, 1]], stride=stride)


def test_a_stride_is_refused_where_there_are_no_blocks_and_where_it_is_no_integer() -> None:
    table = NGramTable.fit([0, 1, 2], vocab_size=5, order=2)
    for model in (Reference(5, None), BigramLanguageModel(5), table, NGramLanguageModel.of(table)):
        with pytest.raises(ValueError, match="stride applies only to a model with a block size"):
            evaluate(model, TextDataset([0, 1], block_size=1), stride=1)
    with pytest.raises(TypeError, match="stride must be an integer"):
        score(Reference(5, 3), [[0, 1]], stride=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [list, tuple, np.array, torch.tensor, lambda ids: np.array(ids, dtype=np.uint8)])
def test_ids_to_score_may_come_in_many_forms(form: Any) -> None:
    model = Reference(5, 2)
    ids = [0, 3, 1, 4, 2]
    expected, nothing = score(model, [np.array(ids), np.array([1])])
    assert [scores.tolist() for scores in score(model, [form(ids), form([1])])] == [expected.tolist(), nothing.tolist()]


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ([[0, 1], [0, 1, 5]], TokenIdError, r"ids\[2\] is 5"),
        ([np.array([0, 1]), np.array([-1])], TokenIdError, r"ids\[0\] is -1"),
        ([[0], np.zeros((2, 2), dtype=int)], ValueError, r"texts\[1\] must be one-dimensional, got shape \(2, 2\)"),
        ([np.array([0.5])], TypeError, r"texts\[0\] must be integers"),
        ([0, 1], TypeError, r"texts\[0\] must be integers"),
        (["01"], TypeError, r"texts\[0\] must be integers"),
    ],
)
def test_texts_that_are_no_ids_of_the_model_are_refused(texts: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        score(BigramLanguageModel(5), texts)


class Noting(GPT):
    """Notes how many numbers each of its batches needs at once, as it says itself."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        self.numbers: list[int] = []

    def logits(self, inputs: Tensor) -> Tensor:
        self.numbers.append(inputs.numel() * self.numbers_per_id)
        return super().logits(inputs)


@pytest.mark.parametrize("vocab_size", [7, 3000])
@pytest.mark.parametrize("mixed", [False, True])
def test_what_is_computed_at_once_is_bounded_in_bytes_whatever_the_vocabulary(
    vocab_size: int, mixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "BYTES_AT_ONCE", 1 << 20)
    gpt = Noting(GPTConfig(vocab_size=vocab_size, block_size=8, n_layers=1, n_heads=1, width=2, hash_rows=0))
    ids = np.arange(2000) % vocab_size
    ngram = NGramLanguageModel(vocab_size, order=2).fit(ids)
    model = MixtureLanguageModel([gpt, ngram]).fit(TextDataset(ids, block_size=8)) if mixed else gpt
    evaluate(model, TextDataset(ids, block_size=8))
    score(model, [ids[:9]] * 100)
    for rows in model.predictor().distributions(ids[:300]):
        assert rows.nbytes <= 1 << 20
    assert len(gpt.numbers) > 1
    assert max(gpt.numbers) * 4 <= 1 << 20


def test_a_record_that_counts_several_times_is_evaluated_as_often() -> None:
    counts = {"anna": 3, "hanna": 1, "bob": 70}
    lm = CharLM.fit(counts, order=2, smoothing="learned")
    weighted = Corpus.of_records(counts, vocabulary=lm.vocabulary)
    repeated = [name for name, count in counts.items() for _ in range(count)]
    found = evaluate(lm.stored, weighted, vocabulary=lm.vocabulary)
    expected = lm.evaluate(repeated)
    assert found.characters == expected.characters
    assert found.nats_per_character == pytest.approx(expected.nats_per_character)


@pytest.mark.parametrize("special_tokens", [[], ["unk"]], ids=str)
def test_a_text_without_unknown_characters_is_evaluated_alike_with_unk_and_without(special_tokens: list[str]) -> None:
    vocabulary = Vocabulary("ab", special_tokens=special_tokens)
    model = NGramLanguageModel(vocabulary.size, order=2).fit(vocabulary.encode("abba" * 9))
    dataset = TextDataset(vocabulary.encode("abab"), block_size=3)
    found, of_ids = evaluate(model, dataset, vocabulary=vocabulary), evaluate(model, dataset)
    assert found.characters == of_ids.characters
    assert found.nats_per_character == pytest.approx(of_ids.nats_per_character)
