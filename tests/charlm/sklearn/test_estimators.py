"""The estimators are at home in scikit-learn, on texts, and kept without pickle."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from charlm import CharLM, CheckpointCorruptError, CheckpointVersionError, TextClassifier
from charlm.sklearn import CharLMClassifier, CharLMDensity, CharLMFeatures, CharLMOutlierDetector
from charlm.sklearn.text_features import Usual, features, worst_windows
from chartok.files.envelope import sealed
from chartok.files.strict_json import parse_json
from languages import LEARNED

SENTENCES = {language: [*filter(None, text.split("\n"))] for language, text in LEARNED.items() if language != "zh"}
TEXTS = [word for lines in SENTENCES.values() for line in lines for word in line.split(", ") if word]
LABELS = [language for language, lines in SENTENCES.items() for line in lines for word in line.split(", ") if word]
ESTIMATORS: list[Any] = [CharLMClassifier, CharLMDensity, CharLMFeatures, CharLMOutlierDetector]
MORE: dict[Any, dict[str, float]] = {CharLMOutlierDetector: {"false_alarm_rate": 0.05, "held_out": 0.5}}
"""What it takes with so few texts."""
every_estimator = pytest.mark.parametrize(
    "estimator",
    [each(order=3).set_params(**MORE.get(each, {})) for each in ESTIMATORS],
    ids=lambda it: type(it).__name__,
)

ON_ANY_INPUT = [
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimator_cloneable",
    "check_estimator_get_tags_default_keys",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]
"""The checks of scikit-learn that need no table of numbers; all others make one, which no estimator of texts takes."""


@every_estimator
def test_the_checks_of_scikit_learn_pass_where_they_apply_to_text(estimator: Any) -> None:
    with pytest.warns(SkipTestWarning, match="requires input"):  # of all that need numbers
        results = estimator_checks.check_estimator(estimator, on_skip=None)
    assert {result["status"] for result in results} == {"passed"}
    for name in ON_ANY_INPUT:
        if check := getattr(estimator_checks, name, None):  # some are new
            check(type(estimator).__name__, clone(estimator))


@every_estimator
def test_an_estimator_that_is_not_fitted_says_so(estimator: Any, tmp_path: Path) -> None:
    for call in (
        "predict",
        "predict_proba",
        "score_samples",
        "decision_function",
        "transform",
        "get_feature_names_out",
    ):
        if method := getattr(estimator, call, None):
            with pytest.raises(NotFittedError):
                method(["a"])
    with pytest.raises(NotFittedError):
        estimator.save(tmp_path / "it")


@every_estimator
@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("abc", TypeError, "put it in a list"),
        ([["a"], ["b"]], TypeError, r"X\[0\] must be a str, got list"),
        (np.array([["a"], ["b"]]), ValueError, r"X must be one-dimensional.*got shape \(2, 1\)"),
        ([1.0, 2.0], TypeError, r"X\[0\] must be a str, got float"),
        ([None, "b"], TypeError, r"X\[0\] must be a str, got NoneType"),
        ([], ValueError, "empty"),
        (["a", ""], ValueError, "empty"),
    ],
)
def test_what_is_no_text_is_refused(estimator: Any, texts: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        clone(estimator).fit(texts, np.arange(len(texts)) % 1 if len(texts) != 3 else [0, 0])


@every_estimator
def test_a_list_an_array_and_a_column_are_the_same_texts(estimator: Any) -> None:
    def answers(texts: Any) -> Any:
        fitted = clone(estimator).fit(texts, LABELS)
        method = getattr(fitted, "predict_proba", None) or getattr(fitted, "score_samples", None) or fitted.transform
        return method(texts)

    expected = answers(TEXTS)
    for texts in (np.array(TEXTS), np.array(TEXTS, dtype=object), tuple(TEXTS)):
        np.testing.assert_array_equal(answers(texts), expected)


@every_estimator
def test_a_folder_and_a_copy_for_another_process_give_the_same_answers(estimator: Any, tmp_path: Path) -> None:
    fitted = clone(estimator).fit(TEXTS, LABELS)
    fitted.save(tmp_path / "it")
    fitted.save(tmp_path / "it")
    joblib.dump(fitted, tmp_path / "dumped")
    for copy in (type(estimator).load(tmp_path / "it"), joblib.load(tmp_path / "dumped")):
        assert copy.get_params() == fitted.get_params()
        for call in ("predict", "predict_proba", "score_samples", "decision_function", "transform"):
            if hasattr(fitted, call):
                np.testing.assert_array_equal(getattr(copy, call)(TEXTS), getattr(fitted, call)(TEXTS))
    other = next(each for each in ESTIMATORS if each is not type(estimator))
    with pytest.raises(TypeError, match=f"has a {type(estimator).__name__}: load it with that"):
        other.load(tmp_path / "it")


def test_a_damaged_or_a_newer_folder_is_refused(tmp_path: Path) -> None:
    CharLMDensity(order=2).fit(TEXTS).save(tmp_path / "it")
    description = tmp_path / "it" / "estimator.json"
    whole = description.read_bytes()
    for damaged in (whole[:-9], whole.replace(b"2", b"3"), b"[]"):
        description.write_bytes(damaged)
        with pytest.raises(CheckpointCorruptError):
            CharLMDensity.load(tmp_path / "it")
    description.write_text(json.dumps(sealed(parse_json(whole) | {"version": 9})), encoding="utf-8")
    with pytest.raises(CheckpointVersionError):
        CharLMDensity.load(tmp_path / "it")
    description.write_text(json.dumps(sealed(parse_json(whole) | {"params": 5})), encoding="utf-8")
    with pytest.raises(CheckpointCorruptError, match="lacks params"):
        CharLMDensity.load(tmp_path / "it")


def test_what_is_no_value_of_json_is_not_saved_and_nothing_is_written(tmp_path: Path) -> None:
    fitted = CharLMDensity(order=2, random_state=np.random.RandomState(0)).fit(TEXTS)
    with pytest.raises(TypeError, match="no value of JSON"):
        fitted.save(tmp_path / "it")
    assert not (tmp_path / "it").exists()


# ------------------------------------------------------------------------------------------------------- classifier


def test_the_classifier_is_a_text_classifier_with_the_shares_of_the_classes_as_priors() -> None:
    fitted = CharLMClassifier(order=3, n_folds=2, random_state=5).fit(TEXTS, LABELS)
    shares = {language: LABELS.count(language) / len(LABELS) for language in SENTENCES}
    expected = TextClassifier.fit(TEXTS, LABELS, order=3, n_folds=2, seed=5, priors=shares)
    order = [expected.labels.index(language) for language in sorted(SENTENCES)]
    assert fitted.classes_.tolist() == sorted(SENTENCES)
    np.testing.assert_allclose(fitted.predict_proba(TEXTS), expected.probabilities(TEXTS)[:, order])
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(TEXTS)), fitted.predict_proba(TEXTS))
    assert (fitted.predict(TEXTS) == fitted.classes_[fitted.predict_proba(TEXTS).argmax(axis=1)]).all()


@pytest.mark.parametrize("classes", [[10, 9], [True, False], [0.5, -1.5], ["b", "a"]])
def test_classes_are_of_any_type_and_in_ascending_order(classes: list[Any], tmp_path: Path) -> None:
    texts, targets = ["ab ba", "ba ab", "xy yx", "yx xy"] * 2, [classes[0], classes[0], classes[1], classes[1]] * 2
    fitted = CharLMClassifier(order=2).fit(texts, targets)
    assert fitted.classes_.tolist() == sorted(classes)
    assert fitted.predict(["ab", "xy"]).tolist() == classes
    fitted.save(tmp_path / "it")
    copy = CharLMClassifier.load(tmp_path / "it")
    assert copy.classes_.dtype == fitted.classes_.dtype
    assert copy.predict(["ab", "xy"]).tolist() == classes


def test_the_classifier_is_chosen_and_validated_by_scikit_learn() -> None:
    search = GridSearchCV(CharLMClassifier(n_folds=0), {"order": [1, 4], "smoothing": ["kneser-ney", "learned"]}, cv=3)
    search.fit(TEXTS, LABELS)
    assert search.best_params_["order"] == 4
    assert search.predict(["The children have built a house"]).tolist() == ["en"]
    scores = cross_val_score(CharLMClassifier(order=4), TEXTS, LABELS, cv=3, n_jobs=2, scoring="neg_log_loss")
    assert (scores > np.log(1 / len(SENTENCES))).all()


def test_one_class_is_certain() -> None:
    assert CharLMClassifier(order=2).fit(["ab", "ba"], [7, 7]).predict_proba(["ab", "?"]).tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CharLMClassifier().fit(["a", "b"], [1]), ValueError, "y must have one class for each of 2 texts"),
        (lambda: CharLMClassifier().fit(["a"], [[1]]), ValueError, "y must have one class for each of 1 texts"),
        (lambda: CharLMClassifier().fit(["a", "b", "c"], [1, 1, 2]), ValueError, "class '2' has one text"),
        (
            lambda: CharLMClassifier(priors=[1.0]).fit(["a", "b"], [1, 2]),
            ValueError,
            "priors must have one probability",
        ),
        (lambda: CharLMClassifier(priors=[1.0, 1.0]).fit(["a", "b"], [1, 2]), ValueError, "priors must sum to 1"),
        (lambda: CharLMClassifier(n_folds=-1).fit(["a", "b"], [1, 2]), ValueError, "n_folds must be at least 0"),
        (lambda: CharLMClassifier(settings={"ordr": 2}).fit(["a", "b"], [1, 1]), TypeError, "no setting ordr"),
        (lambda: CharLMFeatures(window=0).fit(["a"]), ValueError, "window must be at least 1"),
        (lambda: CharLMFeatures().fit_transform(["a"]), ValueError, "nothing can be held out"),
        (lambda: CharLMFeatures(n_folds=1).fit_transform(["a", "b"]), ValueError, "nothing can be held out"),
        (lambda: CharLMOutlierDetector(held_out=0.9).fit(["a", ""] * 20), ValueError, "is empty"),
        (lambda: CharLMOutlierDetector().fit(TEXTS[:30]), ValueError, "held_out_texts must give at least 20 texts"),
        (lambda: CharLMOutlierDetector(held_out=0.5).fit(TEXTS), ValueError, "0.01 takes at least 99 held-out texts"),
        (lambda: CharLMOutlierDetector(held_out=1.0).fit(TEXTS), ValueError, "held_out must be above 0 and below 1"),
        (lambda: CharLMOutlierDetector(false_alarm_rate=0).fit(TEXTS), ValueError, "false_alarm_rate must be above 0"),
        (lambda: CharLMDensity(order=2).fit(["a"]).score([]), ValueError, "X is empty"),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------------------------------------- density and features


def test_the_density_is_the_log_likelihood_and_chooses_an_order() -> None:
    fitted = CharLMDensity(order=3, settings={"smoothing": "kneser-ney"}).fit(TEXTS)
    expected = CharLM.fit(TEXTS, order=3, smoothing="kneser-ney").score_samples(TEXTS)
    np.testing.assert_array_equal(fitted.score_samples(TEXTS), expected)
    assert fitted.score(TEXTS) == pytest.approx(expected.mean())
    search = GridSearchCV(CharLMDensity(), {"order": [1, 3]}, cv=2).fit(SENTENCES["en"])
    assert search.best_params_ == {"order": 3}


def test_features_are_what_their_names_say() -> None:
    lm = CharLM.fit(["abab", "baba"] * 5, order=4)
    texts = ["abab", "", "abzab", "bbbbbbbb"]
    found = features(lm, texts, 3, Usual(-1.5, 2.0))
    assert found.shape == (4, 8)
    for text, row in zip(texts, found, strict=True):
        scores = lm.log_probabilities(text)
        windows = [scores[start : start + 3].mean() for start in range(max(1, len(scores) - 2))]
        standardized = (scores.sum() + 1.5 * len(scores)) / len(scores) ** 0.5 / 2
        expected = [scores.mean(), standardized, min(windows), text.count("z") / max(1, len(text))]
        np.testing.assert_allclose(row[:4], expected)
        assert (np.diff(row[4:]) <= 0).all()
    assert found[0, 4:].tolist() == [1.0, 0.8, 0.6, 0.0]


def test_the_worst_window_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 9, 50)
    scores = rng.normal(size=lengths.sum())
    for window in (1, 3, 20):
        expected = []
        for own in np.split(scores, np.cumsum(lengths)[:-1]):
            means = [own[at : at + window].mean() for at in range(max(1, len(own) - window + 1)) if len(own)]
            expected.append(min(means, default=0.0))
        np.testing.assert_allclose(worst_windows(scores, lengths, window), expected, atol=1e-12)


def test_texts_to_learn_from_are_described_as_new_ones_are() -> None:
    transformer = CharLMFeatures(order=4)
    held_out, learned = transformer.fit_transform(TEXTS), transformer.transform(TEXTS)
    assert held_out.shape == learned.shape == (len(TEXTS), len(transformer.get_feature_names_out()))
    assert (held_out[:, 0] < learned[:, 0]).mean() > 0.9
    without = CharLMFeatures(order=4, n_folds=0).fit_transform(TEXTS)
    np.testing.assert_array_equal(np.delete(without, 1, axis=1), np.delete(learned, 1, axis=1))
    assert np.sqrt(np.mean(held_out[:, 1] ** 2)) == pytest.approx(1)
    bigram = CharLMFeatures("bigram").fit(TEXTS)
    assert bigram.get_feature_names_out().tolist() == ["log_probability", "standardized", "worst_window", "unknown"]
    assert bigram.transform(TEXTS).shape == (len(TEXTS), 4)


def test_features_go_into_a_pipeline() -> None:
    rng = np.random.default_rng(0)
    words = [word for line in SENTENCES["en"] for word in line.split()]
    mixed = ["".join(rng.permutation([*word]).tolist()) for word in words]
    pipeline = make_pipeline(CharLMFeatures(order=3), LogisticRegression())
    targets = [0] * len(words) + [1] * len(mixed)
    assert cross_val_predict(pipeline, words + mixed, targets, cv=3).shape == (len(targets),)


# ---------------------------------------------------------------------------------------------------------- outliers


def test_the_detector_is_wrong_about_usual_texts_as_often_as_allowed_and_finds_others() -> None:
    rng = np.random.default_rng(0)
    usual = ["".join(rng.choice([*"aaabbc"], rng.integers(3, 12)).tolist()) for _ in range(4000)]
    detector = CharLMOutlierDetector(order=3, false_alarm_rate=0.02).fit(usual[:2000])
    found = detector.predict(usual[2000:])
    assert set(found.tolist()) == {-1, 1}
    assert 0.02 / 1.5 < (found == -1).mean() < 0.02 * 1.5
    assert (detector.predict(["zzz", "cccccccc", "abxyz"]) == -1).all()
    np.testing.assert_array_equal(detector.predict(usual) == -1, detector.decision_function(usual) < 0)
    np.testing.assert_array_equal(detector.predict(usual) == -1, detector.lm_.is_unusual(usual, 0.02))
    assert (CharLMOutlierDetector(order=3, false_alarm_rate=0.02).fit_predict(usual) == -1).mean() < 0.04


# ------------------------------------------------------------------------------------------------------ what is loaded


def test_nothing_else_loads_scikit_learn_and_the_estimators_load_no_pytorch() -> None:
    program = (
        "import sys, charlm, charlm.cli.app\nfrom charlm import CharLM, TextClassifier\n"
        "TextClassifier.fit({'a': 'ab ' * 9, 'b': 'xy ' * 9}).classify(['ab'])\n"
        "assert 'sklearn' not in sys.modules\n"
        "from charlm.sklearn import CharLMClassifier\n"
        "CharLMClassifier(order=2).fit(['ab', 'ba', 'xy', 'yx'], [0, 0, 1, 1]).predict(['ab'])\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_scikit_learn_it_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "class Nothing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'sklearn':\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Nothing())\nimport charlm.sklearn\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install chartok[sklearn]" in done.stderr
