from typing import Any

import pytest
import torch

from charlm import CharLM, GPTConfig, TrainerConfig
from charlm.models.gpt.model import GPT
from charlm.recipes.corpus import Corpus
from charlm.recipes.new_model import gpt_shape
from charlm.recipes.presets import Recipe

TEXT = "the quick brown fox jumps over the lazy dog. " * 40
NAMES = ["anna", "hanna", "joanna", "susanna", "johanna"] * 8
ONE_STEP = TrainerConfig(max_steps=1)


def shape(corpus: Corpus, device: str = "cpu", **settings: Any) -> GPTConfig:
    found = gpt_shape(corpus, Recipe(family="gpt", **settings), torch.device(device))
    assert isinstance(found, GPTConfig)
    return found


@pytest.fixture
def corpus() -> Corpus:
    return Corpus.of_text(TEXT, ["unk"])


def test_the_size_suits_the_device(corpus: Corpus) -> None:
    nano, small, base = (make(corpus.vocabulary.size) for make in (GPTConfig.nano, GPTConfig.small, GPTConfig.base))
    assert shape(corpus, "cpu") == nano
    assert shape(corpus, "cuda") == base
    assert shape(corpus, "cuda", size="small") == small
    assert (small.n_layers, small.width) == (6, 256)


def test_the_block_is_that_of_the_text_and_of_the_size(corpus: Corpus) -> None:
    assert shape(corpus, block_size=10).block_size == 10
    lm = CharLM.fit(TEXT, "gpt", block_size=10, size="nano", config=ONE_STEP, device="cpu")
    assert isinstance(lm.model, GPT)
    assert lm.model.block_size == 10


def test_the_block_of_records_is_that_of_the_longest() -> None:
    lm = CharLM.fit(NAMES, "gpt", size="nano", config=ONE_STEP, device="cpu")
    assert lm.model.block_size == max(map(len, NAMES)) + 1  # from bos to the last character


@pytest.mark.parametrize("family", ["trained-bigram", "gpt"])
def test_a_start_token_is_never_predicted_by_what_was_trained_on_records(family: Any) -> None:
    lm = CharLM.fit(NAMES, family, config=ONE_STEP, device="cpu")
    assert lm.model.context_only == (lm.vocabulary.special_tokens["bos"],)
