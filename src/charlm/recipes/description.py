"""Writes and checks the description in a run folder."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.errors import CheckpointMismatchError
from charlm.files.run_description import RunDescription
from charlm.recipes.presets import CONFIGS, OF_RECORDS, TAKES
from charlm.runtime.machine import machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from charlm.files.run_folder import RunFolder
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.presets import Recipe


OF_EXAMPLES = (*OF_RECORDS, "prompt_end", "packing")
"""Settings of a recipe that decide which examples are made of the text."""
EXCERPT_CHARACTERS = 10_000
EXCERPT_RECORDS = 300
"""The maximum size of an excerpt."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the data of a run come from.

    Attributes:
        text: The path of the text, as it was given.
        settings: How it is read and split, as JSON values; None and False count as not given.
    """

    text: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def given(self) -> dict[str, Any]:
        """Returns the settings that were given."""
        return {name: value for name, value in self.settings.items() if value is not None and value is not False}


def excerpt(corpus: Corpus) -> str | list[str]:
    """Returns the beginning of a text, or records spread evenly over all of them, which may be sorted."""
    if corpus.records is None:
        piece = next(corpus.pieces(EXCERPT_CHARACTERS, 0), None)
        return "" if piece is None else corpus.vocabulary.decode(piece.ids[:EXCERPT_CHARACTERS])
    number = min(len(corpus), EXCERPT_RECORDS)
    number = max(1, min(number, EXCERPT_CHARACTERS * len(corpus) // max(1, corpus.characters)))
    starts, lengths = corpus.records.bounds(np.arange(number) * len(corpus) // number)
    spans = zip(starts.tolist(), np.minimum(lengths, EXCERPT_CHARACTERS).tolist(), strict=True)
    several = [corpus.vocabulary.decode(corpus.records.source.read(start, start + length)) for start, length in spans]
    ends = np.cumsum([len(record) for record in several])
    return several[: max(1, int(np.searchsorted(ends, EXCERPT_CHARACTERS, side="right")))]


def describe_run(
    folder: RunFolder,
    corpus: Corpus,
    recipe: Recipe,
    *,
    validation: Corpus | None,
    device: str,
    source: Source,
    resume: bool,
) -> None:
    """Writes the description of a run with its latest settings; a resumed run keeps its start time.

    Raises:
        OSError: It cannot be written.
        ValueError: The existing file is not the description of a run.
    """
    characters, of_validation = _characters(corpus, validation, source)
    description = RunDescription(
        text=source.text,
        characters=characters,
        validation_characters=of_validation,
        symbols=len(corpus.vocabulary.symbols),
        excerpt="" if validation is None else excerpt(validation),
        settings=_settings(recipe) | source.given(),
        fingerprints=_fingerprints(corpus, validation),
        machine=machine(device),
    )
    earlier = folder.read_description() if resume else None
    if earlier is not None:
        description = dataclasses.replace(description, began=earlier.began)
    folder.write_description(description)


def add_results(folder: RunFolder, *, validation_loss: float | None, seconds: float | None = None) -> None:
    """Adds what is known at the end of a run to its description; ``RunDescription`` says what that is.

    Raises:
        OSError: It cannot be written.
    """
    description = folder.read_description()
    if description is not None:
        is_a_number = validation_loss is not None and math.isfinite(validation_loss)
        known = validation_loss if is_a_number else None
        found = dataclasses.replace(description, validation_loss=known, seconds=seconds)
        folder.write_description(found)


def check_same_run(
    folder: RunFolder, corpus: Corpus, recipe: Recipe, *, validation: Corpus | None, source: Source
) -> None:
    """Checks that the run in a folder has the family and the data with which to resume it.

    Raises:
        ValueError: It has another family.
        CheckpointMismatchError: Its text was another one, or was read or split in another way; says which.
    """
    earlier = folder.read_description()
    if earlier is None:
        return
    if earlier.family != recipe.family:
        raise ValueError(
            f"the run in {str(folder.path)!a} is of the family {earlier.family} and cannot be resumed as a "
            f"{recipe.family}: give another folder"
        )
    if not earlier.fingerprints or not folder.checkpoint_paths():
        return
    given = {name: value for name, value in _settings(recipe).items() if name in OF_EXAMPLES} | source.given()
    changes = [
        f"{name}: {_shown(earlier.settings.get(name))} -> {_shown(given.get(name))}"
        for name in (*OF_EXAMPLES, *source.settings)
        if earlier.settings.get(name) != given.get(name)
    ]
    if changes:
        raise CheckpointMismatchError(
            f"the run in {str(folder.path)!a} was started with other data (saved -> current): {'; '.join(changes)}; "
            "to go on from its model with others, start a new run with init_from (--init-from)"
        )
    _check_counts(earlier, recipe, folder)
    now = _fingerprints(corpus, validation)
    if earlier.fingerprints != now:
        is_of_validation = "validation" in given and earlier.fingerprints.get("training") == now["training"]
        what, before = f"the text {source.text!a}", earlier.characters
        characters, of_validation = _characters(corpus, validation, source)
        if is_of_validation:
            what, before = f"the validation text {given['validation']!a}", earlier.validation_characters
            characters = of_validation
        sizes = f"it had {before:,} characters and has {characters:,}"
        if before == characters:
            sizes = "it is as long as before, but not the same"
        raise CheckpointMismatchError(
            f"{what} has changed since the run in {str(folder.path)!a} was started ({sizes}): resume it with the text "
            "as it was, or start a new run in another folder, from its model with init_from (--init-from)"
        )


def _check_counts(earlier: RunDescription, recipe: Recipe, folder: RunFolder) -> None:
    """Checks that a run is resumed with the counts and the windows with which it was started.

    Raises:
        CheckpointMismatchError: It is not; says what differs.
    """
    was, now = earlier.settings, _settings(recipe)
    names = {"prior", "block_size"} | ({"order"} & now.keys())  # by default, the order is that of before
    changes = [
        f"{name}: {_shown(was.get(name))} -> {_shown(now.get(name))}"
        for name in sorted(names)
        if was.get(name) != now.get(name)
    ]
    if changes:
        raise CheckpointMismatchError(
            f"the run in {str(folder.path)!a} cannot be resumed with other settings (saved -> current): "
            f"{'; '.join(changes)}: resume it with its own, or start a new run in another folder"
        )


def _shown(value: object) -> str:
    return "by default" if value is None else ascii(value)


def _characters(corpus: Corpus, validation: Corpus | None, source: Source) -> tuple[int, int]:
    """Returns the number of characters in the text, and that in a validation text of its own."""
    held_out = 0 if validation is None else validation.characters
    if "validation" in source.given():
        return corpus.characters, held_out
    return corpus.characters + held_out, 0


def _fingerprints(corpus: Corpus, validation: Corpus | None) -> dict[str, str]:
    parts = {"training": corpus, "validation": validation}
    return {name: part.fingerprint() for name, part in parts.items() if part is not None}


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Returns the settings of the family, as JSON values; None only where by default there would be a value."""
    taken = [name for name in TAKES[recipe.family] if name != "config"]
    settings: dict[str, Any] = {"model": recipe.family} | {name: getattr(recipe, name) for name in taken}
    defaults: dict[str, Any] = {}
    if recipe.config is not None:
        settings |= vars(recipe.config)
        defaults = vars(CONFIGS[recipe.family])
    return {name: value for name, value in settings.items() if value is not None or defaults.get(name) is not None}
