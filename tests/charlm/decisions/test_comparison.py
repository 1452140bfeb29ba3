"""Likelihoods of models with any alphabets are over the same strings."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.decisions.comparison import LikelihoodComparison
from charlm.models.bigram.table import BigramTable
from chartok import Vocabulary
from languages import LEARNED, TO_TELL
from strategies import any_text

TEXTS = {"abc": "abc cab bca " * 9, "abd": "abd dab bad " * 9, "greek": "λξψ ψλξ " * 9}
MODELS: dict[str, CharLM] = {label: CharLM.fit(text, order=3) for label, text in TEXTS.items()}
RECORDS: dict[str, CharLM] = {label: CharLM.fit(text.split(), order=3) for label, text in TEXTS.items()}


@pytest.mark.parametrize("models", [MODELS, RECORDS], ids=["texts", "records"])
@pytest.mark.parametrize("before", ["", "a", "ψλ", "az"])
def test_the_probabilities_of_what_may_follow_sum_to_one_under_each_model(
    models: dict[str, CharLM], before: str
) -> None:
    """Any other character stands for all that no model knows."""
    comparison = LikelihoodComparison(models)
    alphabet = {symbol for model in models.values() for symbol in model.vocabulary.symbols}
    following = [comparison.scores_of_characters(before + one)[:, -1] for one in [*alphabet, "z"]]
    total = np.exp(following).sum(axis=0)
    if models is RECORDS:
        whole = [model.score_samples([before])[0] for model in models.values()]
        begun = [model.score_samples([before], eos=False)[0] for model in models.values()]
        total += np.exp(np.subtract(whole, begun))
    np.testing.assert_allclose(total, 1, rtol=1e-6)


def reference(models: dict[str, CharLM], label: str, text: str) -> float:
    """Returns the log-likelihood of a text between spaces, character by character."""
    model, total = models[label], 0.0
    everything = {symbol for each in models.values() for symbol in each.vocabulary.symbols}
    own = set(model.vocabulary.symbols)
    framed = (text[:-1] if text[-1].isspace() else text) + " "
    scores = model.log_probabilities(" " + framed)[1:]
    for character, score in zip(framed, scores, strict=True):
        total += score
        if character not in own:
            total += math.log(0x110000 - len(own)) - math.log(len(everything - own) + 1)
    return total


@given(st.lists(st.one_of(any_text, st.text(st.sampled_from("abcdλξψ z"))), max_size=4))
def test_a_text_is_scored_between_spaces_and_an_unknown_character_shares_with_those_that_others_know(
    texts: list[str],
) -> None:
    found = LikelihoodComparison(MODELS).log_likelihoods(texts)
    assert found.shape == (len(texts), 3)
    for text, row in zip(texts, found, strict=True):
        expected = [reference(MODELS, label, text) if text else 0.0 for label in MODELS]
        np.testing.assert_allclose(row, expected, rtol=1e-9, atol=1e-9)


@given(any_text)
def test_the_scores_of_the_characters_of_a_record_sum_to_that_of_the_record_without_its_end(text: str) -> None:
    characters = LikelihoodComparison(RECORDS).scores_of_characters(text)
    assert characters.shape == (3, len(text))
    expected = [model.score_samples([text], eos=False)[0] for model in RECORDS.values()]
    known = [row for row, model in enumerate(RECORDS.values()) if set(text) <= set(model.vocabulary.symbols)]
    np.testing.assert_allclose(
        characters.sum(axis=1)[known], np.array(expected)[known], rtol=1e-9, atol=1e-9, err_msg=text
    )


words = st.lists(st.text(st.sampled_from("abcdx"), min_size=1, max_size=6), min_size=1, max_size=4)


@given(words, st.sampled_from([MODELS, RECORDS]))
def test_a_model_that_knows_no_white_space_takes_nothing_from_the_others(
    texts: list[str], others: dict[str, CharLM]
) -> None:
    without = {"no space": CharLM.fit("abab" * 9, order=2), **others}
    found = LikelihoodComparison(without).log_likelihoods(texts)
    np.testing.assert_allclose(found[:, 1:], LikelihoodComparison(others).log_likelihoods(texts))
    of_ends = []
    for text in texts:
        if others is MODELS:
            scores = [model.log_probabilities(f" {text} ")[-1] for model in others.values()]
        else:
            whole, begun = (
                [model.score_samples([text], eos=eos)[0] for model in others.values()] for eos in (True, False)
            )
            scores = np.subtract(whole, begun).tolist()
        of_ends.append(math.log(np.exp(scores).mean()))
    characters = [LikelihoodComparison(without).scores_of_characters(text)[0].sum() for text in texts]
    np.testing.assert_allclose(found[:, 0], np.add(characters, of_ends))


@given(words)
def test_no_end_is_scored_where_no_model_knows_one(texts: list[str]) -> None:
    comparison = LikelihoodComparison({"a": CharLM.fit("abab" * 9, order=2), "c": CharLM.fit("ccd" * 9, order=2)})
    for text, row in zip(texts, comparison.log_likelihoods(texts), strict=True):
        np.testing.assert_allclose(row, comparison.scores_of_characters(text).sum(axis=1))


@given(words, st.sampled_from(["\n", "\t", "\u3000"]))
def test_words_on_lines_of_their_own_are_as_words_between_spaces(texts: list[str], border: str) -> None:
    lines = {label: CharLM.fit(text.replace(" ", border), order=3) for label, text in TEXTS.items()}
    found, expected = LikelihoodComparison(lines), LikelihoodComparison(MODELS)
    np.testing.assert_allclose(found.log_likelihoods(texts), expected.log_likelihoods(texts), rtol=1e-9)
    mixed = LikelihoodComparison({**MODELS, "abc": lines["abc"]})
    assert mixed.log_likelihoods(texts).shape == (len(texts), 3)


def test_white_space_at_the_end_is_the_border_that_a_model_knows() -> None:
    comparison = LikelihoodComparison({"space": MODELS["abc"], "line": CharLM.fit("abc\ncab\n" * 9, order=3)})
    same = comparison.log_likelihoods(["abc", "abc ", "abc\n"])
    np.testing.assert_array_equal(same, same[[0, 0, 0]])


def test_the_border_is_the_white_space_that_follows_letters_most_often() -> None:
    names = CharLM.fit("mary ann\nbob\ncarol\ndan\neve\n" * 9, order=3)
    prose = CharLM.fit("a word and a word\nand an end and\n" * 9, order=3)
    comparison = LikelihoodComparison({"names": names, "prose": prose})
    expected = [names.log_probabilities("\ndan\n")[1:].sum(), prose.log_probabilities(" and ")[1:].sum()]
    found = comparison.log_likelihoods(["dan", "and"])
    np.testing.assert_allclose([found[0, 0], found[1, 1]], expected)


@given(words, st.sampled_from([MODELS, RECORDS, {**MODELS, "no space": CharLM.fit("abab" * 9, order=2)}]))
def test_the_scores_of_characters_and_of_the_end_sum_to_that_of_the_text(
    parts: list[str], models: dict[str, CharLM]
) -> None:
    comparison, text = LikelihoodComparison(models), " ".join(parts)
    total = comparison.scores_of_characters(text, end=True).sum(axis=1)
    np.testing.assert_allclose(total, comparison.log_likelihoods([text])[0], rtol=1e-9)
    of_text, space = LikelihoodComparison(MODELS), f"{text} "
    np.testing.assert_array_equal(of_text.scores_of_characters(space, end=True), of_text.scores_of_characters(space))


def test_a_symbol_of_several_characters_gives_each_its_part() -> None:
    lm = CharLM.fit("abcabcab" * 9, order=2, symbols=["bc"])
    found = LikelihoodComparison({"": lm}).scores_of_characters("abcz")
    assert found.shape == (1, 4)
    assert found[0, 1] == found[0, 2] == lm.log_probabilities("abc")[1] / 2


def test_a_foreign_character_costs_a_class_that_has_few_letters() -> None:
    models = {language: CharLM.fit(text.strip()) for language, text in LEARNED.items()}
    for language, sentences in TO_TELL.items():
        best = LikelihoodComparison(models).log_likelihoods(sentences).argmax(axis=1)
        assert [[*models][place] for place in best] == [language] * len(sentences)


def test_a_letter_that_one_class_happens_not_to_have_does_not_outweigh_the_rest() -> None:
    models = {"en": CharLM.fit(LEARNED["en"].strip()), "de": CharLM.fit(LEARNED["de"].strip())}
    assert "X" not in LEARNED["en"] + LEARNED["de"]
    sentence = "Xylophones are what the children of the village want to learn"
    own = models["en"].score_samples([sentence])[0] - models["de"].score_samples([sentence])[0]
    scores = LikelihoodComparison(models).log_likelihoods([sentence])[0]
    assert own > 0
    assert scores[0] > scores[1]


def test_what_is_impossible_under_a_model_is_minus_infinity() -> None:
    strict = CharLM(BigramTable.fit([0, 1, 0, 1], vocab_size=2, smoothing=0), Vocabulary("ab"))
    found = LikelihoodComparison({"strict": strict}).log_likelihoods(["aab", "ab"])
    assert found[0, 0] == -math.inf < found[1, 0]
