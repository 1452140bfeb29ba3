"""Records as ids: which of those of a source, how long, and how often each counts, without an object for each."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from charlm.data.dataset import JoinedTexts, Piece
from charlm.data.limits import check_too_long
from charlm.data.record_sources import RecordsInMemory, spans_of
from charlm.data.selection import Selection
from charlm.data.splitting import split_records
from chartok.token_file import TokenFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.data.limits import TooLong
    from charlm.data.record_sources import RecordSource

    Numbers: TypeAlias = Selection | NDArray[np.int64]
    """Ascending numbers, looked up by their places."""

RECORDS_AT_ONCE = 1 << 16
"""How many records are looked up at a time."""
IDS_AT_ONCE = 1 << 16
"""How many ids are read at a time where nothing else determines it."""
IDS_SCORED_AT_ONCE = 1 << 20
"""How many ids are in a piece where nothing else determines it."""
SPARSEST = 16
"""Records of which at least one in so many ids is wanted are read with what lies between them."""
BOUNDARIES = 2
"""``bos`` and ``eos`` of a record."""


class Records:
    """Independent texts as ids, each from ``bos`` to ``eos``: all those of a source, or some of them, in its order.

    Args:
        source: Where the ids are.
        weights: How often each record counts, int64 ``(N,)``; None counts each once.

    Attributes:
        source: Where the ids are.
        weights: How often each record counts, int64 ``(N,)``; None counts each once.
        prompts: How many symbols of each are its prompt, which is not a target, ``(N,)``; None if none has one.

    Raises:
        ValueError: It is a token file without records, or of one text.

    Example:
        >>> from charlm.data.record_sources import RecordsInMemory
        >>> records = Records(RecordsInMemory.of(np.array([8, 0, 1, 9, 8, 1, 9]), np.array([4, 3])))
        >>> len(records), records.characters
        (2, 3)
        >>> records.joined()
        (array([8, 0, 1, 9, 8, 1, 9]), array([4, 3]))
        >>> records.chosen(np.array([False, True])).joined()
        (array([8, 1, 9]), array([3]))
    """

    def __init__(self, source: RecordSource, weights: NDArray[np.int64] | None = None) -> None:
        if not source.records:
            name = source.path if isinstance(source, TokenFile) else "the source"
            has = "one text" if source.records is None else "no records"
            raise ValueError(
                f"{name!a} holds {has}: write the lines of a text as records with records=True or --records"
            )
        self.source = source
        self.weights = weights
        self.prompts: NDArray[np.unsignedinteger[Any]] | None = None
        self._numbers: Numbers | None = None
        self._most_ids: int | None = None

    def __len__(self) -> int:
        return self.source.records or 0 if self._numbers is None else len(self._numbers)

    @property
    def is_whole(self) -> bool:
        """Whether these are all ids of the source, unchanged."""
        return self._numbers is None and self._most_ids is None

    @property
    def characters(self) -> int:
        """The number of characters in all of them."""
        if self.is_whole:
            return len(self.source) - BOUNDARIES * len(self)
        most = np.iinfo(np.int64).max if self._most_ids is None else self._most_ids
        return sum(int((np.minimum(lengths, most) - BOUNDARIES).sum()) for _, lengths in self._whole_in_parts())

    def bounds(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where some of these records begin in the source, and how many ids each has.

        Args:
            places: Which of these records, int64 ``(B,)``.
        """
        starts, lengths = self.source.bounds(places if self._numbers is None else self._numbers[places])
        return starts, self._limited(lengths)

    def bounds_in_parts(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yields what ``bounds`` returns, for all records in order, many at a time."""
        for starts, lengths in self._whole_in_parts():
            yield starts, self._limited(lengths)

    def _whole_in_parts(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        for start in range(0, len(self), RECORDS_AT_ONCE):
            stop = min(start + RECORDS_AT_ONCE, len(self))
            if self._numbers is None:
                yield self.source.bounds_from(start, stop)
            else:
                yield self._bounds_of(self._numbers[start:stop])

    def _bounds_of(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the bounds of ascending records."""
        first, last = int(numbers[0]), int(numbers[-1])
        if last - first > SPARSEST * len(numbers):
            return self.source.bounds(numbers)
        starts, lengths = self.source.bounds_from(first, last + 1)
        return starts[numbers - first], lengths[numbers - first]

    def _limited(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns lengths without what is cut off of longer records, which includes their ``eos``."""
        return lengths if self._most_ids is None else np.where(lengths > self._most_ids, self._most_ids - 1, lengths)

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Yields whole records in order, about ``ids`` ids at a time."""
        place = 0
        for starts, lengths in self.bounds_in_parts():
            ends = np.cumsum(lengths)
            first = 0
            while first < len(starts):
                most = ends[first] - lengths[first] + ids
                stop = max(first + 1, int(np.searchsorted(ends, most, side="right")))
                some = slice(place + first, place + stop)
                yield JoinedTexts(
                    self._read(starts[first:stop], lengths[first:stop]),
                    lengths[first:stop],
                    weights=None if self.weights is None else self.weights[some],
                    prompts=None if self.prompts is None else self.prompts[some],
                )
                first = stop
            place += len(starts)

    def _read(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ids of records in the order of the source."""
        ends = starts + lengths
        begin, end = int(starts[0]), int(ends.max())
        if end - begin > SPARSEST * int(lengths.sum()):
            return self.source.spans(starts, lengths)
        ids = self.source.read(begin, end)
        return ids if np.array_equal(starts[1:], ends[:-1]) else spans_of(ids, starts - begin, lengths)

    @property
    def longest(self) -> int:
        """The number of ids of the longest record."""
        return max(int(lengths.max()) for _, lengths in self.bounds_in_parts())

    def pieces(self, targets: int | None) -> Iterator[Piece]:
        """Yields whole records, in pieces of about ``targets`` targets each; see ``SupportsPieces``."""
        for texts in self.parts(targets or IDS_SCORED_AT_ONCE):
            own = texts.lengths - 1
            counts = np.ones(int(own.sum()), dtype=np.bool_)
            if texts.prompts is not None:
                places = np.arange(len(counts)) - np.repeat(np.cumsum(own) - own, own)
                counts = places >= np.repeat(texts.prompts, own)
            yield Piece(texts.ids, texts.lengths, counts, texts.weights)

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all records, concatenated, and the length of each, int64 ``(N,)``."""
        if self.is_whole:
            return self.source.read(0, len(self.source)), self.source.bounds_from(0, len(self))[1]
        parts = list(self.parts(IDS_AT_ONCE))
        return np.concatenate([part.ids for part in parts]), np.concatenate([part.lengths for part in parts])

    def chosen(self, is_chosen: NDArray[np.bool_]) -> Self:
        """Returns some of these records, in the same order.

        Args:
            is_chosen: Whether each is among them, ``(N,)``.
        """
        some = copy.copy(self)
        some.weights = None if self.weights is None else self.weights[is_chosen]
        some.prompts = None if self.prompts is None else self.prompts[is_chosen]
        if isinstance(self._numbers, Selection):
            some._numbers = self._numbers.chosen(is_chosen)  # noqa: SLF001 - its own kind
        else:
            some._numbers = Selection(is_chosen) if self._numbers is None else self._numbers[is_chosen]  # noqa: SLF001
        return some

    def split(self, share: float, *, seed: int | None) -> tuple[Self, Self]:
        """Returns some of these records, drawn at random, and the others, each in the same order.

        Raises:
            ValueError: As ``split_records`` does.
        """
        is_first = split_records(self, share, seed=seed)
        first = self.chosen(is_first)
        return first, self.chosen(np.logical_not(is_first, out=is_first))

    def repeated(self) -> Self:
        """Returns each record as often as it counts."""
        if self.weights is None:
            return self
        several = copy.copy(self)
        places = np.repeat(np.arange(len(self)), self.weights)
        several._numbers = places if self._numbers is None else self._numbers[places]  # noqa: SLF001 - its own kind
        several.weights = None
        several.prompts = None if self.prompts is None else self.prompts[places]
        return several

    def with_prompts(self, prompts: NDArray[np.integer[Any]]) -> Self:
        """Returns these records with prompts, which are masked: they count neither in a loss nor in a score.

        Args:
            prompts: How many symbols of each are its prompt, ``(N,)``.

        Raises:
            ValueError: Nothing follows a prompt; names the record.
        """
        several = copy.copy(self)
        several.prompts = prompts.astype(np.min_scalar_type(int(prompts.max(initial=0))))
        several._check_prompts()  # noqa: SLF001 - its own kind
        return several

    def _check_prompts(self) -> None:
        if self.prompts is None:
            return
        place = 0
        for (_, lengths), (_, whole) in zip(self.bounds_in_parts(), self._whole_in_parts(), strict=True):
            symbols = np.minimum(lengths - 1, whole - BOUNDARIES)
            is_all = self.prompts[place : place + len(lengths)] >= symbols
            if is_all.any():
                found = int(is_all.argmax())
                longer = "" if self._most_ids is None else ", or give a larger max_length"
                raise ValueError(
                    f"nothing follows the prompt of {self.name_of(place + found)}, in its {symbols[found]:,} symbols: "
                    f"leave it out, or give a shorter prompt{longer}"
                )
            place += len(lengths)

    def name_of(self, place: int) -> str:
        """Returns what to call one of these records in a message."""
        number = place if self._numbers is None else int(self._numbers[np.array([place])][0])
        return self.source.name_of(number) if isinstance(self.source, RecordsInMemory) else f"record {number + 1}"

    def limited(self, max_length: int, too_long: TooLong) -> Self:
        """Returns these records without what makes them longer than ``max_length`` symbols.

        Args:
            max_length: The most symbols of a record: its characters, unless a symbol has several.
            too_long: ``"truncate"`` takes the beginning of a longer one, which then has no ``eos``, since it does not
                end there; ``"skip"`` leaves it out; ``"error"`` refuses it; ``"split"`` leaves it as it is: how a
                dataset cuts it is no property of the records.

        Raises:
            ValueError: A record is longer, under ``"error"``; or all are, under ``"skip"``; or only the prompt of one
                would be left, under ``"truncate"``.
        """
        check_too_long(max_length, too_long)
        most_ids = max_length + BOUNDARIES
        if too_long == "split":
            return self
        if too_long == "truncate":
            some = copy.copy(self)
            some._most_ids = most_ids  # noqa: SLF001 - its own kind
            some._check_prompts()  # noqa: SLF001 - likewise
            return some
        fits = [lengths <= most_ids for _, lengths in self.bounds_in_parts()]
        is_chosen = np.concatenate(fits) if fits else np.zeros(0, dtype=np.bool_)
        if is_chosen.all():
            return self
        if too_long == "error":
            place = int(is_chosen.argmin())
            length = int(self.bounds(np.array([place]))[1][0]) - BOUNDARIES
            raise ValueError(
                f"{self.name_of(place)} has {length:,} symbols, more than max_length {max_length:,}: give a larger "
                "one, or too_long='truncate' or 'skip'"
            )
        if not is_chosen.any():
            raise ValueError(f"every record has more than max_length {max_length:,} symbols: give a larger one")
        return self.chosen(is_chosen)

    def fingerprint(self) -> str:
        """Returns a SHA-256, in hexadecimal, that identifies these records."""
        digest = hashlib.sha256(f"{self._most_ids}".encode())
        if self.prompts is not None:
            digest.update(b" with prompts " + self.prompts.astype("<u4").tobytes())
        if self.weights is not None:
            digest.update(b" with weights " + self.weights.astype("<i8").tobytes())
        for part in self.parts(IDS_AT_ONCE):
            digest.update(part.ids.astype("<u4").data)
            digest.update(part.lengths.astype("<i8").data)
        return digest.hexdigest()
