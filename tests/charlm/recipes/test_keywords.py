"""The settings of ``CharLM.fit`` as keywords."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from charlm import CharLM
from charlm.recipes.keywords import FitFileKeywords, FitKeywords
from charlm.recipes.presets import Family, Recipe
from chartok import ReadingSettings


def test_the_keywords_are_the_fields_of_the_classes_that_take_them() -> None:
    of_recipe = {field.name for field in fields(Recipe)} - {"family"}
    of_reading = {field.name for field in fields(ReadingSettings)}
    assert of_recipe <= FitKeywords.__annotations__.keys()
    assert FitFileKeywords.__annotations__.keys() - FitKeywords.__annotations__.keys() == of_reading


def test_an_unknown_setting_is_refused_and_the_nearest_named() -> None:
    misspelled: dict[str, Any] = {"ordr": 3}
    with pytest.raises(TypeError, match="there is no setting ordr: did you mean order"):
        CharLM.fit("abc", **misspelled)


@pytest.mark.parametrize(
    ("family", "setting", "told"),
    [
        (
            "gpt",
            "max_steps",
            r"max_steps: training settings go in config=TrainerConfig\(max_steps=\.\.\.\)$",
        ),
        ("gpt", "learning_rat", r"no setting learning_rat: .*TrainerConfig\(learning_rate="),
        (
            "ngram",
            "seed",
            r"TrainerConfig\(seed=\.\.\.\); of trained-bigram, gpt, .* as ngram is not trained",
        ),
    ],
)
def test_a_setting_of_training_is_refused_and_its_place_named(family: Family, setting: str, told: str) -> None:
    given: dict[str, Any] = {setting: 30}
    with pytest.raises(TypeError, match=told):
        CharLM.fit("abc", family, **given)


@pytest.mark.parametrize("of_files", [{"encoding": "utf-16"}, {"records": True}])
def test_a_text_in_memory_takes_no_setting_of_files(of_files: Any) -> None:
    with pytest.raises(TypeError, match=f"there is no setting {min(of_files)}: CharLM.fit_file takes it; a list of"):
        CharLM.fit(["abc"], **of_files)
