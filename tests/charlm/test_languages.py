"""Models of different alphabets can be compared: the language of a sentence is that of the likeliest model."""

from typing import Any

import numpy as np
import pytest

from charlm import CharLM, classify
from languages import LEARNED, TO_TELL

COUNTED: list[tuple[Any, dict[str, Any]]] = [
    ("ngram", {}),
    ("ngram", {"order": 3}),
    ("ngram", {"order": 5}),
    ("bigram", {}),
    ("bigram", {"smoothing": 0.1}),
]


@pytest.fixture(scope="module", params=COUNTED, ids=str)
def models(request: pytest.FixtureRequest) -> dict[str, CharLM]:
    family, settings = request.param
    return {language: CharLM.fit(text.strip(), family, **settings) for language, text in LEARNED.items()}


@pytest.mark.parametrize("language", LEARNED)
def test_each_sentence_is_given_to_its_language(models: dict[str, CharLM], language: str) -> None:
    assert classify(models, TO_TELL[language]) == [language] * len(TO_TELL[language])


def test_so_are_sentences_of_all_languages_at_once_in_any_order(models: dict[str, CharLM]) -> None:
    pairs = [(language, sentence) for language, sentences in TO_TELL.items() for sentence in sentences]
    order = np.random.default_rng(0).permutation(len(pairs)).tolist()
    sentences = [pairs[place][1] for place in order]
    assert classify(models, sentences) == [pairs[place][0] for place in order]
    assert classify(dict(reversed(models.items())), sentences) == [pairs[place][0] for place in order]


def test_a_model_that_knows_no_character_of_a_sentence_never_wins(models: dict[str, CharLM]) -> None:
    for language in ("en", "es", "de", "fr", "it"):
        for sentence in [*TO_TELL["ja"], *TO_TELL["zh"]]:
            best = max(models["ja"].score_samples([sentence])[0], models["zh"].score_samples([sentence])[0])
            assert models[language].score_samples([sentence])[0] < best
