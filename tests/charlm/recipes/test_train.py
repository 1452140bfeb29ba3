from pathlib import Path
from typing import Any

import pytest
import torch

from charlm import CharLM, MixtureLanguageModel, NGramLanguageModel, RecordDataset, TextDataset, TrainerConfig
from charlm.models.gpt.model import GPT
from charlm.recipes.mixture import default_size, fitted_mixture, shape, split_for_tuning, untrained_gpt
from chartok import Vocabulary

TEXT = "the quick brown fox jumps over the lazy dog. " * 40
NAMES = ["anna", "hanna", "joanna", "susanna", "johanna"] * 8
QUICK = TrainerConfig(max_steps=15, optimizer="muon", learning_rate=0.01)


@pytest.mark.parametrize("family", ["gpt", "mixture"])
@pytest.mark.parametrize("source", [TEXT, NAMES], ids=["text", "records"])
def test_a_trained_model_scores_generates_saves_and_loads(tmp_path: Path, family: Any, source: Any) -> None:
    order: Any = {"order": 4} if family == "mixture" else {}
    lm = CharLM.fit(source, family, size="nano", config=QUICK, device="cpu", **order)
    assert lm.model.family == family
    assert lm.is_of_records == (source is NAMES)
    likely, unlikely = ("the lazy dog", "zzzz xqkv jj") if source is TEXT else ("joanna", "nnjjaa")
    assert lm.bits_per_character(likely) < lm.bits_per_character(unlikely)
    lm.save(tmp_path / "model.safetensors")
    loaded = CharLM.load(tmp_path / "model.safetensors")
    assert loaded.log_probabilities(likely) == pytest.approx(lm.log_probabilities(likely), abs=1e-5)
    assert loaded.generate(likely[:3], max_new_tokens=20, seed=1) == lm.generate(likely[:3], max_new_tokens=20, seed=1)
    if source is NAMES:
        assert len(lm.sample(3, max_length=12, unique=False, seed=1)) == 3


def test_the_same_seed_gives_the_same_model() -> None:
    first, second = (CharLM.fit(TEXT, "gpt", config=QUICK, device="cpu") for _ in range(2))
    assert first.log_probabilities("the fox").tolist() == second.log_probabilities("the fox").tolist()


def test_bad_input_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(ValueError, match="model must be one of ngram, bigram, gpt, mixture, got 'lstm'"):
        CharLM.fit(TEXT, "lstm")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match="size must be one of nano, small, base, got 'huge'"):
        CharLM.fit(TEXT, "gpt", size="huge")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match="cannot be used here"):
        CharLM.fit(TEXT, "gpt", device="nonsense")


@pytest.mark.parametrize(("family", "least"), [("gpt", 65), ("mixture", 1300)])
def test_a_text_that_is_too_short_is_told_how_long_it_must_be(family: Any, least: int) -> None:
    quick = TrainerConfig(max_steps=1)
    text = ("short text " * 150)[:least]
    CharLM.fit(text, family, size="nano", config=quick, device="cpu")
    with pytest.raises(
        ValueError,
        match=f"a {family} of size 'nano' needs a text of at least {least} characters, got {least - 1}: give more "
        "text, a smaller size, or model='ngram'",
    ):
        CharLM.fit(text[:-1], family, size="nano", config=quick, device="cpu")


def test_the_models_of_a_mixture_have_not_seen_what_its_weights_are_fitted_to() -> None:
    dataset = TextDataset(range(1000), block_size=8)
    learned, tuning = split_for_tuning(dataset, seed=0)
    assert isinstance(learned, TextDataset)
    assert isinstance(tuning, TextDataset)
    assert torch.cat([tuning.ids, learned.ids]).tolist() == list(range(1000))
    assert len(tuning.ids) == 50
    records = RecordDataset([chr(97 + i % 26) * (1 + i // 26) for i in range(100)])
    parts = split_for_tuning(records, seed=0)
    assert [len(part) for part in parts] == [95, 5]


def test_a_mixture_counts_all_and_is_weighted_by_what_was_held_out() -> None:
    vocabulary = Vocabulary.from_text(TEXT)
    dataset = TextDataset(vocabulary.encode(TEXT), block_size=64)
    gpt = untrained_gpt(shape("nano", vocabulary.size), dataset, seed=0)
    mixture = fitted_mixture(gpt, 3, dataset, seed=0)
    whole = NGramLanguageModel(vocabulary.size, order=3).fit(dataset)
    counted = mixture.models[1].state_dict()
    assert all(torch.equal(tensor, counted[name]) for name, tensor in whole.state_dict().items())
    assert mixture.weights[-1, 1] > 0.99  # the Transformer has learned nothing
    assert isinstance(mixture, MixtureLanguageModel)


def test_the_shape_suits_the_device_and_the_data() -> None:
    assert default_size(torch.device("cpu")) == "nano"
    assert default_size(torch.device("cuda", 0)) == "base"
    dataset = TextDataset(range(100), block_size=10)
    gpt = untrained_gpt(shape("small", 100), dataset, seed=1)
    assert isinstance(gpt, GPT)
    assert gpt.block_size == 10
    assert (gpt.config.n_layers, gpt.config.width) == (6, 256)
