"""What every family promises of ids that are contexts and never outcomes."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    ClassicGPTConfig,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    RecordDataset,
    TextDataset,
    Trainer,
    TrainerConfig,
    evaluate,
    generate,
)
from charlm.data.dataset import IGNORE_INDEX
from charlm.models.registry import FAMILIES
from lively_classic_gpt import lively_classic
from lively_gpt import lively

VOCAB_SIZE = 7
NEVER = (2, 5)
CONFIG = GPTConfig(
    vocab_size=VOCAB_SIZE, block_size=12, n_layers=1, n_heads=2, width=8, hash_rows=11, context_only=NEVER
)
IDS = torch.randint(0, VOCAB_SIZE, (4, 12), generator=torch.Generator().manual_seed(5))
OUTCOMES = [token_id for token_id in range(VOCAB_SIZE) if token_id not in NEVER]


def make_models() -> list[LanguageModel]:
    text = torch.randint(0, VOCAB_SIZE, (500,), generator=torch.Generator().manual_seed(6))
    ngram = NGramLanguageModel(VOCAB_SIZE, order=4, context_only=NEVER).fit(text)
    return [
        BigramLanguageModel(VOCAB_SIZE, seed=3, context_only=NEVER),
        BigramLanguageModel(VOCAB_SIZE, context_only=NEVER).fit(text, smoothing=0),
        ngram,
        NGramLanguageModel(VOCAB_SIZE, order=4, context_only=NEVER).fit(text).float(),
        lively(CONFIG),
        lively_classic(
            ClassicGPTConfig(vocab_size=VOCAB_SIZE, block_size=12, n_layers=1, n_heads=2, width=8, context_only=NEVER)
        ),
        MixtureLanguageModel([lively(CONFIG), ngram]),
        MixtureLanguageModel([BigramLanguageModel(VOCAB_SIZE, seed=3, context_only=NEVER), lively(CONFIG)]),
    ]


every_model = pytest.mark.parametrize("model", make_models(), ids=lambda model: type(model).__name__)


def test_these_are_models_of_every_family() -> None:
    assert {model.family for model in make_models()} == set(FAMILIES)


@every_model
def test_their_probability_is_zero_and_the_others_share_it_all(model: LanguageModel) -> None:
    assert model.context_only == NEVER
    logits = model.logits(IDS)
    assert (logits[..., NEVER] == -math.inf).all()
    assert logits[..., OUTCOMES].isfinite().all()
    shares = logits[..., OUTCOMES].softmax(dim=-1)
    torch.testing.assert_close(logits.softmax(dim=-1)[..., OUTCOMES], shares)
    scores = model.log_probabilities(IDS, torch.full_like(IDS, NEVER[1]))
    assert (scores == -math.inf).all()


@every_model
def test_steps_and_starts_keep_to_it(model: LanguageModel) -> None:
    expected = model.logits(IDS)
    logits, state = model.start(IDS[:, :3])
    torch.testing.assert_close(logits, expected[:, 2], rtol=0, atol=1e-5)
    for position in range(3, IDS.shape[1]):
        logits, state = model.step(IDS[:, position], state)
        torch.testing.assert_close(logits, expected[:, position], rtol=0, atol=1e-5)


@every_model
def test_the_predictor_keeps_to_it(model: LanguageModel) -> None:
    predictor = model.predictor()
    assert predictor.context_only == NEVER
    ids = IDS[0].numpy()
    rows = np.concatenate(list(predictor.distributions(ids)))
    np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1, rtol=1e-5)
    assert (rows[:, NEVER] == -np.inf).all()
    scores = predictor.scores(ids, np.array([len(ids)]))
    assert np.array_equal(np.isneginf(scores), np.isin(ids[1:], NEVER))
    assert predictor.start(ids[None])[0][0, list(NEVER)].tolist() == [-math.inf] * len(NEVER)


@every_model
def test_as_targets_they_do_not_count(model: LanguageModel) -> None:
    targets = IDS.roll(-1, dims=1)
    assert torch.isin(targets, torch.tensor(NEVER)).any()
    ignored = targets.masked_fill(torch.isin(targets, torch.tensor(NEVER)), IGNORE_INDEX)
    (_, loss), (_, expected) = model(IDS, targets), model(IDS, ignored)
    assert loss is not None
    assert loss.isfinite()
    assert loss == expected


@every_model
def test_an_evaluation_is_over_what_can_come(model: LanguageModel) -> None:
    dataset = TextDataset(IDS.flatten(), block_size=4)
    evaluation = evaluate(model, dataset)
    assert evaluation.characters == int((~torch.isin(IDS.flatten()[1:], torch.tensor(NEVER))).sum())
    assert math.isfinite(evaluation.nats_per_character)


@every_model
def test_they_are_never_drawn(model: LanguageModel) -> None:
    drawn = np.asarray(generate(model, [NEVER[0]], max_new_tokens=300, seed=1, temperature=5.0))
    assert not np.isin(drawn[1:], NEVER).any()
    assert set(drawn[1:].tolist()) == set(OUTCOMES)


@pytest.mark.parametrize("family", ["bigram", "gpt"])
def test_packed_records_can_be_trained_on(family: str) -> None:
    records = RecordDataset(["ada", "bob", "abba", "dad", "o"] * 8)
    size, never = records.vocabulary.size, (records.vocabulary.special_tokens["bos"],)
    model: LanguageModel = BigramLanguageModel(size, seed=1, context_only=never)
    if family == "gpt":
        model = lively(dataclasses.replace(CONFIG, vocab_size=size, context_only=never))
    packed = records.packed(6)
    assert np.isin(packed.joined()[0][1:], never).any()
    config = TrainerConfig(max_steps=60, log_interval=1, evaluation_interval=20, learning_rate=0.05)
    trainer = Trainer(model, BatchSampler(packed, batch_size=8, seed=0), validation=packed, config=config)
    before = trainer.evaluate().nats_per_character
    losses = [entry.train_loss for entry in trainer.fit().log]
    assert all(loss is None or math.isfinite(loss) for loss in losses)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert trainer.evaluate().nats_per_character < before - 0.3
    assert (model.logits(torch.tensor([[0, 1]]))[..., never[0]] == -math.inf).all()


def test_no_gradient_reaches_what_is_never_predicted() -> None:
    model = BigramLanguageModel(VOCAB_SIZE, seed=3, context_only=NEVER)
    _, loss = model(IDS, IDS.roll(-1, dims=1))
    assert loss is not None
    loss.backward()
    gradient = model.table.grad
    assert gradient is not None
    assert gradient.isfinite().all()
    assert not gradient[:, NEVER].any()
    assert gradient[:, OUTCOMES].any()


def test_a_mixture_leaves_out_what_none_of_its_models_predicts() -> None:
    narrow = BigramLanguageModel(VOCAB_SIZE, seed=1, context_only=NEVER)
    wide = BigramLanguageModel(VOCAB_SIZE, seed=2, context_only=NEVER[:1])
    mixture = MixtureLanguageModel([narrow, wide])
    assert mixture.context_only == NEVER[:1]
    probabilities = mixture.logits(IDS).exp()
    torch.testing.assert_close(probabilities.sum(dim=-1), torch.ones(IDS.shape))
    assert (probabilities[..., NEVER[0]] == 0).all()
    assert (probabilities[..., NEVER[1]] > 0).all()


def test_the_weights_of_a_mixture_are_fitted_to_what_can_come() -> None:
    dataset = TextDataset(IDS.flatten(), block_size=4)
    ngram = NGramLanguageModel(VOCAB_SIZE, order=2, context_only=NEVER).fit(IDS.flatten())
    mixture = MixtureLanguageModel([ngram, BigramLanguageModel(VOCAB_SIZE, seed=2, context_only=NEVER)])
    before = evaluate(mixture, dataset).nats_per_character
    assert evaluate(mixture.fit(dataset), dataset).nats_per_character < before
    torch.testing.assert_close(mixture.weights.sum(dim=-1), torch.ones(2))


def test_settings_say_what_is_never_predicted() -> None:
    for model in make_models():
        again = type(model).from_settings(model.settings())
        again.load_state_dict(model.state_dict())
        assert again.context_only == NEVER
        logits = again.eval().logits(IDS)
        torch.testing.assert_close(logits.double(), model.logits(IDS).double())
