"""Texts that are of no class: unusual for the most probable one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.decisions.calibration import FEWEST_TEXTS, checked_calibration, texts_needed
from chartok.arguments import fraction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from charlm.lm import CharLM


def check_calibrated(models: Mapping[str, CharLM], unknown_below: float) -> None:
    """Checks that the models of classes know what is usual, on enough texts for a false-alarm rate.

    Args:
        models: The models by label.
        unknown_below: The rate.

    Raises:
        ValueError: A model is not calibrated, or not on enough texts; says on how many, and how.
        TypeError: ``unknown_below`` is not a number.
    """
    rate = fraction("unknown_below", unknown_below)
    needed = max(FEWEST_TEXTS, texts_needed(rate))
    for label, model in models.items():
        if model.calibration is None:
            why = f"the model of class {label!a} is not calibrated"
            if any(other.calibration is not None for other in models.values()):
                why += f" and others are: a class with fewer than {FEWEST_TEXTS} texts is left as it is"
            raise ValueError(
                f"{why}: call TextClassifier.calibrate with at least {needed:,} texts of each class that no model has "
                "learned from (charlm calibrate MODEL FILE, for a model in a file of its own)"
            )
        try:
            checked_calibration(model.calibration).check_rate(rate, "unknown_below")
        except ValueError as error:
            raise ValueError(f"the model of class {label!a}: {error}") from None


def are_unknown(
    models: Mapping[str, CharLM], texts: Sequence[str], columns: NDArray[np.int64], unknown_below: float
) -> NDArray[np.bool_]:
    """Returns whether each text has a p-value of at most a rate under the model of its class, bool ``(N,)``.

    Args:
        models: The models by label, all calibrated.
        texts: The texts.
        columns: The place of the class of each, ``(N,)``.
        unknown_below: The rate.
    """
    found = np.zeros(len(texts), dtype=bool)
    for place, model in enumerate(models.values()):
        own = np.flatnonzero(columns == place)
        found[own] = model.p_values([texts[text] for text in own.tolist()]) <= unknown_below
    return found
