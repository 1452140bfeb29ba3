"""Compressed files: any bytes, coded by a model that learns while it reads.

A file begins with a header of fixed length, then come the alphabet and the code. A CRC-32 covers all of it, so that
damage is noticed before decoding; a SHA-256 covers what comes out, so that nothing wrong does.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.data.framing import Framing
from charlm.errors import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError
from charlm.files.kinds import COMPRESSED, OPENING_OF_COMPRESSED
from charlm.models.adaptive.counted import counts_in, symbol_weights
from charlm.models.adaptive.model import AdaptiveLanguageModel
from charlm.models.adaptive.symbols import letters_of, line_end_of
from chartok import Vocabulary
from chartok.codepoints import CODE_POINTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from charlm.lm import CharLM
    from charlm.models.counting.counts import NGramCounts

VERSION = 1
"""Also that of the model: another one makes other predictions."""
HEADER = struct.Struct("<8sBBBQI32s32s")
CHECK = struct.Struct("<I")
ENCODINGS = ("utf-8", "latin-1")
"""Text is read as characters; bytes that are no UTF-8 are taken for characters of Latin-1, one each."""
SMALLEST_TABLE, LARGEST_TABLE = 16, 27
"""The base-2 logarithms of how many bytes the table of contexts takes, 128 for each symbol of the text or n-gram."""
BITS_OF_A_SYMBOL = 7
LARGEST_CLASS = 127
MOST_SYMBOLS = 1 << 16
"""A text of more is read as bytes: a file that claims more could ask for much memory."""


class Header(NamedTuple):
    """What a compressed file says of itself.

    Attributes:
        magic: What it begins with.
        version: Of the format.
        encoding: How the bytes were read, in ``ENCODINGS``.
        table_bits: The base-2 logarithm of the size of the table of contexts.
        n_ids: How many symbols were coded.
        n_alphabet: How many bytes the alphabet takes.
        sha256: Of the bytes that come out.
        model: The SHA-256 of the model that was started from; zeros if none.
    """

    magic: bytes
    version: int
    encoding: int
    table_bits: int
    n_ids: int
    n_alphabet: int
    sha256: bytes
    model: bytes


def compress(content: bytes, lm: CharLM | None = None) -> bytes:
    """Returns any bytes, compressed by a model that learns while it reads.

    Text in UTF-8 is read as characters, anything else as bytes.

    Args:
        content: What to compress.
        lm: A counted model of text to start from, which ``decompress`` needs too; by default the model starts from
            nothing. It is worth most for short texts of the kind that it has counted.

    Raises:
        ValueError: The model has no counts, or is one of records.
        TypeError: ``content`` is not bytes, or ``lm`` is not a ``CharLM``.

    Example:
        >>> verse = b"Tomorrow, and tomorrow, and tomorrow, " * 20
        >>> compressed = compress(verse)
        >>> len(verse), len(compressed) < 200, decompress(compressed) == verse
        (760, True, True)
    """
    if not isinstance(content, bytes):
        raise TypeError(f"content must be bytes, got {type(content).__name__}")
    text, encoding = _as_text(content)
    start = Start.of(lm)
    added = start.added(text)
    table_bits = _table_bits(len(text) + (0 if start.counts is None else len(start.counts.keys)))
    occurring = Counter(text)
    counted = [(symbol, _class_of(occurring[symbol])) for symbol in added]
    vocabulary, model = start.model(counted, table_bits)
    ids = vocabulary.encode(text)
    alphabet = _packed(counted)
    header = HEADER.pack(
        OPENING_OF_COMPRESSED,
        VERSION,
        ENCODINGS.index(encoding),
        table_bits,
        len(ids),
        len(alphabet),
        hashlib.sha256(content).digest(),
        start.sha256,
    )
    body = header + alphabet + model.encode(ids)
    return body + CHECK.pack(zlib.crc32(body))


def decompress(compressed: bytes, lm: CharLM | None = None) -> bytes:
    """Returns the bytes that ``compress`` was given.

    Args:
        compressed: What it returned.
        lm: The model that it started from, if any.

    Raises:
        CheckpointCorruptError: It is not what ``compress`` returned: cut short, damaged, or something else.
        CheckpointVersionError: It was made by another version.
        CheckpointMismatchError: It was made with another model.
        ValueError: As for ``compress``.
        TypeError: ``compressed`` is not bytes, or ``lm`` is not a ``CharLM``.
    """
    if not isinstance(compressed, bytes):
        raise TypeError(f"compressed must be bytes, got {type(compressed).__name__}")
    header = _checked_header(compressed)
    start = Start.of(lm)
    if header.model != start.sha256:
        raise CheckpointMismatchError(_other_model(header, lm))
    body = compressed[HEADER.size : -CHECK.size]
    try:
        counted = _unpacked(body[: header.n_alphabet], start)
        vocabulary, model = start.model(counted, header.table_bits)
        ids = model.decode(body[header.n_alphabet :], header.n_ids)
        content = vocabulary.decode(ids).encode(ENCODINGS[header.encoding])
    except (ValueError, zlib.error) as error:
        raise CheckpointCorruptError(f"{COMPRESSED} is damaged: {error}") from error
    if hashlib.sha256(content).digest() != header.sha256:
        raise CheckpointCorruptError(f"{COMPRESSED} is damaged: what comes out does not match its SHA-256")
    return content


class Start(NamedTuple):
    """What coding starts from: the vocabulary and the counts of a model, or nothing."""

    vocabulary: Vocabulary | None
    counts: NGramCounts | None

    @classmethod
    def of(cls, lm: CharLM | None) -> Start:
        """Returns what a model gives to start from.

        Raises:
            ValueError: It has no counts, or is one of records.
            TypeError: It is not a ``CharLM``.
        """
        if lm is None:
            return cls(None, None)
        if not hasattr(lm, "stored"):
            raise TypeError(f"lm must be a CharLM, got {type(lm).__name__}")
        if lm.is_of_records:
            raise ValueError("a model to start from must be one of text, got one of records: fit one without records")
        return cls(lm.vocabulary, counts_in(lm.stored))

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of all that predictions depend on."""
        if self.vocabulary is None or self.counts is None:
            return bytes(32)
        digest = hashlib.sha256(self.vocabulary.fingerprint.encode())
        for array in (self.counts.keys, self.counts.counts):
            digest.update(array.astype("<i8").tobytes())
        return digest.digest()

    def added(self, text: Collection[str]) -> list[str]:
        """Returns the characters of a text that the vocabulary lacks, and as many more as make two symbols."""
        known = set(self.vocabulary.symbols if self.vocabulary is not None else ())
        found = sorted(set(text) - known)
        fillers = [filler for filler in "\0\1" if filler not in known and filler not in found]
        return sorted([*found, *fillers[: max(0, 2 - len(known) - len(found))]])

    def model(self, counted: list[tuple[str, int]], table_bits: int) -> tuple[Vocabulary, AdaptiveLanguageModel]:
        """Returns the vocabulary and the model to code with.

        Args:
            counted: The characters that the vocabulary lacks, and the class of how often each occurs.
            table_bits: The base-2 logarithm of the size of the table of contexts.
        """
        characters = "".join(character for character, _ in counted)
        vocabulary = Vocabulary(characters) if self.vocabulary is None else self.vocabulary.extend(characters)
        framing = Framing(vocabulary)
        symbols = dict(zip(framing.symbol_ids(), vocabulary.symbols, strict=True))
        weights = np.ones(vocabulary.size, np.int64)
        if self.counts is not None:
            weights[: self.counts.vocab_size] = symbol_weights(self.counts)
        if counted:
            weights[-len(counted) :] = [_weight_of(each) for _, each in counted]
        model = AdaptiveLanguageModel(
            vocabulary.size,
            weights=weights,
            letters=letters_of(symbols, vocabulary.size),
            line_end=line_end_of(symbols),
            context_only=[token_id for token_id in range(vocabulary.size) if token_id not in symbols],
            table_bytes=1 << table_bits,
        )
        if self.counts is not None:
            model.learn_counts(self.counts)
        return vocabulary, model


def _as_text(content: bytes) -> tuple[str, str]:
    """Returns bytes as text, and in which encoding."""
    with suppress(UnicodeDecodeError):
        text = content.decode("utf-8")
        if len(set(text)) < MOST_SYMBOLS:
            return text, "utf-8"
    return content.decode("latin-1"), "latin-1"


def _table_bits(n_to_learn: int) -> int:
    return min(max(n_to_learn.bit_length() + BITS_OF_A_SYMBOL, SMALLEST_TABLE), LARGEST_TABLE)


def _class_of(count: int) -> int:
    """Returns twice the bit length of a count, and its second bit: enough to balance a tree by."""
    length = (count + 1).bit_length()
    return 2 * length + (count + 1 >> length - 2 & 1 if length > 1 else 0)


def _weight_of(count_class: int) -> int:
    return min((2 + count_class % 2 << count_class // 2) >> 2, 1 << 31)


def _packed(counted: list[tuple[str, int]]) -> bytes:
    """Returns characters in the order of their code points, each as its distance from the last, with their classes."""
    points = [0, *(ord(character) for character, _ in counted)]
    pairs = zip(points[1:], points[:-1], counted, strict=True)
    text = "".join(chr(point - before) + chr(count_class) for point, before, (_, count_class) in pairs)
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 9)


def _unpacked(packed: bytes, start: Start) -> list[tuple[str, int]]:
    """Returns what ``_packed`` was given, checked.

    Raises:
        ValueError: It is something else.
    """
    decompressor = zlib.decompressobj()
    text = decompressor.decompress(packed, 5 * MOST_SYMBOLS).decode("utf-8", "surrogatepass")
    if not decompressor.eof or decompressor.unused_data or len(text) % 2 or len(text) > 2 * MOST_SYMBOLS:
        raise ValueError("its alphabet is not whole")
    pairs = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64).reshape(-1, 2)
    points = np.cumsum(pairs[:, 0]).tolist()
    if (pairs[1:, 0] == 0).any() or not all(point < CODE_POINTS for point in points[-1:]):
        raise ValueError("its alphabet is out of order")
    if ((pairs[:, 1] < _class_of(0)) | (pairs[:, 1] > LARGEST_CLASS)).any():
        raise ValueError("its alphabet is not weighted")
    known = set(start.vocabulary.symbols if start.vocabulary is not None else ())
    characters = [*map(chr, points)]
    if not known.isdisjoint(characters) or len(known) + len(characters) < 2:  # noqa: PLR2004
        raise ValueError("its alphabet is not one")
    return [*zip(characters, pairs[:, 1].tolist(), strict=True)]


def _checked_header(compressed: bytes) -> Header:
    """Returns the header of a compressed file that is whole.

    Raises:
        CheckpointCorruptError: It is not what was written.
        CheckpointVersionError: It is of another version.
    """
    if not compressed.startswith(OPENING_OF_COMPRESSED):
        begins_so = compressed and OPENING_OF_COMPRESSED.startswith(compressed)
        cut = f"{COMPRESSED} is cut short" if begins_so else f"this is not {COMPRESSED}"
        raise CheckpointCorruptError(cut)
    if len(compressed) > len(OPENING_OF_COMPRESSED) and compressed[len(OPENING_OF_COMPRESSED)] != VERSION:
        found = compressed[len(OPENING_OF_COMPRESSED)]
        raise CheckpointVersionError(
            f"{COMPRESSED} of version {found} can only be decompressed by a release of that version, and this one has "
            f"version {VERSION}"
        )
    if len(compressed) < HEADER.size + CHECK.size:
        raise CheckpointCorruptError(f"{COMPRESSED} is cut short")
    if CHECK.unpack(compressed[-CHECK.size :])[0] != zlib.crc32(compressed[: -CHECK.size]):
        raise CheckpointCorruptError(f"{COMPRESSED} is cut short or damaged: it does not match its checksum")
    header = Header(*HEADER.unpack(compressed[: HEADER.size]))
    if header.encoding >= len(ENCODINGS) or not SMALLEST_TABLE <= header.table_bits <= LARGEST_TABLE:
        raise CheckpointCorruptError(f"{COMPRESSED} is damaged: its header is not one")
    return header


def _other_model(header: Header, lm: CharLM | None) -> str:
    if not any(header.model):
        return f"{COMPRESSED} was made without a model: leave the model out"
    given = "needs the model that it was made with" if lm is None else "was made with another model"
    return f"{COMPRESSED} {given}: give that one, unchanged"
