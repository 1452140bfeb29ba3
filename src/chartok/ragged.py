"""Texts of different lengths: their ids concatenated, with the length of each, or as padded rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from chartok.arguments import check_several, checked_texts, flag, joined_texts, positive_integer
from chartok.errors import UnknownCharacterError
from chartok.ids import as_id_array, is_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chartok.arguments import Errors, SpecialToken
    from chartok.codepoints import CodePointTable
    from chartok.ids import Ids, SupportsArray
    from chartok.tokens import Tokens

MOST_PADDED = 1 << 32
"""How many bytes rows may take of which padding takes most."""

Value = TypeVar("Value", bound=np.generic)


class BatchCodec(ABC):
    """The batch methods of ``Vocabulary``, given how it encodes and decodes a single text."""

    __slots__ = ()

    _table: CodePointTable
    _tokens: Tokens

    @abstractmethod
    def _check_errors(self, errors: str) -> None:
        """Checks what to do with characters without an id."""

    @abstractmethod
    def decode(self, ids: Ids) -> str:
        """Returns the text of one row of ids."""

    def encode_batch(
        self,
        texts: Iterable[str],
        *,
        bos: bool = False,
        eos: bool = False,
        max_length: int | None = None,
        errors: Errors = "strict",
    ) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
        """Returns the ids of several texts as the rows of one array, and the length of each row.

        Every row is as wide as the longest, so a single long text makes all of them wide: encode texts of like length
        together, or give a ``max_length``. An array of over 4 GiB that is mostly padding is refused.

        Args:
            texts: Strings of any lengths.
            bos: Put the ``bos`` token before each text.
            eos: Put the ``eos`` token after each text.
            max_length: The length to which rows are truncated. A truncated row does not end in ``eos``, since its
                text does not end there.
            errors: As in ``encode``.

        Returns:
            Ids ``(N, L)`` of dtype ``self.dtype``, shorter rows padded with ``pad``, and the number of ids in
            each row that are not padding, int64 ``(N,)``.

        Raises:
            UnknownCharacterError: As in ``encode``; also says which text.
            ValueError: A token that was asked for is not in the vocabulary, or ``pad`` if rows differ in length;
                ``max_length`` is below 1; or padding would take most of an array of over 4 GiB.
            TypeError: ``texts`` is a single ``str`` or not iterable, or an item is not a ``str``.

        Example:
            >>> from chartok import Vocabulary
            >>> vocabulary = Vocabulary("abc", special_tokens=["pad", "eos"])
            >>> vocabulary.encode_batch(["ab", "c"], eos=True)
            (array([[0, 1, 4],
                   [2, 4, 3]], dtype=uint8), array([3, 2]))
        """
        check_several(texts, "texts")
        texts = texts if isinstance(texts, list) else list(checked_texts(texts, "texts"))
        if max_length is not None:
            positive_integer("max_length", max_length)
        return pad_rows(
            *encode_joined(self, texts, errors),
            bos=self._special_id("bos") if flag("bos", bos) else None,
            eos=self._special_id("eos") if flag("eos", eos) else None,
            pad=self._tokens.special_ids.get("pad"),
            max_length=max_length,
        )

    def decode_batch(self, ids: SupportsArray | Iterable[Ids]) -> list[str]:
        """Returns the text of each row of ids; padding and the other special tokens decode as in ``decode``.

        Args:
            ids: An array or a tensor on the CPU, ``(N, L)``, or an iterable of rows of any lengths.

        Raises:
            TokenIdError: An id is negative, or not below ``size``.
            ValueError: An array is not two-dimensional.
            TypeError: They are not integers.

        Example:
            >>> from chartok import Vocabulary
            >>> vocabulary = Vocabulary("abc", special_tokens=["pad", "eos"])
            >>> vocabulary.decode_batch(vocabulary.encode_batch(["ab", "c"], eos=True)[0])
            ['ab', 'c']
        """
        if not is_array(ids):
            if not isinstance(ids, Iterable):
                raise TypeError(f"ids must be rows of integers, got {type(ids).__name__}")
            return [self.decode(row) for row in ids]
        rows = as_id_array(ids, self._table.size)
        if rows.ndim != 2:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"ids must be two-dimensional, got shape {rows.shape}; decode takes a single text")
        text = self.decode(rows.ravel())
        ends = np.cumsum(self._table.text_lengths(rows)).tolist()
        return [text[start:end] for start, end in pairwise([0, *ends])]

    def _special_id(self, role: SpecialToken) -> int:
        if role not in self._tokens.special_ids:
            raise ValueError(f"the vocabulary has no {role} token: make it with special_tokens=[{role!r}]")
        return self._tokens.special_ids[role]


def encode_joined(
    vocabulary: BatchCodec,
    texts: str | list[str],
    errors: Errors = "strict",
    *,
    bos: int | None = None,
    eos: int | None = None,
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Returns the ids of several texts as one array without padding, and the number of ids of each text.

    No symbol goes across the border of two texts.

    Args:
        vocabulary: What the ids mean.
        texts: Strings of any lengths; a single one counts as a list of one.
        errors: As for ``Vocabulary.encode``.
        bos: Put before each text, if any.
        eos: Put after each text, if any.

    Returns:
        Ids of dtype ``vocabulary.dtype``, shape ``(lengths.sum(),)``, and the lengths, int64 ``(N,)``.

    Raises:
        UnknownCharacterError: A character has no id; names its position, and which text of a list it is in.
        ValueError: As for ``Vocabulary.encode``.
        TypeError: A text is not a ``str``.

    Example:
        >>> from chartok import Vocabulary
        >>> encode_joined(Vocabulary("abc", special_tokens=["eos"]), ["ab", "", "c"], eos=3)
        (array([0, 1, 3, 3, 2, 3], dtype=uint8), array([3, 1, 2]))
    """
    several = [texts] if isinstance(texts, str) else texts
    joined = joined_texts(several, "texts")
    lengths = np.fromiter(map(len, several), dtype=np.int64, count=len(several))
    vocabulary._check_errors(errors)  # noqa: SLF001 - as below, of the class above
    table = vocabulary._table  # noqa: SLF001
    borders = np.cumsum(lengths)[:-1] if table.longest > 1 else None
    try:
        ids, _ = table.encode(joined, len(joined), errors, borders=borders)
    except UnknownCharacterError as error:
        if isinstance(texts, str):
            raise
        raise _in_its_text(error, lengths) from None
    if len(ids) < len(joined):
        begins, known = table.begins(joined, borders)
        ids_before = np.concatenate([[0], np.cumsum(begins & known if errors == "ignore" else begins)])
        ends = np.cumsum(lengths)
        lengths = ids_before[ends] - ids_before[ends - lengths]
    return with_ends(ids, lengths, bos, eos)


def split_joined(values: NDArray[Value], lengths: NDArray[np.int64]) -> list[NDArray[Value]]:
    """Returns consecutive parts of an array, of the given lengths, as views."""
    return [values[start:end] for start, end in pairwise([0, *np.cumsum(lengths).tolist()])]


def pad_rows(
    ids: NDArray[np.unsignedinteger[Any]],
    lengths: NDArray[np.int64],
    *,
    bos: int | None,
    eos: int | None,
    pad: int | None,
    max_length: int | None,
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Returns rows of equal width, and the number of ids in each that are not padding.

    Args:
        ids: The ids of all texts, concatenated, shape ``(lengths.sum(),)``.
        lengths: The number of ids of each text, shape ``(N,)``.
        bos: Put before each text, if any.
        eos: Put after each text that is not truncated, if any.
        pad: Fills shorter rows up to the longest.
        max_length: The length to which rows are truncated, if any.

    Raises:
        ValueError: Rows differ in length and there is no ``pad``.

    Example:
        >>> ids, lengths = np.array([1, 2, 3], dtype=np.uint8), np.array([2, 1])
        >>> pad_rows(ids, lengths, bos=None, eos=4, pad=0, max_length=None)
        (array([[1, 2, 4],
               [3, 4, 0]], dtype=uint8), array([3, 2]))
    """
    before, after = int(bos is not None), int(eos is not None)
    whole = lengths + before + after
    row_lengths = whole if max_length is None else np.minimum(whole, max_length)
    width = int(row_lengths.max(initial=0))
    if pad is None and row_lengths.min(initial=width) < width:
        raise ValueError("texts of different lengths need a pad token: make the vocabulary with special_tokens=['pad']")
    _check_padding(row_lengths, width, ids.dtype.itemsize)
    rows = np.full((len(lengths), width), 0 if pad is None else pad, dtype=ids.dtype)

    kept = np.minimum(lengths, max(width - before, 0))
    if not np.array_equal(kept, lengths):
        starts = np.cumsum(lengths) - lengths
        position_in_text = np.arange(len(ids)) - np.repeat(starts, lengths)
        ids = ids[position_in_text < np.repeat(kept, lengths)]
    body = rows[:, before:]
    body[np.arange(body.shape[1]) < kept[:, None]] = ids
    if bos is not None:
        rows[:, :1] = bos
    if eos is not None:
        ends = np.flatnonzero(whole == row_lengths)
        rows[ends, row_lengths[ends] - 1] = eos
    return rows, row_lengths


def _check_padding(lengths: NDArray[np.int64], width: int, itemsize: int) -> None:
    needed = len(lengths) * width * itemsize
    if needed > MOST_PADDED and needed > 2 * itemsize * int(lengths.sum()):
        raise ValueError(
            f"{len(lengths):,} rows as wide as the longest, of {width:,} ids, take {needed / 2**30:,.1f} GiB, "
            f"most of it padding: texts[{int(lengths.argmax())}] is the longest; give max_length, or fewer texts"
        )


def _in_its_text(error: UnknownCharacterError, lengths: NDArray[np.int64]) -> UnknownCharacterError:
    """Returns an error about joined texts as one that names the text and the position in it."""
    ends = np.cumsum(lengths)
    index = int(np.searchsorted(ends, error.position, side="right"))
    position = error.position - int(ends[index] - lengths[index])
    return UnknownCharacterError(error.character, position, error.vocabulary_size, text_index=index)


def with_ends(
    ids: NDArray[np.unsignedinteger[Any]], lengths: NDArray[np.int64], bos: int | None, eos: int | None
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Returns ids and lengths with the start and end tokens, where given, added to each text.

    Example:
        >>> with_ends(np.array([0, 1, 2]), np.array([2, 1]), bos=8, eos=9)
        (array([8, 0, 1, 9, 8, 2, 9]), array([4, 3]))
    """
    if bos is None and eos is None:
        return ids, lengths
    lengths = lengths + (bos is not None) + (eos is not None)
    ends = np.cumsum(lengths)
    whole = np.empty(int(lengths.sum()), dtype=ids.dtype)
    is_symbol = np.ones(len(whole), dtype=np.bool_)
    for token_id, places in ((bos, ends - lengths), (eos, ends - 1)):
        if token_id is not None:
            whole[places] = token_id
            is_symbol[places] = False
    whole[is_symbol] = ids
    return whole, lengths
