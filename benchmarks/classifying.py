"""Telling texts apart, beside scikit-learn's usual way, lingua and langid.

The languages are those of the Universal Declaration of Human Rights in the gallery: models learn from the first half of
each text, and stretches of the second half are told apart. Lingua and langid bring models of their own, of far more
text, and are limited to the same languages.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from charlm.sklearn import CharLMClassifier
from comparison import Comparison
from environment import is_installed

if TYPE_CHECKING:
    from collections.abc import Callable

DECLARATION = Path(__file__).parents[1] / "examples" / "gallery" / "human_rights.json"
CODES = {
    "català": "ca",
    "Cymraeg": "cy",
    "dansk": "da",
    "Deutsch": "de",
    "eesti": "et",
    "English": "en",
    "español": "es",
    "français": "fr",
    "Gaeilge": "ga",
    "hrvatski": "hr",
    "íslenska": "is",
    "italiano": "it",
    "lietuvių": "lt",
    "magyar": "hu",
    "Nederlands": "nl",
    "polski": "pl",
    "português": "pt",
    "română": "ro",
    "shqip": "sq",
    "slovenščina": "sl",
    "suomi": "fi",
    "svenska": "sv",
    "Türkçe": "tr",
}
"""The languages that lingua and langid know as well."""
STRETCH = 16
"""Characters of a text whose language is to be told."""
LONGEST = 5
"""The longest n-grams of the alternative from scikit-learn."""


class Texts(NamedTuple):
    """Texts and their languages, to learn from and to tell apart."""

    learned: list[str]
    learned_languages: list[str]
    told: list[str]
    languages: list[str]


def comparisons() -> list[Comparison]:
    """Returns the comparisons, with those alternatives that are installed."""
    texts = _texts()
    ours = CharLMClassifier(n_folds=0).fit(texts.learned, texts.learned_languages)
    theirs = _of_scikit_learn().fit(texts.learned, texts.learned_languages)
    ways: dict[str, Callable[[list[str]], object]] = {
        "scikit-learn, TF-IDF and naive Bayes": theirs.predict,
        **_others(),
    }
    amount = f"{len(texts.told):,} texts of {STRETCH} characters, {len(set(texts.languages))} languages"
    found = [
        Comparison(
            name=f"fit, {sum(map(len, texts.learned)):,} characters",
            ours=lambda: CharLMClassifier(n_folds=0).fit(texts.learned, texts.learned_languages),
            rival_name="scikit-learn, TF-IDF and naive Bayes",
            rival=lambda: _of_scikit_learn().fit(texts.learned, texts.learned_languages),
            target=0.5,
            samples=3,
        )
    ]
    for rival_name, tell in ways.items():
        found += [
            Comparison(
                name=f"tell apart {amount}",
                ours=partial(ours.predict, texts.told),
                rival_name=rival_name,
                rival=partial(tell, texts.told),
                target=0.5,
                samples=3,
            ),
            Comparison(
                name=f"mistakes among {amount}",
                ours=partial(_mistakes, ours.predict, texts),
                rival_name=rival_name,
                rival=partial(_mistakes, tell, texts),
                target=1,
                samples=3,
                unit="errors",
                why="Lingua has learned from millions of sentences, the models here from a thousand characters each.",
            ),
        ]
    return found


def _texts() -> Texts:
    families = json.loads(DECLARATION.read_text(encoding="utf-8"))
    all_texts = {language: text for family in families.values() for language, text in family.items()}
    texts = Texts([], [], [], [])
    for language, code in CODES.items():
        text = all_texts[language]
        half = len(text) // 2
        sentences = [part for part in text[:half].split(". ") if part]
        texts.learned.extend(sentences)
        texts.learned_languages.extend([code] * len(sentences))
        stretches = [text[start : start + STRETCH].strip() for start in range(half, len(text) - STRETCH, STRETCH)]
        texts.told.extend(stretches)
        texts.languages.extend([code] * len(stretches))
    return texts


def _of_scikit_learn() -> Pipeline:
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, LONGEST), sublinear_tf=True)
    return make_pipeline(vectorizer, MultinomialNB(alpha=0.01))


def _mistakes(tell: Callable[[list[str]], object], texts: Texts) -> int:
    return int(np.sum(np.asarray(tell(texts.told)) != np.asarray(texts.languages)))


def _others() -> dict[str, Callable[[list[str]], object]]:
    found: dict[str, Callable[[list[str]], object]] = {}
    codes = sorted(set(_texts().languages))
    if is_installed("lingua"):
        from lingua import IsoCode639_1, LanguageDetectorBuilder  # noqa: PLC0415 - not everywhere

        languages = [getattr(IsoCode639_1, code.upper()) for code in codes]
        detector = LanguageDetectorBuilder.from_iso_codes_639_1(*languages).with_preloaded_language_models().build()

        def of_lingua(texts: list[str]) -> list[str]:
            told = [detector.detect_language_of(text) for text in texts]
            return ["" if language is None else language.iso_code_639_1.name.lower() for language in told]

        found["lingua"] = of_lingua
    if is_installed("langid"):
        from langid.langid import LanguageIdentifier, model  # noqa: PLC0415 - likewise

        identifier = LanguageIdentifier.from_modelstring(model)
        identifier.set_languages(codes)
        found["langid"] = lambda texts: [identifier.classify(text)[0] for text in texts]
    return found
