"""How well languages are told apart: accuracy, calibration and speed, on words, pairs of words and sentences.

The models learn from pages of Debian's installation guide in 17 languages. They are tested on other pages of it and,
to see what another kind of text does, on the messages of Django. ``lingua-language-detector`` and ``langid`` are
compared where they are installed; both are limited to these languages.

    python benchmarks/telling_languages.py
"""

from __future__ import annotations

import random
import time
import zlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm import Temperature, TextClassifier
from language_texts import LANGUAGES, PAGES, UNSPACED, Texts, messages_of_django, paragraphs_of_guide, texts_by_language

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from numpy.typing import NDArray

    Method: TypeAlias = Callable[[list[str]], NDArray[np.float64]]

KINDS = ("words", "pairs", "sentences")
TEXTS_OF_LANGUAGE = 200
SEEDS = (0, 1, 2)
BINS = 15
PARTS_OF_WORDS = ((2, 4), (5, 10), (15, 30))
COSTS = (5.0, 10.0, 20.0)
OTHERS = {"in Latin letters": ["pl", "fi", "hu", "tr", "ro"], "in other scripts": ["ar", "th", "he", "hi"]}
"""Languages that no model knows."""
UNKNOWN_BELOW = 0.01


class Sample(NamedTuple):
    """Texts whose language is known.

    Attributes:
        texts: The texts.
        labels: The place of the language of each in ``LANGUAGES``.
    """

    texts: list[str]
    labels: NDArray[np.int64]


def sample(texts: dict[str, Texts], kinds: tuple[str, ...], seed: int) -> Sample:
    """Returns as many texts of each language, or all there are, and their languages."""
    draw = random.Random(seed)  # noqa: S311 - reproducible
    chosen, labels = list[str](), list[int]()
    for kind in kinds:
        for place, language in enumerate(LANGUAGES):
            of_kind = getattr(texts[language], kind)
            drawn = draw.sample(of_kind, min(TEXTS_OF_LANGUAGE, len(of_kind)))
            chosen += drawn
            labels += [place] * len(drawn)
    return Sample(chosen, np.array(labels))


def half(texts: dict[str, Texts], which: int) -> dict[str, Texts]:
    """Returns a half of the texts, the same in each run."""
    return {
        language: Texts(*([text for text in kind if zlib.crc32(text.encode()) % 2 == which] for kind in of_language))
        for language, of_language in texts.items()
    }


def calibration_error(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Returns the expected calibration error of the most probable label (Guo et al., 2017)."""
    best = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((best * BINS).astype(int), BINS - 1)
    sums = [np.bincount(bins, weights=values, minlength=BINS) for values in (best, 1.0 * is_right)]
    return float(np.abs(sums[0] - sums[1]).sum() / len(labels))


def others() -> dict[str, Method]:
    """Returns what gives probabilities by the name of the package, of those that are installed."""
    found: dict[str, Method] = {}
    if find_spec("langid"):
        from langid.langid import LanguageIdentifier, model  # noqa: PLC0415 - it need not be there

        identifier = LanguageIdentifier.from_modelstring(model, norm_probs=True)
        identifier.set_languages(LANGUAGES)

        def of_langid(texts: list[str]) -> NDArray[np.float64]:
            ranked = [dict(identifier.rank(text)) for text in texts]
            return np.array([[probabilities[language] for language in LANGUAGES] for probabilities in ranked])

        found["langid"] = of_langid
    if find_spec("lingua"):
        from lingua import IsoCode639_1, LanguageDetectorBuilder  # noqa: PLC0415 - likewise

        codes = [getattr(IsoCode639_1, language.upper()) for language in LANGUAGES]
        detector = LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_preloaded_language_models().build()

        def of_lingua(texts: list[str]) -> NDArray[np.float64]:
            ranked = [detector.compute_language_confidence_values(text) for text in texts]
            by_code = [{one.language.iso_code_639_1: one.value for one in values} for values in ranked]
            return np.array([[values[code] for code in codes] for values in by_code])

        found["lingua"] = of_lingua
    return found


def print_table(name: str, tested: dict[str, Texts], methods: dict[str, Method]) -> None:
    """Prints the accuracy and the calibration error of each method in per cent, and texts a second."""
    print(f"\n{name}\n\n| | " + " | ".join(KINDS) + " | texts/s |\n| --- |" + " ---: |" * (len(KINDS) + 1))
    for method, probabilities in methods.items():
        cells, seconds, texts = [], 0.0, 0
        for kind in KINDS:
            figures = []
            for seed in SEEDS:
                of_kind = sample(tested, (kind,), seed)
                start = time.perf_counter()
                found = probabilities(of_kind.texts)
                seconds, texts = seconds + time.perf_counter() - start, texts + len(of_kind.texts)
                figures.append(
                    (np.mean(found.argmax(axis=1) == of_kind.labels), calibration_error(found, of_kind.labels))
                )
            accuracy, error = np.mean(figures, axis=0).tolist()
            cells.append(f"{accuracy:.1%}, {error:.3f}")
        print(f"| {method} | {' | '.join(cells)} | {texts / seconds:,.0f} |", flush=True)


def mixed_text(texts: dict[str, Texts], words: tuple[int, int], draw: random.Random) -> tuple[str, NDArray[np.int64]]:
    """Returns a text of parts in eight languages, and the language of each character."""
    parts, labels = list[str](), list[int]()
    for language in draw.sample(LANGUAGES, 8):
        sentence, length = draw.choice(texts[language].sentences), draw.randint(*words)
        if language in UNSPACED:
            pieces, length, space = [*sentence], length * 3, ""
        else:
            pieces, space = sentence.split(), " "
        start = draw.randrange(max(1, len(pieces) - length))
        parts.append(space.join(pieces[start : start + length]) + " ")
        labels += [LANGUAGES.index(language)] * len(parts[-1])
    return "".join(parts), np.array(labels)


def print_segmentation(classifier: TextClassifier, tested: dict[str, Texts]) -> None:
    """Prints which share of characters gets the right label in texts of several languages, by the cost of a change."""
    shown = " | ".join(f"cost {cost:g}" for cost in COSTS)
    print(f"\n| words in a part | {shown} | characters/s |\n| --- |" + " ---: |" * (len(COSTS) + 1))
    for words in PARTS_OF_WORDS:
        draw = random.Random(0)  # noqa: S311 - reproducible
        texts = [mixed_text(tested, words, draw) for _ in range(40)]
        shares, start = [], time.perf_counter()
        for cost in COSTS:
            right = 0
            for text, labels in texts:
                for span in classifier.segment(text, cost_of_change=cost):
                    right += int((labels[span.start : span.end] == LANGUAGES.index(span.label)).sum())
            shares.append(right / sum(len(text) for text, _ in texts))
        speed = len(COSTS) * sum(len(text) for text, _ in texts) / (time.perf_counter() - start)
        print(f"| {words[0]} to {words[1]} | {' | '.join(f'{share:.1%}' for share in shares)} | {speed:,.0f} |")


def print_unknown(classifier: TextClassifier, known: dict[str, Texts]) -> None:
    """Prints which share of texts is called unknown, of the languages of the classifier and of others."""
    print("\n| unknown | " + " | ".join(KINDS) + " |\n| --- |" + " ---: |" * len(KINDS))
    of_others = texts_by_language(messages_of_django(["en", *(one for several in OTHERS.values() for one in several)]))
    texts = {kind: {"of these languages": sample(known, (kind,), seed=1).texts} for kind in KINDS}
    for name, languages in OTHERS.items():
        for kind in KINDS:
            texts[kind][name] = [
                text for language in languages for text in getattr(of_others[language], kind)[:TEXTS_OF_LANGUAGE]
            ]
    for name in texts["words"]:
        answers = [classifier.classify(texts[kind][name], unknown_below=UNKNOWN_BELOW) for kind in KINDS]
        shares = [sum(answer is None for answer in of_kind) / len(of_kind) for of_kind in answers]
        print(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |", flush=True)


def print_by_training(trained: dict[str, list[str]], tested: dict[str, Texts]) -> None:
    """Prints the accuracy by how much text there is to learn from, and by the order of the models."""
    print("\n| learned from | " + " | ".join(KINDS) + " |\n| --- |" + " ---: |" * len(KINDS))
    for most, order in (
        (1_000, None),
        (5_000, None),
        (20_000, None),
        (None, 3),
        (None, 4),
        (None, 5),
        (None, 6),
        (None, None),
    ):
        draw = random.Random(1)  # noqa: S311 - reproducible
        texts = {
            language: "\n".join(draw.sample(passages, len(passages)))[:most] for language, passages in trained.items()
        }
        classifier = TextClassifier.fit(texts, n_folds=0, order=order)
        cells = []
        for kind in KINDS:
            of_kind = sample(tested, (kind,), seed=0)
            cells.append(np.mean(classifier.probabilities(of_kind.texts).argmax(axis=1) == of_kind.labels))
        shown = "all" if most is None else f"{most:,} characters"
        shown += ", order chosen" if order is None else f", order {order}"
        print(f"| {shown} | {' | '.join(f'{share:.1%}' for share in cells)} |", flush=True)


def main() -> None:
    """Fits, calibrates, tests and prints."""
    parts = {name: paragraphs_of_guide(pages) for name, pages in PAGES.items()}
    guide = {name: texts_by_language(passages) for name, passages in parts.items()}
    messages = texts_by_language(messages_of_django())
    start = time.perf_counter()
    fitted = TextClassifier.fit({language: "\n".join(texts) for language, texts in parts["trained"].items()})
    print(f"fitted in {time.perf_counter() - start:.1f} s: {fitted.temperature}")
    plain = TextClassifier(fitted.models, temperature=Temperature(1.0, 0.0))
    methods: dict[str, Method] = {
        "likelihoods as they are": plain.probabilities,
        "the usual temperature": TextClassifier(fitted.models).probabilities,
        "`TextClassifier.fit`": fitted.probabilities,
    }
    for name, held_out in (("guide", guide["calibrated"]), ("messages", half(messages, 0))):
        of_all = sample(held_out, KINDS, seed=9)
        calibrated = fitted.calibrate(of_all.texts, [LANGUAGES[label] for label in of_all.labels])
        print(f"calibrated on other texts of the {name}: {calibrated.temperature}")
        methods[f"`calibrate` on the {name}"] = calibrated.probabilities
        print_unknown(calibrated, guide["tested"] if name == "guide" else half(messages, 1))
    methods |= others()
    print_table("Other pages of the guide", guide["tested"], methods)
    print_table("Messages of Django", half(messages, 1), methods)
    print_segmentation(fitted, guide["tested"])
    print_by_training(parts["trained"], half(messages, 1))


if __name__ == "__main__":
    main()
