"""What generating text adds to generating ids: where it begins, what may come, where it stops, and whole records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from charlm.generation.loop import continuations
from charlm.generation.sampling import SamplingKeywords, SamplingSettings
from charlm.runtime.seeding import derived_seed
from chartok.arguments import checked_texts, expected_text, integer, natural_number, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.models.base import LanguageModel
    from chartok import Vocabulary


ATTEMPTS = 100
"""How often ``sample_records`` tries for each record before it gives up."""

TRIES_AT_ONCE = 64
"""How many records are made side by side at most; all go on until the longest ends."""


class TextKeywords(SamplingKeywords, total=False):
    """What the overloads of ``CharLM.generate`` have in common."""

    max_new_tokens: int
    allowed: str | None
    stop: Iterable[str] | None
    seed: int


def start_ids(vocabulary: Vocabulary, prompt: str, errors: Literal["strict", "replace"] = "strict") -> list[int]:
    """Returns the ids of a prompt, after ``bos`` where the vocabulary has it.

    Without ``bos`` there is nothing to go on from but a character: an empty prompt is then the first of the
    vocabulary, which is not part of the text.

    Args:
        vocabulary: What the ids mean.
        prompt: The text to go on from.
        errors: ``"replace"`` puts ``unk`` in the place of a character that is not in the vocabulary.

    Raises:
        UnknownCharacterError: A character is not in the vocabulary.
        TypeError: The prompt is not a ``str``.

    Example:
        >>> from chartok import Vocabulary
        >>> start_ids(Vocabulary("abc", special_tokens=["bos"]), "cab"), start_ids(Vocabulary("abc"), "")
        ([3, 2, 0, 1], [0])
    """
    special = vocabulary.special_tokens
    before = [special["bos"]] if "bos" in special else []
    return [*before, *vocabulary.encode(prompt, errors).tolist()] or character_ids(vocabulary)[:1]


def character_ids(vocabulary: Vocabulary) -> list[int]:
    """Returns the ids that have a character, in ascending order.

    Example:
        >>> from chartok import Vocabulary
        >>> character_ids(Vocabulary("abc", special_tokens=["eos"]))
        [0, 1, 2]
    """
    special = set(vocabulary.special_tokens.values())
    return [token_id for token_id in range(vocabulary.size) if token_id not in special]


def allowed_ids(vocabulary: Vocabulary, allowed: str | None) -> list[int]:
    """Returns the ids of the characters that may come, None for all, and of the end of a record where there is one.

    Raises:
        ValueError: The vocabulary has none of the characters.

    Example:
        >>> from chartok import Vocabulary
        >>> allowed_ids(Vocabulary("abc", special_tokens=["eos"]), "xca")
        [0, 2, 3]
    """
    characters = zip(character_ids(vocabulary), vocabulary.characters, strict=True)
    ids = [token_id for token_id, character in characters if allowed is None or character in allowed]
    if not ids:
        raise ValueError(f"allowed holds no character of the vocabulary: {allowed!a}")
    return ids + _ends(vocabulary)


def stop_ids(vocabulary: Vocabulary, stop: Iterable[str] | None) -> list[list[int]]:
    """Returns the ids of each stop string, and of the end of a record where there is one.

    A string with a character that the vocabulary lacks never comes, and is left out.

    Raises:
        TypeError: ``stop`` is one ``str``, or holds something else.
        ValueError: A stop string is empty.

    Example:
        >>> from chartok import Vocabulary
        >>> stop_ids(Vocabulary("abc", special_tokens=["eos"]), ["cab", "x"])
        [[2, 0, 1], [3]]
    """
    if isinstance(stop, str):
        raise TypeError("stop must be several str, got one: put it in a list")
    strings = list(stop or ())
    for string in strings:
        if not isinstance(string, str):
            raise TypeError(f"stop must be several str, got {type(string).__name__}")
        if not string:
            raise ValueError("stop holds an empty string: give at least one character")
    known = set(vocabulary.characters)
    sequences = [vocabulary.encode(string).tolist() for string in strings if known.issuperset(string)]
    return sequences + [[token_id] for token_id in _ends(vocabulary)]


def sample_records(  # noqa: PLR0913 - what one asks of a name
    vocabulary: Vocabulary,
    model: LanguageModel,
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
        raise TypeError("exclude must be several str, got one: put it in a list")
    taken = set(checked_texts(exclude, "exclude"))
    if not isinstance(prefix, str):
        raise TypeError(expected_text("prefix", prefix))
    positive_integer("n_samples", n_samples)
    natural_number("min_length", min_length)
    if max(len(prefix), min_length) > positive_integer("max_length", max_length):
        raise ValueError(
            f"prefix ({len(prefix)} characters) and min_length {min_length} exceed max_length {max_length}"
        )
    start, ids = start_ids(vocabulary, prefix), allowed_ids(vocabulary, allowed)
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
            end=vocabulary.special_tokens["eos"],
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


def _ends(vocabulary: Vocabulary) -> list[int]:
    special = vocabulary.special_tokens
    return [special["eos"]] if "eos" in special else []
