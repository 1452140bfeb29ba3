r"""Reads an ARPA file, strictly, into the tables of a backoff model; errors name the line.

Lines are read in chunks of thousands, and memory grows with what was read, never with what the header claims.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.errors import ArpaFileError
from charlm.files.arpa.words import NAME_OF_ROLE, arpa_token
from charlm.models.ngram.backoff import HIGHEST_ORDER
from charlm.models.ngram.soundness import LARGEST_LOGARITHM
from charlm.models.smoothing.kneser_ney import BackoffTable
from chartok.arguments import file_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from charlm.files.arpa.words import Token

NEVER = -99.0
"""The base-10 logarithm that represents a probability of zero."""
LARGEST = LARGEST_LOGARITHM / math.log(10)
"""The largest absolute value of a base-10 logarithm."""
DECIMAL = frozenset(b"+-.0123456789Ee")
LINES_AT_ONCE = 1 << 14
LONGEST_LINE = 1 << 16
"""In bytes; longer than a thousand words and their numbers."""
SHOWN = 80
"""How many bytes of a line an error message shows."""
ROLES = tuple(NAME_OF_ROLE)
FIRST_ROLE = 0x110000
"""The number of the first role where tokens are numbers; smaller numbers are code points."""
START, PADDING = (FIRST_ROLE + ROLES.index(role) for role in ("bos", "pad"))
"""The numbers of ``<s>`` and ``<pad>``."""
FIRST_OTHER = FIRST_ROLE + len(ROLES)
"""The first number of other tokens, which are numbered as they are read."""

_Line = list[bytes]


class ArpaTables(NamedTuple):
    """The contents of an ARPA file.

    Attributes:
        tokens: As in ``Vocabulary.to_dict``.
        context_only: The ids that are never predicted.
        order: The length of the longest n-grams.
        keys: As in ``NGramCounts``.
        probabilities: Natural logarithms.
    """

    tokens: list[int | str | list[int]]
    context_only: tuple[int, ...]
    order: int
    keys: NDArray[np.int64]
    probabilities: BackoffTable


def read_arpa(path: str | os.PathLike[str]) -> ArpaTables:
    """Returns the contents of an ARPA file.

    Raises:
        OSError: It cannot be read.
        ArpaFileError: It is malformed; names the line.
    """
    with file_path("path", path).open("rb") as file:
        lines = _Lines(file)
        try:
            return _tables(lines)
        except ArpaFileError as error:
            raise ArpaFileError(f"{os.fspath(path)!a}, line {lines.number}: {error}") from None


class _Section(NamedTuple):
    """The n-grams of one length, with base-10 logarithms; a missing weight is NaN."""

    keys: NDArray[np.int64]
    log_probabilities: NDArray[np.float64]
    log_backoffs: NDArray[np.float64]


class _Lines:
    """The lines of a file, split at ASCII whitespace, and the number of the current one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = iter(partial(file.readline, LONGEST_LINE), b"")
        self.number = 0

    def take(self, count: int) -> list[_Line]:
        """Returns the next ``count`` lines, fewer at the end of the file."""
        taken = [line.split() for line in islice(self._lines, count)]
        self.number += len(taken)
        return taken

    def next(self) -> _Line:
        """Returns the next non-blank line; an empty one at the end of the file."""
        while taken := self.take(1):
            if taken[0]:
                return taken[0]
        return []

    def section(self, count: int, interpret: Callable[[list[_Line]], _Section]) -> _Section:
        """Returns the section parsed from ``count`` lines; a failure is retried line by line to locate it."""
        parts = [interpret([])]
        while count:
            taken = self.take(min(count, LINES_AT_ONCE))
            if not taken:
                raise ArpaFileError(f"the file ends {count} n-grams early")
            try:
                parts.append(interpret(taken))
            except ArpaFileError:
                self.number -= len(taken)
                for line in taken:
                    self.number += 1
                    interpret([line])
                raise
            count -= len(taken)
        return _Section(*map(np.concatenate, zip(*parts, strict=True)))


class _Numbers:
    """Tokens as numbers, and back."""

    def __init__(self) -> None:
        self._others: dict[Token, int] = {}

    def number(self, word: bytes) -> int:
        """Returns the number of the token that a word names."""
        try:
            token = arpa_token(word.decode())
        except UnicodeDecodeError:
            token = None
        if token is None:
            raise ArpaFileError(f"{word[:SHOWN]!a} is neither a character in UTF-8 nor the name of a token")
        if isinstance(token, int):
            return token
        if token in ROLES:
            return FIRST_ROLE + ROLES.index(token)
        return self._others.setdefault(token, FIRST_OTHER + len(self._others))

    def tokens(self, numbers: NDArray[np.int64]) -> list[int | str | list[int]]:
        """Returns the tokens with these numbers, as in ``Vocabulary.to_dict``."""
        named: dict[int, Token] = dict(enumerate(ROLES, start=FIRST_ROLE))
        named |= {number: token for token, number in self._others.items()}
        found = (named.get(number, number) for number in numbers.tolist())
        return [list(token) if isinstance(token, tuple) else token for token in found]

    def are_names(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Returns which of the numbers are special tokens that are no role."""
        return np.isin(numbers, [number for token, number in self._others.items() if isinstance(token, str)])


class _Ids(dict[bytes, int]):
    """The id of each word, in any spelling.

    Args:
        numbers: The tokens as numbers.
        numbering: How words become numbers.
    """

    def __init__(self, numbers: NDArray[np.int64], numbering: _Numbers) -> None:
        self.vocab_size = len(numbers)
        self._numbering = numbering
        self._id_of_number = {number: token_id for token_id, number in enumerate(numbers.tolist())}

    def __missing__(self, word: bytes) -> int:
        token_id = self._id_of_number.get(self._numbering.number(word))
        if token_id is None:
            raise ArpaFileError(f"{word!a} is not listed in \\1-grams:")
        self[word] = token_id
        return token_id


def _tables(lines: _Lines) -> ArpaTables:
    _expect("\\data\\", lines.next())
    counts, line = _header(lines)
    _expect("\\1-grams:", line)
    numbering = _Numbers()
    numbers, section = _unigrams(lines, counts, numbering)
    ids, sections = _Ids(numbers, numbering), [section]
    for length, count in enumerate(counts[1:], start=2):
        _expect(f"\\{length}-grams:", lines.next())
        shorter = np.concatenate([section.keys for section in sections])
        sections.append(_ngrams(lines, count, length, is_longest=length == len(counts), ids=ids, shorter=shorter))
    _expect("\\end\\", lines.next())
    if lines.next():
        raise ArpaFileError("expected nothing after \\end\\")
    keys, log_probabilities, _ = map(np.concatenate, zip(*sections, strict=True))
    log_backoffs = np.nan_to_num(np.concatenate([[0.0], *(section.log_backoffs for section in sections[:-1])]))
    is_padding = (numbers == PADDING) & (section.log_probabilities == NEVER)
    is_never = (numbers == START) | is_padding | numbering.are_names(numbers)
    if is_never.all():
        raise ArpaFileError("no word can be predicted")
    context_only = np.flatnonzero(is_never)
    log_probabilities[np.isin(keys % len(numbers), context_only)] = -math.inf
    table = BackoffTable(log_probabilities * math.log(10), log_backoffs * math.log(10))
    return ArpaTables(numbering.tokens(numbers), tuple(context_only.tolist()), len(counts), keys, table)


def _expect(expected: str, line: _Line) -> None:
    if line != [expected.encode()]:
        came = ascii(b" ".join(line)[:SHOWN]) if line else "the end of the file"
        raise ArpaFileError(f"expected {expected}, got {came}")


def _header(lines: _Lines) -> tuple[list[int], _Line]:
    """Returns the number of n-grams of each length, and the first line after these."""
    counts: list[int] = []
    while True:
        line = lines.next()
        match = re.fullmatch(rb"ngram (\d{1,9}) ?= ?(\d{1,15})", b" ".join(line))
        if match is None:
            return counts, line
        length = int(match[1])
        if length != len(counts) + 1:
            raise ArpaFileError(f"expected the number of n-grams of length {len(counts) + 1}, got that of {length}")
        if length > HIGHEST_ORDER:
            raise ArpaFileError(f"n-grams must be at most {HIGHEST_ORDER} words long, got {length}")
        counts.append(int(match[2]))


def _unigrams(lines: _Lines, counts: list[int], numbering: _Numbers) -> tuple[NDArray[np.int64], _Section]:
    """Returns the tokens as numbers, in the order of the file, and their section."""
    first = lines.number + 1

    def interpret(taken: list[_Line]) -> _Section:
        _check_sizes(taken, 1, is_longest=False)
        return _Section(np.array([numbering.number(line[1]) for line in taken], np.int64), *_logarithms(taken, 1))

    section = lines.section(counts[0] if counts else 0, interpret)
    _check_distinct(lines, first, section.keys)
    is_role = (section.keys >= FIRST_ROLE) & (section.keys < FIRST_OTHER)
    is_absent = is_role & (section.log_probabilities == NEVER) & np.isnan(section.log_backoffs)
    numbers, log_probabilities, log_backoffs = (column[~is_absent] for column in section)
    if not len(numbers):
        raise ArpaFileError("there are no words")
    return numbers, _Section(np.arange(len(numbers)), log_probabilities, log_backoffs)


def _ngrams(
    lines: _Lines, count: int, length: int, *, is_longest: bool, ids: _Ids, shorter: NDArray[np.int64]
) -> _Section:
    """Returns the n-grams of one length in the order of their keys, given the keys of all shorter ones."""
    first = lines.number + 1

    def interpret(taken: list[_Line]) -> _Section:
        _check_sizes(taken, length, is_longest=is_longest)
        words = (word for line in taken for word in line[1 : length + 1])
        columns = np.fromiter(map(ids.__getitem__, words), np.int64, len(taken) * length).reshape(-1, length).T
        _nodes(columns[1:], shorter, ids.vocab_size)
        keys = _nodes(columns[:-1], shorter, ids.vocab_size) * ids.vocab_size + columns[-1]
        return _Section(keys, *_logarithms(taken, length))

    section = lines.section(count, interpret)
    ascending = _check_distinct(lines, first, section.keys)
    return _Section(section.keys[ascending], section.log_probabilities[ascending], section.log_backoffs[ascending])


def _nodes(ids: NDArray[np.int64], keys: NDArray[np.int64], vocab_size: int) -> NDArray[np.int64]:
    """Returns the nodes of n-grams, given by the first id of each, the second, and so on."""
    nodes = np.zeros(ids.shape[1], dtype=np.int64)
    for column in ids:
        wanted = nodes * vocab_size + column
        places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        if not np.array_equal(keys[places], wanted):
            raise ArpaFileError("the prefix and the suffix of this n-gram, one word shorter, must be in the file too")
        nodes = places + 1
    return nodes


def _check_sizes(taken: list[_Line], length: int, *, is_longest: bool) -> None:
    sizes = {length + 1} if is_longest else {length + 1, length + 2}
    for size in set(map(len, taken)) - sizes:
        weight = "" if is_longest else " and optionally a weight"
        raise ArpaFileError(f"expected a logarithm, {length} words{weight}, got {size} items")


def _logarithms(taken: list[_Line], length: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the logarithms of the probabilities and of the weights."""
    log_probabilities = _decimals([line[0] for line in taken])
    if (log_probabilities > 0).any():
        raise ArpaFileError("the logarithm of a probability is above 0")
    has_weight = np.array([len(line) == length + 2 for line in taken], dtype=bool)
    log_backoffs = np.full(len(taken), np.nan)
    log_backoffs[has_weight] = _decimals([line[-1] for line in taken if len(line) == length + 2])
    return log_probabilities, log_backoffs


def _decimals(numbers: list[bytes]) -> NDArray[np.float64]:
    if DECIMAL.issuperset(b"".join(numbers)):
        with contextlib.suppress(ValueError):
            values = np.array([float(number) for number in numbers], dtype=np.float64)
            if (np.abs(values) <= LARGEST).all():
                return values
    raise ArpaFileError(f"expected a logarithm in decimal notation, got {b' '.join(numbers)[:SHOWN]!a}")


def _check_distinct(lines: _Lines, first: int, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the indices that sort the keys, after checking that none occurs twice.

    Args:
        lines: The file.
        first: The line number of the first key.
        keys: One per line.
    """
    ascending = np.argsort(keys, kind="stable")
    repeated = np.flatnonzero(keys[ascending[1:]] == keys[ascending[:-1]])
    if len(repeated):
        lines.number = first + int(ascending[repeated + 1].min())
        raise ArpaFileError("this n-gram occurs twice")
    return ascending
