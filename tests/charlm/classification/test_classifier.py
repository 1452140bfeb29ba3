"""Classes are told apart with probabilities, in any script, and bad input is refused."""

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, LabeledSpan, Temperature, TextClassifier, classify
from charlm.models.bigram.table import BigramTable
from chartok import Vocabulary
from languages import LEARNED, TO_TELL
from lively_gpt import TINY, lively
from strategies import any_text, costly

ONE_TEXT_EACH = {language: text.strip() for language, text in LEARNED.items()}
SENTENCES = {language: [line for line in text.split("\n") if line] for language, text in LEARNED.items()}
ABC = {"abc": "abc cab bca " * 9, "xyz": "xyz zxy yzx " * 9}


@pytest.fixture(scope="module")
def languages() -> TextClassifier:
    return TextClassifier.fit(ONE_TEXT_EACH)


def small() -> TextClassifier:
    return TextClassifier({label: CharLM.fit(text, order=2) for label, text in ABC.items()})


def test_each_sentence_is_given_to_its_language(languages: TextClassifier) -> None:
    for language, sentences in TO_TELL.items():
        assert languages.classify(sentences) == [language] * len(sentences)
    assert languages.classify(["今日は良い天気です"]) == ["ja"]
    assert classify(languages.models, ["今日は良い天気です"]) == ["ja"]


@pytest.mark.parametrize("between", [" ", "\n"])
@pytest.mark.parametrize("more", [{}, {"zh": "".join(LEARNED["zh"].split())}], ids=["alone", "with Chinese"])
def test_words_that_differ_in_their_ends_are_told_apart_whatever_is_between_words(
    between: str, more: dict[str, str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    stems = ["".join(rng.choice([*"abcde"], rng.integers(2, 6)).tolist()) for _ in range(900)]
    of_class = {"a": [stem + "a" for stem in stems[:300]], "b": [stem + "b" for stem in stems[300:600]]}
    (tmp_path / "a.txt").write_text(between.join(of_class["a"]), encoding="utf-8")
    classifier = TextClassifier.fit({"a": tmp_path / "a.txt", "b": between.join(of_class["b"]), **more})
    found = classifier.classify([stem + end for stem in stems[600:] for end in "ab"])
    assert np.mean([label == end for label, end in zip(found, ["a", "b"] * 300, strict=True)]) > 0.97


@given(st.lists(any_text, max_size=5))
def test_probabilities_are_those_of_each_text_alone_and_sum_to_one(texts: list[str]) -> None:
    classifier = small()
    found = classifier.probabilities(texts)
    assert found.shape == (len(texts), 2)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    for text, row in zip(texts, found, strict=True):
        np.testing.assert_allclose(classifier.probabilities([text])[0], row, rtol=1e-6, atol=1e-12)
        assert classifier.classify([text]) == [classifier.labels[int(row.argmax())]]


def test_an_empty_text_has_the_probabilities_of_the_priors() -> None:
    priors = {"abc": 0.25, "xyz": 0.75}
    classifier = TextClassifier(small().models, priors=priors)
    assert classifier.priors == priors
    np.testing.assert_allclose(classifier.probabilities([""]), [[0.25, 0.75]])


def test_priors_and_temperature_do_what_the_formula_says() -> None:
    classifier = TextClassifier(small().models, priors={"xyz": 0.9, "abc": 0.1}, temperature=Temperature(2.0, 0.5))
    texts = ["ab", "xay", "zzzzzzzzz", "?"]
    scores = classifier.log_likelihoods(texts)
    weighted = np.exp(scores / (2 * np.sqrt([[2], [3], [9], [1]]))) * [0.1, 0.9]
    np.testing.assert_allclose(classifier.probabilities(texts), weighted / weighted.sum(axis=1, keepdims=True))


def test_a_text_that_is_impossible_under_all_models_says_nothing() -> None:
    strict = BigramTable.fit([0, 1, 0, 1], vocab_size=2, smoothing=0)
    models = {label: CharLM(strict, Vocabulary("ab")) for label in ("one", "other")}
    assert TextClassifier(models).probabilities(["aa"]).tolist() == [[0.5, 0.5]]


def test_labels_with_texts_are_a_mapping_of_labels_to_texts() -> None:
    texts = [(line, language) for language, lines in SENTENCES.items() for line in lines]
    of_pairs = TextClassifier.fit([text for text, _ in texts], (label for _, label in texts), order=3)
    of_mapping = TextClassifier.fit(SENTENCES, order=3)
    assert of_pairs.labels == of_mapping.labels == tuple(SENTENCES)
    assert of_pairs.temperature == of_mapping.temperature
    np.testing.assert_array_equal(of_pairs.probabilities(["the cat"]), of_mapping.probabilities(["the cat"]))


def test_a_fit_is_that_of_its_seed_and_no_folds_leave_the_usual_temperature() -> None:
    fitted = [TextClassifier.fit(SENTENCES, order=3, seed=seed).temperature for seed in (0, 0, 1)]
    assert fitted[0] == fitted[1] != fitted[2]
    assert TextClassifier.fit(SENTENCES, order=3, n_folds=0).temperature == Temperature()


def test_one_class_is_certain_and_takes_one_text() -> None:
    classifier = TextClassifier.fit({"only": ["ada"]}, order=2)
    assert classifier.probabilities(["ada", "?", ""]).tolist() == [[1.0], [1.0], [1.0]]
    assert [span.label for span in classifier.segment("ada ada")] == ["only"]


def test_calibration_changes_the_temperature_alone(languages: TextClassifier) -> None:
    texts = [sentence for sentences in TO_TELL.values() for sentence in sentences]
    labels = [language for language, sentences in TO_TELL.items() for _ in sentences]
    before = languages.temperature
    calibrated = languages.calibrate(texts, labels)
    assert calibrated.temperature != before == languages.temperature
    assert [model.stored for model in calibrated.models.values()] == [
        model.stored for model in languages.models.values()
    ]
    assert calibrated.priors == languages.priors
    repeated = languages.calibrate(texts + texts[:2] * 50, labels + labels[:2] * 50)
    assert repeated.temperature != calibrated.temperature


def test_a_text_of_no_class_is_unknown_and_few_of_the_classes_are() -> None:
    rng = np.random.default_rng(0)

    def drawn(letters: str, texts: int) -> list[str]:
        return ["".join(rng.choice([*letters], rng.integers(3, 12)).tolist()) for _ in range(texts)]

    learned = {"ab": drawn("aaab", 300), "xy": drawn("xyy", 300)}
    classifier = TextClassifier.fit(learned, order=3, n_folds=0)
    held_out = drawn("aaab", 400) + drawn("xyy", 400)
    calibrated = classifier.calibrate(held_out, ["ab"] * 400 + ["xy"] * 400)
    found = calibrated.classify(["aabaab", "yyxyy", "qqqq", "abxyabxyabxy"], unknown_below=0.01)
    assert found == ["ab", "xy", None, None]
    new = drawn("aaab", 1000) + drawn("xyy", 1000)
    assert sum(label is None for label in calibrated.classify(new, unknown_below=0.01)) / 2000 < 0.02
    assert None not in calibrated.classify(["qqqq"])
    assert all(model.calibration is None for model in classifier.models.values())
    with pytest.raises(
        ValueError, match=r"the model of class 'ab' is not calibrated: call TextClassifier.calibrate.* 99 texts"
    ):
        classifier.classify([], unknown_below=0.01)
    with pytest.raises(ValueError, match=r"class 'ab': unknown_below 0.001 takes at least 999 held-out texts.* 400"):
        calibrated.classify(["a"], unknown_below=0.001)
    with pytest.raises(ValueError, match=r"unknown_below must be above 0 and below 1"):
        calibrated.classify(["a"], unknown_below=0.0)


def test_a_class_with_too_few_texts_to_know_what_is_usual_is_named() -> None:
    texts = [f"{number:03}" for number in range(40)]
    classifier = TextClassifier({"a": CharLM.fit(texts[:10], order=2), "b": CharLM.fit("xyz " * 9, order=2)})
    calibrated = classifier.calibrate([*texts[10:], "xyz"], ["a"] * 30 + ["b"])
    with pytest.raises(ValueError, match="'b' is not calibrated and others are: a class with fewer than 20 texts"):
        calibrated.classify(["a"], unknown_below=0.1)


def test_what_makes_texts_unknown_is_kept_in_the_folder(tmp_path: Path) -> None:
    texts = [f"{number:03}" for number in range(1000)]
    classifier = TextClassifier.fit({"even": texts[::4], "odd": texts[1::4]}, order=2, n_folds=0)
    calibrated = classifier.calibrate(texts[2::4] + texts[3::4], ["even"] * 250 + ["odd"] * 250)
    calibrated.save(tmp_path / "it")
    answers = calibrated.classify(["123", "abc"], unknown_below=0.01)
    assert answers[1] is None
    assert TextClassifier.load(tmp_path / "it").classify(["123", "abc"], unknown_below=0.01) == answers


def test_a_classifier_cannot_be_changed(languages: TextClassifier) -> None:
    models: Any = languages.models
    with pytest.raises(TypeError):
        models["xx"] = None
    with pytest.raises(AttributeError):
        languages.temperature = Temperature()  # type: ignore[misc]
    languages.priors["en"] = 5.0
    assert languages.priors["en"] == pytest.approx(1 / 7)


@given(st.lists(st.text(st.sampled_from("abcxyz é世\ud800\n"), max_size=9), max_size=4).map(" ".join), st.floats(0, 20))
def test_the_parts_of_a_text_are_the_text_and_no_two_neighbours_are_alike(text: str, cost: float) -> None:
    spans = small().segment(text, cost_of_change=cost)
    assert "".join(text[span.start : span.end] for span in spans) == text
    for span, after in pairwise(spans):
        assert span.end == after.start
        assert span.label != after.label
    assert all(0 <= span.probability <= 1 for span in spans)


def test_parts_in_several_languages_are_found(languages: TextClassifier) -> None:
    parts = [
        ("en", "The children have built a house. "),
        ("de", "Meine Schwester möchte lernen. "),
        ("ja", "私たちは毎晩、川に沿って歩きます。"),
    ]
    spans = languages.segment("".join(part for _, part in parts))
    assert [span.label for span in spans] == ["en", "de", "ja"]
    assert [span.end for span in spans] == np.cumsum([len(part) for _, part in parts]).tolist()
    assert min(span.probability for span in spans) > 0.9
    with pytest.raises(FrozenInstanceError):
        spans[0].start = 1  # type: ignore[misc]
    assert languages.segment("") == []


def test_a_higher_cost_gives_no_more_parts() -> None:
    text = "abc xyz cab zxy abc xyz"
    counts = [len(small().segment(text, cost_of_change=cost)) for cost in (0, 3, 1000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1


def test_a_text_that_says_nothing_is_of_the_class_that_its_prior_favours() -> None:
    models = {label: CharLM.fit("abc cab bca " * 9, order=2) for label in ("rare", "common", "never")}
    classifier = TextClassifier(models, priors={"rare": 0.1, "common": 0.9, "never": 0.0})
    for text in ("abc", "abc cab", "?"):
        (span,) = classifier.segment(text)
        assert span.label == "common" == classifier.classify([text])[0]
        assert span.probability == pytest.approx(0.9)


@given(st.text(st.sampled_from("abcxyz"), min_size=1, max_size=6), st.floats(0.001, 0.999))
def test_a_word_gets_the_same_answer_alone_and_as_a_text_of_one_part(word: str, prior: float) -> None:
    classifier = TextClassifier(small().models, priors={"abc": prior, "xyz": 1 - prior})
    probabilities = classifier.probabilities([word])[0]
    (span,) = classifier.segment(word)
    assert span.probability == pytest.approx(probabilities.max())
    assert probabilities[classifier.labels.index(span.label)] == pytest.approx(probabilities.max())


def test_no_part_is_of_a_class_of_prior_0() -> None:
    classifier = TextClassifier(small().models, priors={"abc": 1.0, "xyz": 0.0})
    assert [span.label for span in classifier.segment("abc xyz zxy xyz", cost_of_change=0)] == ["abc"]


def test_trained_models_work_too() -> None:
    vocabulary = Vocabulary("abcd\n", special_tokens=["bos", "unk"])
    gpt = CharLM(lively(replace(TINY, vocab_size=7, context_only=(5,))), vocabulary)
    classifier = TextClassifier({"gpt": gpt, "ngram": CharLM.fit("abcd dcba " * 9, order=2)})
    np.testing.assert_allclose(classifier.probabilities(["abc", "dd", "é"]).sum(axis=1), 1)
    assert classifier.segment("abcd dcba")[-1].end == 9


def test_models_of_symbols_of_several_characters_work_too() -> None:
    models = {"pairs": CharLM.fit("CClBr ClBrC " * 9, order=2, symbols=["Cl", "Br"]), "single": CharLM.fit("abc " * 9)}
    assert TextClassifier(models).classify(["ClBr", "cab"]) == ["pairs", "single"]
    (span,) = TextClassifier(models).segment("ClBrC")
    assert span == LabeledSpan(start=0, end=5, label="pairs", probability=span.probability)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: TextClassifier({}), ValueError, "models is empty"),
        (lambda: TextClassifier(5), TypeError, "models must be a mapping"),  # type: ignore[arg-type]
        (lambda: TextClassifier({"a": 5}), TypeError, r"models\['a'\] must be a CharLM, got int"),  # type: ignore[dict-item]
        (lambda: TextClassifier({5: None}), TypeError, "each label of models must be a str, got int 5"),  # type: ignore[dict-item]
        (lambda: small().probabilities("abc"), TypeError, "put it in a list"),
        (lambda: small().classify(["abc", 5]), TypeError, r"texts\[1\] must be a str, got int"),  # type: ignore[list-item]
        (lambda: small().segment(5), TypeError, "text must be a str, got int"),  # type: ignore[arg-type]
        (lambda: small().segment("a", cost_of_change=-1), ValueError, "cost_of_change must not be negative"),
        (lambda: small().segment("a", cost_of_change=float("nan")), ValueError, "cost_of_change must be finite"),
        (lambda: small().calibrate("abc", ["abc"]), TypeError, "texts must be an iterable of str, got a single str"),
        (lambda: small().calibrate(["abc"], "abc"), TypeError, "labels must be an iterable of str, got a single str"),
        (lambda: small().calibrate(["a"], ["abc", "xyz"]), ValueError, "one label for each of 1 texts, got 2"),
        (lambda: small().calibrate(["a", "x"], ["abc", "?"]), ValueError, r"labels\[1\] is '\?'.*'abc', 'xyz'"),
        (lambda: small().calibrate(["a"], ["abc"]), ValueError, "class 'xyz' has no text in texts"),
        (lambda: small().calibrate([], []), ValueError, "class 'abc' has no text in texts"),
        (
            lambda: TextClassifier.fit("abc"),
            TypeError,
            "texts must be a mapping of labels to texts, or come with labels",
        ),
        (lambda: TextClassifier.fit({1: "ab" * 9}), TypeError, "each label of texts must be a str, got int 1"),  # type: ignore[dict-item]
        (lambda: classify([*small().models.values()], ["a"]), TypeError, "models must be a mapping.*got list"),  # type: ignore[arg-type]
        (lambda: classify({"a": "a.safetensors"}, ["a"]), TypeError, r"models\['a'\] must be a CharLM, got str: load"),  # type: ignore[dict-item]
        (lambda: TextClassifier.fit({}), ValueError, "there are no classes"),
        (lambda: TextClassifier.fit([], []), ValueError, "there are no classes"),
        (lambda: TextClassifier.fit(["a"], ["x", "y"]), ValueError, "one label for each of 1 texts, got 2"),
        (lambda: TextClassifier.fit(["a"], "x"), TypeError, "labels must be an iterable of str, got a single str"),
        (lambda: TextClassifier.fit(["a"], [1]), TypeError, r"labels\[0\] must be a str, got int"),  # type: ignore[list-item]
        (lambda: TextClassifier.fit(ABC, ["x"]), TypeError, "leave labels out"),
        (lambda: TextClassifier.fit(ABC, n_folds=1), ValueError, "n_folds must be at least 2, or 0"),
        (lambda: TextClassifier.fit(ABC, n_folds=-1), ValueError, "^n_folds must be"),
        (
            lambda: TextClassifier.fit({"a": ["a", "b"], "b": ["c"]}),
            ValueError,
            "class 'b' has one text, of which none",
        ),
        (lambda: TextClassifier.fit({"a": ["a", "b"], "b": []}), ValueError, r"texts\['b'\] is empty"),
        (lambda: TextClassifier.fit(ABC, ordr=3), TypeError, "there is no setting ordr: did you mean order"),  # type: ignore[call-arg]
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("priors", "error", "message"),
    [
        ({"abc": 0.5, "xyz": 0.6}, ValueError, "priors must sum to 1, got 1.1"),
        ({"abc": 1.0}, ValueError, "'xyz' is only in one of both"),
        ({"abc": 0.5, "xyz": 0.5, "z": 0.0}, ValueError, "'z' is only in one of both"),
        ({"abc": -0.5, "xyz": 1.5}, ValueError, r"priors\['abc'\] must not be negative"),
        ({"abc": float("nan"), "xyz": 1.0}, ValueError, r"priors\['abc'\] must be finite"),
        ([0.5, 0.5], TypeError, "priors must be a mapping of labels to probabilities, got list"),
    ],
)
def test_priors_that_are_none_are_refused(priors: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        TextClassifier(small().models, priors=priors)
    with pytest.raises(error, match=message):
        TextClassifier.fit(ABC, priors=priors, n_folds=0, order=2)


@costly(20)
@given(st.lists(st.text(max_size=5), min_size=1, max_size=3, unique=True))
def test_a_classifier_in_a_folder_is_the_same(tmp_path_factory: pytest.TempPathFactory, labels: list[str]) -> None:
    folder = tmp_path_factory.mktemp("classifier") / "new" / "folder"
    models = {label: CharLM.fit(f"abc{place} " * 9, order=2) for place, label in enumerate(labels)}
    priors = dict(zip(labels, np.full(len(labels), 1 / len(labels)).tolist(), strict=True))
    classifier = TextClassifier(models, priors=priors, temperature=Temperature(0.7, 0.2))
    classifier.save(folder)
    copy = TextClassifier.load(folder)
    assert (copy.labels, copy.priors, copy.temperature) == (
        classifier.labels,
        classifier.priors,
        classifier.temperature,
    )
    texts = ["abc0 abc1", "", "é"]
    np.testing.assert_array_equal(copy.probabilities(texts), classifier.probabilities(texts))
    classifier.save(folder, compact=True)
    np.testing.assert_allclose(
        TextClassifier.load(folder).probabilities(texts), classifier.probabilities(texts), atol=0.05
    )


def test_a_copy_of_a_process_is_the_same(languages: TextClassifier) -> None:
    copy = pickle.loads(pickle.dumps(languages))  # noqa: S301 - our own
    np.testing.assert_array_equal(copy.probabilities(["the cat"]), languages.probabilities(["the cat"]))


def test_a_representation_says_what_it_is() -> None:
    assert repr(small()) == "TextClassifier(2 classes: 'abc', 'xyz')"
    models = dict.fromkeys("abcd", small().models["abc"])
    assert repr(TextClassifier(models)) == "TextClassifier(4 classes: 'a', 'b', 'c', …)"
