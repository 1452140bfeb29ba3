"""The flags of ``train`` that each family takes."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from charlm.cli.train_flags import Train
from charlm.models.smoothing.choices import Smoothing
from charlm.recipes.presets import CONFIGS, TAKES, WHY_NOT, Recipe, families_with

if TYPE_CHECKING:
    from charlm.recipes.presets import Family

OF_DATA = (
    *("records", "reading", "train_fraction", "split", "split_seed", "validation", "calibrate"),
    *("min_count", "max_size", "symbols", "unit"),
)
"""Flags that say how a text is read and split."""
OF_EVERY_FAMILY = ("config", "shared", "texts", "model", "out", *OF_DATA, "json")
OF_START = ("init_from", "init_optimizer")
"""Flags that say what training starts from."""
OF_TRAINING = ("resume", *OF_START, "live", "tensorboard", "training")
"""Flags of families trained by gradient descent, besides those of the family."""


def train_flags(family: Family) -> type[Train]:
    """Returns the settings of ``train`` for a family, with its defaults.

    Example:
        >>> [field.name for field in fields(train_flags("ngram")) if field.name not in OF_EVERY_FAMILY]
        ['order', 'smoothing', 'memory', 'max_length', 'too_long']
    """
    names = {*OF_EVERY_FAMILY, *(name for name in TAKES[family] if name != "config")}
    if family in CONFIGS:
        names |= set(OF_TRAINING)
    recipe = Recipe(family=family)
    defaults: dict[str, Any] = {
        "model": family,
        "order": recipe.order,
        "smoothing": recipe.smoothing,
        "batch_size": recipe.batch_size,
        "training": CONFIGS.get(family),
    }
    hints = get_type_hints(Train, include_extras=True)
    hints["smoothing"] = float if family == "bigram" else Smoothing
    made: Any = make_dataclass(
        "Train",
        [
            (own.name, hints[own.name], field(default=defaults.get(own.name, own.default)))
            for own in fields(Train)
            if own.name in names
        ],
        namespace={"__doc__": Train.__doc__, "runs": Train.runs, "groups": Train.groups},
        frozen=True,
        kw_only=True,
    )
    return made  # type: ignore[no-any-return]  # it has some of the fields of Train


def refusal(name: str, family: Family) -> str:
    """Returns the error message for a flag of ``train`` that belongs to another family.

    Example:
        >>> refusal("memory", "bigram")
        '--memory is not a setting of bigram, which takes --smoothing, ...; --model ngram takes it; see charlm ...'
    """
    if name in OF_START:
        return f"{as_flag(name)} is for models that are trained, and {family} counts: charlm update adds texts to it"
    taken = ", ".join(as_flag(own) for own in TAKES[family] if own != "config")
    who = " or ".join(families_with(name))
    see = f"--model {who} takes it; see charlm train --model {family} --help"
    return f"{as_flag(name)} is not a setting of {family}, which takes {taken}{WHY_NOT.get(name, '')}; {see}"


def as_flag(name: str) -> str:
    """Returns the flag for the name of a setting."""
    return "--" + name.replace("_", "-")
