"""Whole records that a model makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.data.framing import Framing
from charlm.generation.loop import continuations
from charlm.runtime.seeds import derived_seed
from chartok.arguments import checked_texts, expected_text, integer, natural_number, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.generation.sampling import SamplingSettings
    from charlm.models.predictor import PredictingModel
    from chartok import Vocabulary


ATTEMPTS = 100
"""How often ``sample_records`` tries for each record before it gives up."""

TRIES_AT_ONCE = 64
"""How many records are made side by side at most; all go on until the longest ends."""


def sample_records(  # noqa: PLR0913 - what one asks of a name
    vocabulary: Vocabulary,
    model: PredictingModel,
    n_samples: int,
    settings: SamplingSettings,
    *,
    prefix: str,
    min_length: int,
    max_length: int,
    unique: bool,
    exclude: Iterable[str],
    allowed: str | None,
    seed: int,
) -> list[str]:
    """Returns records that a model with an ``eos`` token makes up; ``CharLM.sample`` says what the arguments mean.

    Try ``i`` has a seed of its own, so that a record does not depend on how many are tried side by side.

    Raises:
        TypeError: ``exclude`` is one ``str``, or holds something else; or another argument is of the wrong type.
        ValueError: A setting is out of range, or too few such records come up.
        UnknownCharacterError: A character of the prefix is not in the vocabulary.
    """
    if isinstance(exclude, str):
        raise TypeError("exclude must be an iterable of str, got a single str: put it in a list")
    taken = set(checked_texts(exclude, "exclude"))
    if not isinstance(prefix, str):
        raise TypeError(expected_text("prefix", prefix))
    positive_integer("n_samples", n_samples)
    natural_number("min_length", min_length)
    if max(len(prefix), min_length) > positive_integer("max_length", max_length):
        raise ValueError(
            f"prefix ({len(prefix)} characters) and min_length {min_length} exceed max_length {max_length}"
        )
    framing = Framing(vocabulary)
    start, ids = framing.prompt(prefix), list(framing.outcomes(allowed))
    found, tries = list[str](), 0
    while len(found) < n_samples:
        size = min(n_samples - len(found), TRIES_AT_ONCE, ATTEMPTS * n_samples - tries)
        if not size:
            raise ValueError(f"only {len(found)} of {n_samples} came up in {tries} tries: ask for less")
        endings = continuations(
            model,
            start,
            [derived_seed(integer("seed", seed), tries + place) for place in range(size)],
            settings,
            max_new_tokens=max_length - len(prefix) + 1,
            allowed=ids,
            end=framing.eos,
            min_new_tokens=max(0, min_length - len(prefix)),
            seen=vocabulary.encode(prefix),
        )
        tries += size
        for record in (prefix + vocabulary.decode(ending) for ending in endings):
            if len(record) <= max_length and record not in taken:
                found.append(record)
                if unique:
                    taken.add(record)
    return found
