"""What is drawn of attention is what the model attends to."""

import html
import json

import numpy as np
import pytest

from charlm import GPT, CharLM, GPTConfig, MixtureLanguageModel, NGramLanguageModel
from charlm.report.attention import LEVELS, LONGEST, attention, transformer_of, written
from charlm.report.scored import Scored
from chartok import Vocabulary

TEXT = "</script> ab\u202eab"


def gpt(vocabulary: Vocabulary, block_size: int = 8) -> GPT:
    never = tuple(place for name, place in vocabulary.special_tokens.items() if name == "bos")
    size = vocabulary.size
    return GPT(
        GPTConfig(vocab_size=size, block_size=block_size, n_layers=2, n_heads=2, width=8, context_only=never), seed=1
    )


@pytest.mark.parametrize("special", [[], ["bos"], ["bos", "eos"]])
def test_each_position_and_head_is_there(special: list[str]) -> None:
    vocabulary = Vocabulary.from_text(TEXT, special_tokens=special)
    lm = CharLM(gpt(vocabulary), vocabulary)
    drawn = attention(lm, Scored.of(lm, [TEXT], "a text"))
    data = json.loads(html.unescape(drawn.split('data-attention="')[1].split('"')[0]))
    assert (data["layers"], data["heads"], len(data["weights"])) == (2, 2, 4)
    assert set(map(len, data["weights"])) == {8 * 9 // 2}
    assert drawn.count("<span") == 8
    assert (">start<" in drawn) == bool(special)
    assert "\u202e" not in drawn
    assert "</script>" not in drawn


def test_weights_are_read_back_within_a_step() -> None:
    weights = np.tril(np.random.default_rng(1).random((9, 9))).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    read = np.array([LEVELS.index(each) / 63 for each in written(weights)]) ** 2
    np.testing.assert_allclose(read, weights[np.tril_indices(9)], atol=0.02)


def test_a_mixture_shows_its_transformer_and_counts_show_nothing() -> None:
    vocabulary = Vocabulary.from_text(TEXT)
    parts = [NGramLanguageModel(vocabulary.size, order=2).fit(vocabulary.encode(TEXT)), gpt(vocabulary, 2 * LONGEST)]
    lm = CharLM(MixtureLanguageModel(parts), vocabulary)
    found = transformer_of(lm)
    assert found is not None
    assert found.family == "gpt"
    assert attention(lm, Scored.of(lm, [TEXT * 9], "a text")).count("<span") == LONGEST
    counted = CharLM.fit(TEXT)
    assert not attention(counted, Scored.of(counted, [TEXT], "a text"))
    assert not attention(lm, Scored.of(lm, ["a"], "a text"))
