"""The classifier is ``TextClassifier``, with classes of any type."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

from charlm import TextClassifier
from charlm.sklearn import CharLMClassifier
from labeled_texts import LABELS, SENTENCES, TEXTS


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


@pytest.mark.parametrize(
    ("classes", "kept"),
    [
        (np.array([1, 2**63 + 5], dtype=np.uint64), True),
        (np.array([0.1, 0.2], dtype=np.float32), True),
        (np.array(["b", "a"], dtype=object), True),
        (np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[ns]"), False),
        (np.array([b"a", b"b"]), False),
        (np.array([1, 2], dtype=object), False),
    ],
)
def test_classes_come_back_as_they_were_or_are_not_saved(classes: Any, kept: bool, tmp_path: Path) -> None:
    targets: Any = classes[[0, 0, 1, 1]]
    fitted = CharLMClassifier(order=2).fit(["ab ba", "ba ab", "xy yx", "yx xy"], targets)
    assert (fitted.predict(["ab", "xy"]) == classes).all()
    if not kept:
        with pytest.raises(TypeError, match=r"y had classes of type .*: fit to str, int, float or bool"):
            fitted.save(tmp_path / "it")
        assert not (tmp_path / "it").exists()
        return
    fitted.save(tmp_path / "it")
    copy = CharLMClassifier.load(tmp_path / "it")
    assert copy.classes_.dtype == fitted.classes_.dtype
    assert (copy.predict(["ab", "xy"]) == classes).all()


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
        (lambda: CharLMClassifier().fit(["a", "b"], [1.0, np.nan]), ValueError, r"y\[1\] is nan: leave out"),
        (lambda: CharLMClassifier().fit(["a", ""], [1, 1]), ValueError, r"X\[1\] is empty: leave empty texts out"),
        (
            lambda: CharLMClassifier().fit(["a", "b"], np.array([1, "x"], dtype=object)),  # type: ignore[arg-type]
            TypeError,
            "classes of one type, which can be sorted",
        ),
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
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
