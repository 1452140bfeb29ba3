"""The estimators are at home in scikit-learn, take texts alone, and are kept without pickle."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.utils import estimator_checks

from charlm import CharLM, CheckpointCorruptError, CheckpointVersionError, ForeignFileError
from charlm.recipes.presets import CONFIGS
from charlm.sklearn import CharLMClassifier, CharLMDensity, CharLMFeatures, CharLMOutlierDetector
from chartok.files.envelope import sealed
from chartok.files.strict_json import parse_json
from labeled_texts import LABELS, TEXTS

ESTIMATORS: list[Any] = [CharLMClassifier, CharLMDensity, CharLMFeatures, CharLMOutlierDetector]
MORE: dict[Any, dict[str, float]] = {CharLMOutlierDetector: {"false_alarm_rate": 0.05, "held_out": 0.5}}
"""What it takes with so few texts."""
every_estimator = pytest.mark.parametrize(
    "estimator",
    [each(order=3).set_params(**MORE.get(each, {})) for each in ESTIMATORS],
    ids=lambda it: type(it).__name__,
)

ON_ANY_INPUT = [
    "check_do_not_raise_errors_in_init_or_set_param",  # of older releases
    "check_do_not_raise_errors_in_init_or_set_params",
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


@pytest.mark.parametrize(
    "changed", [{"deviation": 0.0}, {"deviation": -0.0}, {"deviation": -1.0}, {"mean": 1.0}, {"mean": -1e308}]
)
def test_likelihoods_that_no_texts_have_are_refused(tmp_path: Path, changed: dict[str, float]) -> None:
    CharLMFeatures(order=2, n_folds=2).fit(TEXTS).save(tmp_path / "it")
    description = tmp_path / "it" / "estimator.json"
    content = parse_json(description.read_bytes())
    content["fitted"] |= changed
    description.write_text(json.dumps(sealed(content)), encoding="utf-8")
    with pytest.raises(CheckpointCorruptError, match="mean must be from -1000000"):
        CharLMFeatures.load(tmp_path / "it")


def test_a_window_that_fits_no_text_is_refused(tmp_path: Path) -> None:
    CharLMFeatures(order=2, n_folds=2).fit(TEXTS).save(tmp_path / "it")
    description = tmp_path / "it" / "estimator.json"
    content = parse_json(description.read_bytes())
    content["params"]["window"] = []
    description.write_text(json.dumps(sealed(content)), encoding="utf-8")
    with pytest.raises(CheckpointCorruptError, match="window must be an integer"):
        CharLMFeatures.load(tmp_path / "it")


def test_what_is_no_value_of_json_is_not_saved_and_nothing_is_written(tmp_path: Path) -> None:
    fitted = CharLMDensity(order=2, random_state=np.random.RandomState(0)).fit(TEXTS)
    with pytest.raises(TypeError, match="the parameter random_state cannot be saved: RandomState is no value of JSON"):
        fitted.save(tmp_path / "it")
    assert not (tmp_path / "it").exists()


def test_a_model_of_another_estimator_is_noticed(tmp_path: Path) -> None:
    for name, texts in {"one": TEXTS, "other": TEXTS[:20]}.items():
        CharLMDensity(order=2).fit(texts).save(tmp_path / name)
    (one,), (other,) = ([*(tmp_path / name).glob("*.safetensors")] for name in ("one", "other"))
    one.write_bytes(other.read_bytes())
    with pytest.raises(CheckpointCorruptError, match=r"is not the file that estimator\.json describes"):
        CharLMDensity.load(tmp_path / "one")


@every_estimator
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"order": 5}, "settings has order, which is a parameter of CharLM.*: give it as that"),
        ({"model": "gpt"}, "settings has model, which is a parameter"),
        ({"ordr": 5}, "settings: there is no setting ordr: did you mean order"),
        ({"seed": 1}, "settings: there is no setting seed"),
        ({5: 1}, "settings: there is no setting 5"),
        ([("prior", False)], "settings must be a mapping of names to values, got list"),
    ],
)
def test_settings_are_those_of_fit_that_are_no_parameters(estimator: Any, settings: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        clone(estimator).set_params(settings=settings).fit(TEXTS, LABELS)


def test_the_random_state_seeds_models_that_are_trained() -> None:
    settings = {"n_layers": 1, "n_heads": 1, "width": 4, "block_size": 8}

    def fitted(seed: int, **more: Any) -> Any:
        return CharLMDensity("gpt", random_state=seed, settings=settings | more).fit(TEXTS[:6]).score_samples(TEXTS[:6])

    short = replace(CONFIGS["gpt"], max_steps=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, "gpt", short)
        np.testing.assert_array_equal(fitted(1), fitted(1))
        assert (fitted(1) != fitted(2)).any()
        np.testing.assert_array_equal(fitted(1, config=short), fitted(2, config=short))


def test_numbers_and_arrays_of_numpy_are_kept_as_numbers(tmp_path: Path) -> None:
    fitted = CharLMClassifier(order=np.int64(2), priors=np.full(len(set(LABELS)), 1 / len(set(LABELS))))  # type: ignore[arg-type]
    fitted.fit(TEXTS, LABELS).save(tmp_path / "it")
    copy = CharLMClassifier.load(tmp_path / "it")
    assert type(copy.order) is int
    assert copy.priors == [1 / len(set(LABELS))] * len(set(LABELS))
    np.testing.assert_array_equal(copy.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


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
    assert "pip install 'chartok[sklearn]'" in done.stderr


def test_the_folder_of_an_estimator_is_not_taken_for_a_model(tmp_path: Path) -> None:
    CharLMDensity(order=2).fit(TEXTS).save(tmp_path / "it")
    with pytest.raises(ForeignFileError, match=r"is the folder of an estimator, .* charlm\.sklearn reads it$"):
        CharLM.load(tmp_path / "it")
