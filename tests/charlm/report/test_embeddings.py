"""The nearest symbols are those of the smallest angle, and a model without vectors shows none."""

from typing import Any

import numpy as np
import pytest
import torch

from charlm import GPT, BigramLanguageModel, CharLM, ClassicGPT, ClassicGPTConfig, GPTConfig
from charlm.report.embeddings import embeddings, neighbors, representations
from chartok import Vocabulary

VOCABULARY = Vocabulary("abc<\u202e", special_tokens=["unk", "bos"])
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY.size,
    "block_size": 4,
    "n_layers": 1,
    "n_heads": 1,
    "width": 4,
    "context_only": (6,),
}


def models() -> list[CharLM]:
    gpts = [GPT(GPTConfig(**SHAPE), seed=1), ClassicGPT(ClassicGPTConfig(**SHAPE), seed=1)]
    return [
        CharLM(model, VOCABULARY) for model in (*gpts, BigramLanguageModel(VOCABULARY.size, seed=1, context_only=[6]))
    ]


@pytest.mark.parametrize("lm", models(), ids=lambda lm: lm.family)
def test_a_trained_model_shows_the_neighbors_of_each_symbol(lm: CharLM) -> None:
    html = embeddings(lm, VOCABULARY.symbols)
    assert html.count("<li>") == 5
    assert "<bdi>&lt;</bdi>" in html
    assert "\u202e" not in html


def test_neighbors_are_those_of_torch() -> None:
    generator = np.random.default_rng(1)
    vectors = {name: generator.normal(size=7) for name in "abcdefgh"}
    rows = torch.tensor(np.array(list(vectors.values())))
    cosines = torch.nn.functional.cosine_similarity(rows[:, None], rows[None], dim=-1)
    for (name, near), row in zip(neighbors(vectors, list(vectors)), cosines, strict=True):
        best = torch.topk(row, 4)
        assert best.indices[0] == list(vectors).index(name)
        assert [other for other, _ in near] == [list(vectors)[place] for place in best.indices[1:]]
        assert [cosine for _, cosine in near] == pytest.approx(best.values[1:].tolist(), abs=1e-5)


def test_adding_to_all_logits_of_a_bigram_changes_no_neighbor() -> None:
    lm = models()[-1]
    shifted = BigramLanguageModel(VOCABULARY.size, seed=1, context_only=[6])
    with torch.no_grad():
        shifted.table.add_(torch.arange(VOCABULARY.size)[:, None])
    found = representations(CharLM(shifted, VOCABULARY))
    before = representations(lm)
    assert found is not None
    assert before is not None
    for symbol in VOCABULARY.symbols:
        np.testing.assert_allclose(found[symbol], before[symbol], atol=1e-5)


def test_ngrams_have_no_vectors_and_a_zero_vector_no_direction() -> None:
    assert not embeddings(CharLM.fit("abcabc", "ngram"), ["a", "b"])
    assert neighbors({"a": np.zeros(2), "b": np.ones(2)}, "ab")[0] == ("a", [("b", 0.0)])
    assert not embeddings(models()[0], ["a"])


def test_symbols_of_a_counted_bigram_are_alike_if_the_same_follows_them() -> None:
    lm = CharLM.fit("acbcacbcabdd", "bigram", smoothing=0)
    vectors = representations(lm)
    assert vectors is not None
    assert all(np.isfinite(vector).all() for vector in vectors.values())
    assert neighbors(vectors, "abcd")[0][1][0][0] == "b"
