"""The settings of ``CharLM.fit`` as keywords: typed, and sorted by what takes them."""

from __future__ import annotations

import difflib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast, get_args

from charlm.recipes.presets import CONFIGS, Family, Recipe, check_one_of
from charlm.training.config import TrainerConfig
from chartok import ReadingSettings
from chartok.arguments import check_known
from chartok.files.reading import ReadingKeywords
from chartok.vocabulary_sources import VocabularyKeywords

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from charlm.data.limits import TooLong
    from charlm.models.smoothing.choices import Smoothing
    from charlm.recipes.presets import Size


class FitKeywords(VocabularyKeywords, total=False):
    """The settings of ``CharLM.fit``: the fields of a ``Recipe``, and what is asked of the vocabulary."""

    order: int | None
    prior: bool | None
    smoothing: float | Smoothing | None
    memory: int | str | None
    size: Size | None
    n_layers: int | None
    n_heads: int | None
    width: int | None
    dropout: float | None
    block_size: int | None
    batch_size: int | None
    max_length: int | None
    too_long: TooLong | None
    prompt_end: str | None
    packing: bool | None
    config: TrainerConfig | None
    device: str | None


class FitFileKeywords(FitKeywords, ReadingKeywords, total=False):
    """The settings of ``CharLM.fit_file``: those of ``fit``, and how to read the files."""


class UpdateFileKeywords(VocabularyKeywords, ReadingKeywords, total=False):
    """The settings of ``CharLM.update_file``: what is asked of the vocabulary, and how to read the files."""


def check_fit_settings(family: Family, settings: Mapping[str, Any], known: Collection[str]) -> None:
    """Checks that the names of settings of ``CharLM.fit`` are known.

    Raises:
        TypeError: One is not; names the nearest, or where it goes if it is one of training.
    """
    of_training = {setting.name for setting in fields(TrainerConfig)} - {*known}
    for name in sorted(settings.keys() - {*known}, key=str):
        if name == "records" or name in ReadingKeywords.__annotations__:
            raise TypeError(
                f"there is no setting {name}: CharLM.fit_file takes it; a list of texts is records as it is"
            )
        near = difflib.get_close_matches(str(name), [*known, *of_training], n=1)
        if near and near[0] in of_training:
            who = "" if family in CONFIGS else f"; of {', '.join(CONFIGS)}, as {family} is not trained but counted"
            where = f"config=TrainerConfig({near[0]}=...){who}"
            raise TypeError(f"there is no setting {name}: training settings go in {where}")
    check_known(settings, known)


def sorted_settings(
    family: Family, settings: Mapping[str, Any], *, reads_files: bool = False
) -> tuple[Recipe, VocabularyKeywords, ReadingSettings]:
    """Returns settings by what takes them: the recipe, what is asked of the vocabulary, and how to read files.

    Args:
        family: The family of the model.
        settings: Some of ``FitFileKeywords``.
        reads_files: Whether there are files to read.

    Raises:
        TypeError: There is no such setting; names the nearest, or where it goes.
        ValueError: A setting is out of range, or the family does not take it.

    Example:
        >>> recipe, asked, _ = sorted_settings("ngram", {"order": 3, "min_count": 2})
        >>> recipe.order, asked
        (3, {'min_count': 2})
    """
    check_one_of("model", family, get_args(Family))
    of_recipe = {field.name for field in fields(Recipe)} - {"family"}
    of_vocabulary = set(VocabularyKeywords.__annotations__)
    of_reading = {field.name for field in fields(ReadingSettings)} if reads_files else set()
    check_fit_settings(family, settings, of_recipe | of_vocabulary | of_reading)

    def taken(names: set[str]) -> dict[str, Any]:
        return {name: value for name, value in settings.items() if name in names}

    recipe = Recipe(family=family, **taken(of_recipe))
    return recipe, cast("VocabularyKeywords", taken(of_vocabulary)), ReadingSettings(**taken(of_reading))
