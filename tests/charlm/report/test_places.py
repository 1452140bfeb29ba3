"""The loss by place and by context adds up to the loss of the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import GPT, CharLM, GPTConfig, MixtureLanguageModel, NGramLanguageModel
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing.choices import Smoothing
from charlm.report.growth import growth, up_to
from charlm.report.places import contexts_found, places, ranges, scored_in_blocks
from charlm.report.scored import Scored
from chartok import Vocabulary

TEXT = "the quick brown fox jumps over the lazy dog. " * 9


@given(st.integers(0, 5000))
def test_every_place_is_in_one_row(most: int) -> None:
    found = [place for first, last in ranges(most) for place in range(first, last + 1)]
    assert found == list(range(most + 1))
    assert len(list(ranges(most))) <= 25


def test_the_context_found_is_the_longest_that_was_counted() -> None:
    lm = CharLM.fit("abcabd", order=3, smoothing="kneser-ney")
    assert isinstance(lm.predictor, NGramTable)
    found, bits = contexts_found(lm, lm.predictor, Scored.of(lm, ["abdab"], "a text"))
    assert found.tolist() == [0, 1, 2, 2, 1]  # nothing is known of the start
    np.testing.assert_allclose(bits, lm.inspect("abdab").bits)


def test_each_row_has_the_mean_of_its_places() -> None:
    lm = CharLM.fit(["anna", "hanna"], order=3)
    html = places(lm, Scored.of(lm, ["anna", "hanna"], "records"))
    first = np.mean([lm.inspect(name).bits[0] for name in ("anna", "hanna")])
    assert html.startswith("<section")
    assert f'<tr><th scope="row">1</th><td class="bar"><i style="width:100.0%"></i></td><td>{first:.2f}</td>' in html


def test_blocks_of_a_transformer_do_not_overlap() -> None:
    vocabulary = Vocabulary.from_text(TEXT)
    lm = CharLM(GPT(GPTConfig(vocab_size=vocabulary.size, block_size=8, n_layers=1, n_heads=1, width=8)), vocabulary)
    bits = scored_in_blocks(lm, TEXT[:50], 8)
    assert len(bits) == 49
    np.testing.assert_allclose(bits[:8], lm.inspect(TEXT[:9]).bits[1:], rtol=1e-5)
    np.testing.assert_allclose(bits[8:16], lm.inspect(TEXT[8:17]).bits[1:], rtol=1e-5)
    assert "By position in the block" in places(lm, Scored.of(lm, [TEXT], "a text"))


def test_a_model_to_which_all_places_are_alike_has_no_such_section() -> None:
    lm = CharLM.fit(TEXT, "bigram")
    assert not places(lm, Scored.of(lm, [TEXT], "a text"))
    vocabulary = Vocabulary.from_text("ab")
    mixture = CharLM(MixtureLanguageModel([NGramLanguageModel(2, order=2).fit([0, 1, 0])]), vocabulary)
    assert not places(mixture, Scored.of(mixture, ["abab"], "a text"))
    ngram = CharLM.fit(TEXT)
    assert not places(ngram, Scored.of(ngram, [TEXT], "its own", is_own=True))


@pytest.mark.parametrize("smoothing", ["kneser-ney", "learned"])
def test_the_part_of_a_model_up_to_an_order_is_a_model(smoothing: Smoothing) -> None:
    lm = CharLM.fit(TEXT, order=4, smoothing=smoothing)
    assert isinstance(lm.predictor, NGramTable)
    for order in range(1, 5):
        part = up_to(lm.predictor, order)
        rows = np.exp(np.concatenate(list(part.distributions(lm.vocabulary.encode(TEXT[:90])))))
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)
        assert len(part) == lm.predictor.levels[order]
    scores = [CharLM(up_to(lm.predictor, order), lm.vocabulary).log_probabilities("the fox") for order in (3, 4)]
    np.testing.assert_allclose(scores[1], lm.log_probabilities("the fox"))
    np.testing.assert_allclose(scores[0][:3], scores[1][:3])


def test_growth_counts_every_ngram() -> None:
    lm = CharLM.fit(TEXT, order=3)
    html = growth(lm, Scored.of(lm, [TEXT], "a text"))
    assert isinstance(lm.predictor, NGramTable)
    levels = lm.predictor.levels
    for order in (1, 2, 3):
        assert f"<td>{levels[order] - levels[order - 1]:,}</td>" in html
    assert f"<td>{lm.evaluate(TEXT).bits_per_character:.3f}</td>" in html
    assert "bits per character" not in growth(lm, Scored.of(lm, [TEXT], "its own", is_own=True))
    bigram = CharLM.fit(TEXT, "bigram")
    assert not growth(bigram, Scored.of(bigram, [TEXT], "a text"))
