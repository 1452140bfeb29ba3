"""Encodes records that are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charlm.data.record_sources import RecordsInMemory
from charlm.data.records import Records
from chartok import UnknownCharacterError, Vocabulary
from chartok.arguments import check_several, joined_texts
from chartok.ragged import encode_joined, with_ends
from chartok.token_writer import framing

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray


def records_of_texts(
    records: Iterable[str], vocabulary: Vocabulary | None = None, *, prompts: Iterable[str] | None = None
) -> tuple[Records, Vocabulary]:
    """Returns records as ids, and their vocabulary.

    Args:
        records: The texts, each at least one character long.
        vocabulary: Must have a ``bos`` and an ``eos`` token; None builds one from the characters of the records.
        prompts: What precedes each, and is not to be learned; no symbol goes across the border.

    Raises:
        ValueError: There is no record, one is empty, or there are more or fewer prompts. Or the vocabulary has no
            ``bos`` or ``eos``.
        UnknownCharacterError: A character is not in the vocabulary; names the record, and the position in it from the
            beginning of its prompt.
        TypeError: The records or the prompts are a single ``str`` or not iterable, or one is not a ``str``.
    """
    check_several(records, "records")
    texts = list(records)
    joined = joined_texts(texts, "records")
    if not texts:
        raise ValueError("records is empty: give at least one text")
    if not all(texts):
        raise ValueError(f"records[{texts.index('')}] is empty: leave empty records out")
    before = None if prompts is None else _checked_prompts(prompts, len(texts))
    if vocabulary is None:
        everything = joined if before is None else "".join([*before, joined])
        vocabulary = Vocabulary.from_text(everything, special_tokens=["bos", "eos"])
    if not isinstance(vocabulary, Vocabulary):
        raise TypeError(f"vocabulary must be a Vocabulary, got {type(vocabulary).__name__}")
    bos, eos = framing(vocabulary)
    if before is None:
        return Records(RecordsInMemory.of(*encode_joined(vocabulary, texts, bos=bos, eos=eos))), vocabulary
    ids, lengths = _encoded_pairs(vocabulary, before, texts)
    framed = RecordsInMemory.of(*with_ends(ids, lengths.sum(axis=1), bos, eos))
    return Records(framed).with_prompts(lengths[:, 0]), vocabulary


def _encoded_pairs(
    vocabulary: Vocabulary, prompts: list[str], texts: list[str]
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Returns the ids of prompts and texts in turn, and the lengths of each pair, ``(N, 2)``."""
    pairs = [part for pair in zip(prompts, texts, strict=True) for part in pair]
    try:
        ids, lengths = encode_joined(vocabulary, pairs)
    except UnknownCharacterError as error:
        index, is_text = divmod(error.text_index or 0, 2)
        position = error.position + is_text * len(prompts[index])
        raise UnknownCharacterError(error.character, position, error.vocabulary_size, text_index=index) from None
    return ids, lengths.reshape(-1, 2)


def _checked_prompts(prompts: Iterable[str], records: int) -> list[str]:
    check_several(prompts, "prompts")
    texts = list(prompts)
    joined_texts(texts, "prompts")
    if len(texts) != records:
        raise ValueError(f"prompts must give one for each of {records:,} records, got {len(texts):,}")
    return texts
