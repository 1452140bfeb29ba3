"""Promises of the mixture, checked against one that asks each model for one position at a time."""

import dataclasses
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from charlm import (
    BigramLanguageModel,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    RecordDataset,
    TextDataset,
    evaluate,
    generate,
)
from charlm.data.dataset import Piece
from charlm.models import mixture as mixture_module
from charlm.models.mixture import reestimated
from chartok import TokenIdError
from lively_gpt import lively
from reference_model import Reference
from strategies import costly

VOCAB_SIZE = 5
TEXT = (np.random.default_rng(0).integers(0, 2, 400).cumsum() % VOCAB_SIZE).tolist()
HELD_OUT = (np.random.default_rng(1).integers(0, 2, 300).cumsum() % VOCAB_SIZE).tolist()
CONFIG = GPTConfig(vocab_size=VOCAB_SIZE, block_size=6, n_layers=1, n_heads=1, width=4, hash_rows=7)

rows = st.lists(st.integers(0, VOCAB_SIZE - 1), min_size=1, max_size=30)


def ngram(order: int = 3) -> NGramLanguageModel:
    return NGramLanguageModel(VOCAB_SIZE, order=order).fit(TEXT, smoothing="kneser-ney")


def weighted(*models: LanguageModel) -> MixtureLanguageModel:
    """A mixture with weights that differ from row to row."""
    mixture = MixtureLanguageModel(models)
    mixture.weights.copy_(torch.rand(mixture.weights.shape, generator=torch.Generator().manual_seed(0)).softmax(-1))
    return mixture


def reference(mixture: MixtureLanguageModel, ids: list[int]) -> Tensor:
    """The logarithms of the mixed probabilities of what follows all of the ids."""
    length = 0
    for model in mixture.models:
        if isinstance(model, NGramLanguageModel) and model.order == len(mixture.weights):
            known = {tuple(TEXT[start : start + n]) for n in range(model.order) for start in range(len(TEXT) - n + 1)}
            length = max(n for n in range(min(model.order, len(ids) + 1)) if tuple(ids[len(ids) - n :]) in known)
            break
    total = torch.zeros(VOCAB_SIZE)
    for weight, model in zip(mixture.weights[length], mixture.models, strict=True):
        assert isinstance(model, LanguageModel)
        start = 0
        while model.block_size is not None and len(ids) - start > model.block_size:
            start += model.block_size - model.block_size // 2
        total = total + weight * model.logits(torch.tensor([ids[start:]]))[0, -1].softmax(-1)
    return total.log()


def mixtures() -> list[MixtureLanguageModel]:
    gpt = lively(CONFIG)
    return [
        weighted(BigramLanguageModel(VOCAB_SIZE, seed=1)),
        weighted(gpt, ngram(4), ngram(2)),
        weighted(ngram(1), gpt),
        weighted(gpt, lively(dataclasses.replace(CONFIG, block_size=1), seed=1), BigramLanguageModel(VOCAB_SIZE)),
    ]


every_mixture = pytest.mark.parametrize("mixture", mixtures(), ids=["bigram", "gpt+4+2", "1+gpt", "gpt+gpt+bigram"])


@every_mixture
@costly()
@given(ids=rows, ids_at_once=st.integers(1, 20))
def test_probabilities_are_those_of_the_models_added_up(
    mixture: MixtureLanguageModel, ids: list[int], ids_at_once: int
) -> None:
    inputs = torch.tensor([ids, ids[::-1]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixture_module, "ids_at_once", lambda *_: ids_at_once)
        logits = mixture.logits(inputs)
    expected = torch.stack([reference(mixture, ids[: position + 1]) for position in range(len(ids))])
    torch.testing.assert_close(logits[0], expected, rtol=1e-4, atol=1e-4, check_dtype=False)
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones_like(logits[..., 0]))
    targets = inputs.roll(-1, dims=1)
    scores = mixture.log_probabilities(inputs, targets)
    torch.testing.assert_close(scores, logits.gather(-1, targets[..., None])[..., 0], check_dtype=False)


@every_mixture
@costly()
@given(ids=rows)
def test_stepping_gives_the_logits_of_the_whole_at_any_length(mixture: MixtureLanguageModel, ids: list[int]) -> None:
    inputs = torch.tensor([ids, ids[::-1]])
    expected = mixture.logits(inputs)
    state = None
    for position in range(len(ids)):
        logits, state = mixture.step(inputs[:, position], state)
        torch.testing.assert_close(logits, expected[:, position], rtol=0, atol=1e-5, check_dtype=False)


def test_an_ngram_model_sees_across_the_blocks_of_the_other() -> None:
    mixture = MixtureLanguageModel([lively(CONFIG), ngram()])
    mixture.weights.copy_(torch.tensor([0.0, 1.0]))
    dataset = TextDataset(HELD_OUT, block_size=4)
    assert evaluate(mixture, dataset).nats_per_character == pytest.approx(
        evaluate(ngram(), dataset).nats_per_character, rel=1e-12
    )


def test_models_with_a_limit_are_given_no_more_than_some_blocks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gpt = lively(CONFIG)
    mixture = MixtureLanguageModel([gpt, ngram()])
    logits = gpt.logits
    given_ids = []

    def counting(inputs: Tensor) -> Tensor:
        given_ids.append(inputs.numel())
        return logits(inputs)

    monkeypatch.setattr(gpt, "logits", counting)
    monkeypatch.setattr(mixture_module, "ids_at_once", lambda *_: 60)
    ids = torch.zeros(1, 1000, dtype=torch.int64)
    mixture.log_probabilities(ids, ids)
    assert len(given_ids) > 1000 / 60
    assert max(given_ids) <= 60


@costly()
@given(
    st.lists(st.tuples(st.integers(0, 2), *[st.floats(-20, 0)] * 3), min_size=1, max_size=40),
    st.lists(st.floats(0.01, 1), min_size=9, max_size=9),
)
def test_the_likelihood_never_falls_from_one_iteration_to_the_next(
    positions: list[tuple[Any, ...]], start: list[float]
) -> None:
    lengths = torch.tensor([length for length, *_ in positions])
    likelihoods = torch.tensor([scores for _, *scores in positions], dtype=torch.float64).exp()
    weights = torch.tensor(start, dtype=torch.float64).view(3, 3)
    weights /= weights.sum(dim=1, keepdim=True)
    before = -math.inf
    for _ in range(10):
        weights, mean = reestimated(weights, likelihoods, lengths)
        assert mean >= before - 1e-12
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(3, dtype=torch.float64))
        before = mean


def test_a_fitted_mixture_is_better_than_each_of_its_models_and_than_equal_weights() -> None:
    models = [ngram(4), ngram(2), BigramLanguageModel(VOCAB_SIZE).fit(TEXT[:30])]
    dataset = TextDataset(HELD_OUT, block_size=4)
    mixture = MixtureLanguageModel(models)
    others = [evaluate(model, dataset).nats_per_character for model in (mixture, *models)]
    assert mixture.fit(dataset) is mixture
    assert evaluate(mixture, dataset).nats_per_character <= min(others) + 2e-4  # EM comes near a weight of 0 slowly
    torch.testing.assert_close(mixture.weights.sum(dim=1), torch.ones(4))


def test_weights_are_the_same_everywhere_without_an_ngram_model() -> None:
    models = [lively(CONFIG), BigramLanguageModel(VOCAB_SIZE).fit(TEXT)]
    assert MixtureLanguageModel(models).weights.tolist() == [[0.5, 0.5]]
    fitted = MixtureLanguageModel(models).fit(TextDataset(HELD_OUT, block_size=1))
    assert fitted.weights[0, 1] > 0.9


def test_a_length_that_the_held_out_data_lack_gets_the_weights_of_all() -> None:
    mixture = MixtureLanguageModel([ngram(3), BigramLanguageModel(VOCAB_SIZE)])
    mixture.fit(TextDataset(HELD_OUT, block_size=1))
    lengths = ngram(3).context_lengths(torch.tensor([HELD_OUT[:-1]]))
    assert not (lengths == 0).any()
    assert 0 < mixture.weights[0, 0] < 1


def test_the_weights_of_records_are_fitted_to_what_counts_in_them() -> None:
    records = RecordDataset(["ab", "b", "abba"])
    size = records.vocabulary.size
    models = [BigramLanguageModel(size).fit(records), BigramLanguageModel(size, seed=1)]
    mixture = MixtureLanguageModel(models).fit(records)
    assert evaluate(mixture, records).nats_per_character <= evaluate(models[0], records).nats_per_character + 1e-6


def test_fitting_leaves_the_models_and_their_modes_alone() -> None:
    gpt = lively(dataclasses.replace(CONFIG, dropout=0.5)).train()
    before = {name: value.clone() for name, value in gpt.state_dict().items()}
    mixture = MixtureLanguageModel([gpt, ngram()]).fit(TextDataset(HELD_OUT, block_size=1))
    assert gpt.training
    assert mixture.models[0] is gpt
    assert all(torch.equal(value, before[name]) for name, value in gpt.state_dict().items())


def test_settings_are_json_and_make_the_shape_again() -> None:
    mixture = weighted(lively(CONFIG), ngram(4), BigramLanguageModel(VOCAB_SIZE))
    again = MixtureLanguageModel.from_settings(json.loads(json.dumps(mixture.settings())))
    again.load_state_dict(mixture.state_dict())
    assert again.settings() == mixture.settings()
    assert torch.equal(again.logits(torch.tensor([TEXT])), mixture.logits(torch.tensor([TEXT])))


def test_a_mixture_is_made_and_fitted_where_its_models_are(device: torch.device) -> None:
    models = [lively(CONFIG).to(device), ngram().to(device)]
    mixture = MixtureLanguageModel(models).fit(TextDataset(HELD_OUT, block_size=6))
    assert mixture.weights.device == device


def test_the_weights_of_a_mixture_are_on_the_device_of_its_models() -> None:
    assert MixtureLanguageModel([BigramLanguageModel(VOCAB_SIZE).to("meta")] * 1).weights.device.type == "meta"


def test_the_mixture_follows_its_device(device: torch.device) -> None:
    mixture = weighted(lively(CONFIG), ngram(4))
    expected = mixture.logits(torch.tensor([TEXT]))
    mixture = mixture.to(device)
    found = mixture.logits(torch.tensor([TEXT], device=device)).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)  # the Transformer computes in single precision
    assert generate(mixture, [0], max_new_tokens=9).device == device


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        ([], ValueError, "a mixture must have 1 to 32 models, got 0"),
        ([BigramLanguageModel(2) for _ in range(33)], ValueError, "1 to 32 models, got 33"),
        ([BigramLanguageModel(2), BigramLanguageModel(3)], ValueError, r"models\[1\] has 3 ids and models\[0\] has 2"),
        (
            [BigramLanguageModel(2), torch.nn.Linear(2, 2)],
            TypeError,
            r"models\[1\] must be a LanguageModel, got Linear",
        ),
        ([MixtureLanguageModel([BigramLanguageModel(2)])], ValueError, r"models\[0\] is a mixture"),
        ([BigramLanguageModel(2)] * 2, ValueError, "contains the same model twice"),
        (BigramLanguageModel(2), TypeError, "not iterable"),
    ],
    ids=str,
)
def test_models_that_cannot_be_mixed_are_refused(models: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        MixtureLanguageModel(models)


def test_held_out_data_must_be_possible() -> None:
    mixture = MixtureLanguageModel([BigramLanguageModel(3).fit([0, 1, 0], smoothing=0)])
    with pytest.raises(ValueError, match="with probability 0 under every model"):
        mixture.fit(TextDataset([0, 0], block_size=1))
    with pytest.raises(TokenIdError, match=r"ids\[1\] is 3"):
        mixture.fit(TextDataset([0, 3], block_size=1))
    with pytest.raises(ValueError, match="call fit first"):
        MixtureLanguageModel([NGramLanguageModel(3, order=2)]).fit(TextDataset([0, 1], block_size=1))


def test_held_out_data_without_a_target_that_counts_are_refused_and_the_weights_stay() -> None:
    mixture = weighted(*(BigramLanguageModel(3, seed=seed, context_only=[2]) for seed in range(2)))
    before = mixture.weights.clone()
    with pytest.raises(ValueError, match="nothing to learn from: every target is masked, or in context_only"):
        mixture.fit(TextDataset([2, 2, 2], block_size=1))
    assert torch.equal(mixture.weights, before)


def test_texts_too_short_for_a_target_change_nothing() -> None:
    class Pieces:
        def __init__(self, lengths: list[int]) -> None:
            self._lengths = np.array(lengths)

        def check_ids(self, size: int) -> None:
            assert size == VOCAB_SIZE

        def pieces(self, targets: int | None, overlap: int) -> Iterator[Piece]:
            assert (targets, overlap) == (None, 0)
            ids = np.concatenate([np.array(TEXT[:length], dtype=np.int64) for length in self._lengths])
            yield Piece(ids, self._lengths, np.ones(np.maximum(self._lengths - 1, 0).sum(), dtype=bool))

    several = [MixtureLanguageModel([ngram(2), ngram(3)]).fit(Pieces(some)) for some in ([9, 0, 30, 1], [9, 30])]
    assert torch.equal(several[0].weights, several[1].weights)


def test_a_model_of_no_known_family_can_be_mixed_too() -> None:
    mixture = MixtureLanguageModel([Reference(VOCAB_SIZE), ngram()])
    dataset = TextDataset(HELD_OUT, block_size=1)
    assert evaluate(mixture.fit(dataset), dataset).nats_per_character < math.log(VOCAB_SIZE)
