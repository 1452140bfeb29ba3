"""Writes and checks the description in a run folder."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from charlm.files.run_description import RunDescription
from charlm.recipes.presets import TAKES
from charlm.runtime.machine import machine

if TYPE_CHECKING:
    from charlm.files.run_folder import RunFolder
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.presets import Recipe


def describe_run(
    folder: RunFolder,
    corpus: Corpus,
    recipe: Recipe,
    *,
    validation: Corpus | None,
    device: str,
    source: str,
    resume: bool,
) -> None:
    """Writes the description of a run with its latest settings; a resumed run keeps its start time.

    Raises:
        OSError: It cannot be written.
        ValueError: The existing file is not the description of a run.
    """
    description = RunDescription(
        text=source,
        characters=corpus.characters + (0 if validation is None else validation.characters),
        symbols=len(corpus.vocabulary.symbols),
        excerpt="" if validation is None else validation.excerpt(),
        settings=_settings(recipe),
        machine=machine(device),
    )
    earlier = folder.read_description() if resume else None
    if earlier is not None:
        description = dataclasses.replace(description, began=earlier.began)
    folder.write_description(description)


def check_family(folder: RunFolder, recipe: Recipe) -> None:
    """Checks that the run in a folder has the family of the recipe with which to resume it.

    Raises:
        ValueError: It has another.
    """
    earlier = folder.read_description()
    if earlier is not None and earlier.family != recipe.family:
        raise ValueError(
            f"the run in {str(folder.path)!a} is of the family {earlier.family} and cannot be resumed as a "
            f"{recipe.family}: give another folder"
        )


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Returns the settings of the family, as JSON values."""
    settings: dict[str, Any] = {"model": recipe.family}
    for name in TAKES[recipe.family]:
        value = getattr(recipe, name)
        if name == "config":
            settings |= {key: own for key, own in dataclasses.asdict(value).items() if own not in (None, False)}
        elif value is not None and value is not False:
            settings[name] = value
    return settings
