import dataclasses
import json
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, TrainerConfig
from charlm.recipes.presets import CONFIGS, TAKES, WHY_NOT, Family, Recipe, families_with

TEXT = "the quick brown fox jumps over the lazy dog. " * 40
VALUES: dict[str, Any] = {
    "order": 3,
    "prior": True,
    "smoothing": 0.5,
    "memory": "2GB",
    "size": "nano",
    "n_layers": 2,
    "n_heads": 2,
    "width": 16,
    "dropout": 0.1,
    "block_size": 8,
    "batch_size": 4,
    "max_length": 9,
    "too_long": "truncate",
    "prompt_end": "=",
    "packing": True,
    "device": "cpu",
    "config": TrainerConfig(max_steps=1),
}
"""One that each setting may have."""

families: st.SearchStrategy[Any] = st.sampled_from(sorted(TAKES))


def test_there_is_a_line_for_each_family_and_a_value_for_each_setting() -> None:
    assert set(TAKES) == set(get_args(Family))
    settings = {setting.name for setting in dataclasses.fields(Recipe)} - {"family"}
    assert settings == set(VALUES) == {name for taken in TAKES.values() for name in taken}


@pytest.mark.parametrize("family", sorted(TAKES))
def test_a_number_of_numpy_is_one_of_python_as_json_needs(family: Any) -> None:
    given_ = {name: VALUES[name] for name in TAKES[family] if type(VALUES[name]) in (int, float)}
    if family == "ngram":
        del given_["smoothing"]
    given_.pop("max_length", None)
    of_numpy: dict[str, Any] = {name: np.array(value)[()] for name, value in given_.items()}
    recipe = Recipe(family=family, **of_numpy)
    found = {name: getattr(recipe, name) for name in given_}
    assert found == given_
    assert list(map(type, found.values())) == list(map(type, given_.values()))
    assert json.loads(json.dumps(found)) == given_


@given(families, st.sets(st.sampled_from(sorted(VALUES))))
def test_a_family_takes_its_settings_and_no_other(family: Any, given_: set[str]) -> None:
    if given_ & {"max_length", "too_long"}:
        given_ |= {"max_length", "too_long"}
    settings = {name: VALUES[name] for name in given_}
    if family == "ngram" and "smoothing" in given_:
        settings["smoothing"] = "learned"
    if given_ <= set(TAKES[family]):
        recipe = Recipe(family=family, **settings)
        assert {name: getattr(recipe, name) for name in given_} == settings
        return
    with pytest.raises(ValueError, match=r"\w+ is not a setting of") as refused:
        Recipe(family=family, **settings)
    name, _, rest = str(refused.value).partition(" ")
    assert name in given_ - set(TAKES[family])
    assert rest.startswith(
        f"is not a setting of {family}, which takes {', '.join(TAKES[family])}{WHY_NOT.get(name, '')}; "
    )
    assert all(name in TAKES[other] for other in families_with(name))


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family in TAKES for name in VALUES if name not in TAKES[family]]
)
def test_fitting_refuses_what_the_family_does_not_take(family: Any, name: str) -> None:
    taken = ", ".join(TAKES[family])
    with pytest.raises(
        ValueError, match=rf"^{name} is not a setting of {family}, which takes {taken}{WHY_NOT.get(name, '')}; "
    ):
        CharLM.fit(TEXT, family, **{name: VALUES[name]})


@given(families)
def test_what_is_left_out_is_what_suits_the_family(family: Any) -> None:
    recipe = Recipe(family=family)
    assert recipe.counts == (family not in CONFIGS)
    assert recipe.config == CONFIGS.get(family)
    for name in VALUES:
        if name not in TAKES[family]:
            assert getattr(recipe, name) is None


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"family": "lstm"}, ValueError, r"family must be one of ngram, .*, mixture, got 'lstm'$"),
        ({"family": "gtp"}, ValueError, r"got 'gtp': did you mean gpt\?"),
        ({"family": "trained_bigram"}, ValueError, r"did you mean trained-bigram\?"),
        ({"family": None}, TypeError, "family must be one of .*, got NoneType"),
        ({"smoothing": ["tuned"]}, TypeError, "smoothing must be one of tuned, learned, kneser-ney, got list$"),
        ({"smoothing": 0.5}, TypeError, "smoothing must be one of tuned, learned, kneser-ney, got float$"),
        ({"smoothing": "tunde"}, ValueError, r"got 'tunde': did you mean tuned\?"),
        ({"family": "gpt", "size": "huge"}, ValueError, "size must be one of nano, small, base, got 'huge'"),
        ({"family": "gpt", "size": "smal"}, ValueError, r"got 'smal': did you mean small\?"),
        ({"order": 0}, ValueError, "order must be at least 1, got 0"),
        ({"order": 2.5}, TypeError, "order must be an integer, got float"),
        ({"family": "bigram", "smoothing": -1}, ValueError, "smoothing must not be negative, got -1"),
        ({"family": "bigram", "smoothing": "1"}, TypeError, "smoothing of a bigram must be a number to .*, got '1'"),
        ({"family": "bigram", "smoothing": [1]}, TypeError, "smoothing must be a number, got list"),
        ({"family": "gpt", "batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"family": "gpt", "n_layers": 0}, ValueError, "n_layers must be at least 1, got 0"),
        ({"family": "gpt", "n_layers": 257}, ValueError, "n_layers must be at most 256, got 257"),
        ({"family": "gpt", "n_heads": 2.0}, TypeError, "n_heads must be an integer, got float"),
        ({"family": "gpt", "width": "16"}, TypeError, "width must be an integer, got str"),
        ({"family": "gpt", "width": 15}, ValueError, r"width must be a multiple of 2 \* n_heads"),
        ({"family": "gpt", "size": "base", "n_heads": 5}, ValueError, "got width 384 and n_heads 5$"),
        ({"family": "gpt", "width": 36, "n_heads": 4}, ValueError, "got width 36 and n_heads 4$"),
        ({"family": "mixture", "dropout": 1}, ValueError, r"dropout must be at least 0 and below 1, got 1\.0"),
        ({"family": "gpt", "dropout": -0.1}, ValueError, "dropout must be at least 0"),
        ({"family": "gpt", "dropout": "none"}, TypeError, "dropout must be a number, got str"),
        ({"family": "gpt", "block_size": -1}, ValueError, "block_size must be at least 1, got -1"),
        ({"max_length": 0, "too_long": "skip"}, ValueError, "max_length must be at least 1, got 0"),
        ({"max_length": 9, "too_long": "cut"}, ValueError, "too_long must be one of truncate, split, skip, error, got"),
        ({"too_long": "skip"}, ValueError, "too_long says what to do with a record above max_length: give max_length"),
        (
            {"max_length": 9},
            ValueError,
            "a model of the family ngram counts records of any length, .* give too_long='truncate', 'skip'",
        ),
        (
            {"max_length": 9, "too_long": "split"},
            ValueError,
            "a model of the family ngram counts records of any length",
        ),
        ({"family": "gpt", "packing": "yes"}, TypeError, "packing must be True or False, got 'yes'"),
        ({"family": "gpt", "config": {"max_steps": 3}}, TypeError, "config must be a TrainerConfig, got dict"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Recipe(**settings)
