"""Finds the prompts of records: what precedes the text that a model is to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.records import IDS_SCORED_AT_ONCE
from chartok import UnknownCharacterError
from chartok.arguments import expected_text
from chartok.errors import describe_character

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.data.records import Records
    from chartok import Vocabulary


def with_prompts_up_to(records: Records, prompt_end: str, vocabulary: Vocabulary) -> Records:
    """Returns records whose prompts end with the first occurrence of a string.

    Args:
        records: The records.
        prompt_end: The string, which belongs to the prompt.
        vocabulary: The vocabulary of the records.

    Raises:
        ValueError: It is empty, or has a character that the vocabulary does not have; or a record does not contain it,
            or nothing follows it there; names the record.
        TypeError: It is not a ``str``.

    Example:
        >>> from chartok import Vocabulary
        >>> from charlm.data.record_sources import RecordsInMemory
        >>> from charlm.data.records import Records
        >>> vocabulary = Vocabulary("1+=2", special_tokens=["bos", "eos"])
        >>> records = Records(RecordsInMemory.of(np.array([4, 0, 1, 0, 2, 3, 5]), np.array([7])))
        >>> with_prompts_up_to(records, "=", vocabulary).prompts
        array([4], dtype=uint8)
    """
    if not isinstance(prompt_end, str):
        raise TypeError(expected_text("prompt_end", prompt_end))
    if not prompt_end:
        raise ValueError("prompt_end is empty: give what ends the prompt of each record, such as '='")
    try:
        wanted = vocabulary.encode(prompt_end)
    except UnknownCharacterError as error:
        raise ValueError(
            f"prompt_end cannot be {prompt_end!a}: the vocabulary of the model does not have "
            f"{describe_character(error.character)}; give a string of its symbols"
        ) from None
    prompts = [np.zeros(0, dtype=np.uint8)]
    place = 0
    for part in records.parts(IDS_SCORED_AT_ONCE):
        lengths = _lengths_up_to(wanted, part.ids, part.lengths)
        if not lengths.all():
            name = records.name_of(place + int(lengths.argmin()))
            raise ValueError(
                f"{name} does not contain {prompt_end!a}, which is to end its prompt: leave it out, or give another "
                "prompt_end"
            )
        prompts.append(lengths.astype(np.min_scalar_type(int(lengths.max()))))
        place += len(lengths)
    return records.with_prompts(np.concatenate(prompts))


def _lengths_up_to(
    wanted: NDArray[np.unsignedinteger[Any]], ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns how many symbols of each text there are up to the end of the first occurrence of some; 0 if it has none.

    Args:
        wanted: The ids to look for.
        ids: The ids of all texts, each after ``bos``, concatenated.
        lengths: The number of ids of each, int64 ``(N,)``.
    """
    places = np.flatnonzero(ids == wanted[0])
    for offset, token_id in enumerate(wanted[1:], start=1):
        places = places[places + offset < len(ids)]
        places = places[ids[places + offset] == token_id]
    ends = np.cumsum(lengths)
    texts, first = np.unique(np.searchsorted(ends, places, side="right"), return_index=True)
    found = np.zeros(len(lengths), dtype=np.int64)
    found[texts] = places[first] - (ends - lengths)[texts] - 1 + len(wanted)
    return found
