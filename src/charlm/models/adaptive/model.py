"""A language model that learns while it reads."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from charlm.models.adaptive.coder import (
    AT,
    BYTES_OF_A_DECISION,
    DECISIONS_OF_A_BYTE,
    HIGH,
    WHOLE,
    decode,
    encode,
    read,
    row,
)
from charlm.models.adaptive.compiled import require_numba
from charlm.models.adaptive.counted import write_counts
from charlm.models.adaptive.state import new_state
from charlm.models.adaptive.symbol_tree import symbol_tree
from charlm.models.counting.counts import check_counts, checked_vocab_size
from charlm.models.predictor import checked_context_only
from chartok.arguments import integer, natural_number, positive_integer
from chartok.ids import as_id_array, smallest_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from charlm.models.counting.counts import NGramCounts
    from chartok.ids import Ids

LEAST_TABLE, LARGEST_TABLE = 1 << 12, 1 << 32
IDS_AT_ONCE = 1 << 14
"""Are coded between two moments at which Ctrl-C is heeded."""
LARGEST_VALUE = 1 << 31
CODE_BYTES = 4
"""The bytes that a coder reads ahead."""


class AdaptiveLanguageModel:
    """Predicts an id, then learns it: each prediction is made from all that was read before.

    Ids are predicted in binary decisions. For each one, thirteen contexts (the last 0 to 6 and 8 ids, the word, the
    word and the one before it, the column of the line and so on) each give what they have seen of it; a match model
    gives what followed the last time that the same ids came. Their logits are mixed by four small networks that learn
    with every decision, and the result is refined twice by what such predictions came to. All of that is computed in
    integers, so that every machine makes the same predictions. Source of the method: Mahoney 2005, "Adaptive Weighing
    of Context Models for Lossless Data Compression". Needs numba: ``pip install 'chartok[fast]'``.

    Args:
        vocab_size: The number of ids, V.
        weights: How frequent each id is expected to be, integers from 1 on, ``(V,)``; by default all the same. They
            decide how few decisions lead to an id, and hardly how well it is predicted.
        letters: Which letter each id is, small and capital ones the same, from 1 on; 0 for what is none; ``(V,)``. By
            default no id is a letter, and there are no words.
        line_end: The id that ends lines, if there is one.
        context_only: The ids that occur only as context: they are never predicted, and learned at no cost.
        table_bytes: The size of the table of contexts in bytes, a power of two; it forgets what it has seen least of
            once it is full. The model takes about an eighth more and 40 MB.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of range.
        ModuleNotFoundError: numba is not installed.

    Example:
        >>> model = AdaptiveLanguageModel(2, table_bytes=1 << 16)
        >>> nats = model.score([0, 1] * 50)
        >>> bool(nats[:10].sum() > 3), bool(nats[-10:].sum() < 0.1)
        (True, True)
        >>> model.distribution().round(2)
        array([1., 0.])
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        weights: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        letters: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        line_end: SupportsIndex | None = None,
        context_only: Iterable[SupportsIndex] = (),
        table_bytes: int = 1 << 27,
    ) -> None:
        require_numba()
        checked_vocab_size(positive_integer("vocab_size", vocab_size))
        shares = _of_each_id("weights", weights, vocab_size, 1)
        shares[list(checked_context_only(context_only, vocab_size))] = 0
        if positive_integer("table_bytes", table_bytes) & (table_bytes - 1) or not (
            LEAST_TABLE <= table_bytes <= LARGEST_TABLE
        ):
            raise ValueError(
                f"table_bytes must be a power of two from {LEAST_TABLE} to {LARGEST_TABLE}, got {table_bytes}"
            )
        end = -1 if line_end is None else integer("line_end", line_end)
        if line_end is not None and not 0 <= end < vocab_size:
            raise ValueError(f"line_end must be an id from 0 to {vocab_size - 1}, got {end}")
        self._vocab_size = vocab_size
        self._state = new_state(symbol_tree(shares), _of_each_id("letters", letters, vocab_size, 0), end, table_bytes)

    @property
    def vocab_size(self) -> int:
        """The number of ids, V."""
        return self._vocab_size

    def score(self, ids: Ids) -> NDArray[np.float64]:
        """Returns the cost of each id in nats, given all that was read before, and learns it.

        Args:
            ids: The next ids, ``(T,)``.

        Returns:
            Negative log-likelihoods, float64 ``(T,)``.

        Raises:
            TypeError: The ids are not integers.
            TokenIdError: An id is not in the vocabulary.
            ValueError: They are not one-dimensional.
        """
        checked = self._checked(ids)
        nats = np.zeros(len(checked))
        for start, piece in _pieces(checked):
            read(self._state, piece, nats[start : start + len(piece)])
        return nats

    def learn(self, ids: Ids) -> None:
        """Reads ids; see ``score``."""
        self.score(ids)

    def learn_counts(self, counts: NGramCounts) -> None:
        """Takes over what was counted, as far as the contexts of this model go.

        It is not quite what reading the texts would have taught: counts have no words, no lines and no matches, and
        how far each kind of context is to be trusted is learned by reading alone.

        Raises:
            TypeError: ``counts`` are not ``NGramCounts``.
            ValueError: The model has read something, or the counts are of more ids.
        """
        check_counts("counts", counts)
        if self._state.now.any():
            raise ValueError("learn_counts starts a model, and this one has read something: make a new one")
        if counts.vocab_size > self.vocab_size:
            raise ValueError(f"counts must be of at most {self.vocab_size} ids, got {counts.vocab_size}")
        write_counts(self._state, counts)

    def distribution(self) -> NDArray[np.float64]:
        """Returns the probability of each id to come next, float64 ``(V,)``; they sum to 1, and nothing is learned.

        ``score`` charges nearly the same: it learns from each decision that leads to an id before it predicts the next.
        """
        probabilities = np.zeros(self.vocab_size)
        row(self._state, np.zeros(self.vocab_size), probabilities)
        return probabilities

    def encode(self, ids: Ids) -> bytes:
        """Returns the shortest code of ids that this model knows, and learns them.

        A model in the same state decodes it.

        Raises:
            TypeError: As for ``score``.
            TokenIdError: Likewise.
            ValueError: Likewise.

        Example:
            >>> code = AdaptiveLanguageModel(2, table_bytes=1 << 16).encode([0, 1, 1] * 500)
            >>> len(code)
            2
            >>> AdaptiveLanguageModel(2, table_bytes=1 << 16).decode(code, 1500)[:6]
            array([0, 1, 1, 0, 1, 1], dtype=uint8)
        """
        checked = self._checked(ids)
        coder = np.array([0, WHOLE, 0, 0], np.int64)
        depth = int(self._state.tree.depths.max(initial=-1)) + 1
        buffer = np.zeros((depth * BYTES_OF_A_DECISION * min(IDS_AT_ONCE, len(checked))) + CODE_BYTES, np.uint8)
        parts = list[bytes]()
        for _, piece in _pieces(checked):
            length = encode(self._state, coder, piece, buffer)
            parts.append(buffer[:length].tobytes())
        return b"".join([*parts, bytes([int(coder[HIGH]) >> 24])]) if len(checked) else b""

    def decode(self, code: bytes, n_ids: int) -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ids of a code, and learns them.

        Args:
            code: What ``encode`` returned.
            n_ids: How many ids it is of.

        Raises:
            TypeError: ``code`` is not bytes, or ``n_ids`` not an integer.
            ValueError: The code ends before so many ids, or goes on behind them. The model has then read what it
                decoded until it was sure: ``copy`` it before where it is to be used again.
        """
        if not isinstance(code, bytes):
            raise TypeError(f"code must be bytes, got {type(code).__name__}")
        natural_number("n_ids", n_ids)
        refusal = f"code of {len(code):,} bytes is not that of {n_ids:,} ids, or of another model"
        if len(self._state.tree.roots) and n_ids > (len(code) + CODE_BYTES) * DECISIONS_OF_A_BYTE:
            raise ValueError(refusal)
        coder = np.array([0, WHOLE, int.from_bytes(code[:CODE_BYTES].ljust(CODE_BYTES, b"\0"), "big"), CODE_BYTES])
        end = len(code) + CODE_BYTES - 1  # the last byte of a code has settled nothing
        read_from = np.frombuffer(code, np.uint8)
        dtype = smallest_dtype(self.vocab_size)
        parts = [np.zeros(0, dtype)]
        for start in range(0, n_ids, IDS_AT_ONCE):
            ids = np.zeros(min(IDS_AT_ONCE, n_ids - start), np.int64)
            decode(self._state, coder, read_from, ids)
            if coder[AT] > end:
                break
            parts.append(ids.astype(dtype))
        is_whole = coder[AT] == end if n_ids else not code
        if not is_whole:
            raise ValueError(refusal)
        return np.concatenate(parts)

    def copy(self) -> Self:
        """Returns a model that has read the same and learns on its own."""
        return deepcopy(self)

    def _checked(self, ids: Ids) -> NDArray[np.integer[Any]]:
        checked = as_id_array(ids, self.vocab_size)
        if checked.ndim != 1:
            raise ValueError(f"ids must be one-dimensional, got shape {checked.shape}")
        return checked


def _pieces(ids: NDArray[np.integer[Any]]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yields ids some at a time, in the form that is compiled for, after where they begin."""
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield start, np.ascontiguousarray(ids[start : start + IDS_AT_ONCE], np.int64)


def _of_each_id(
    name: str, values: Sequence[int] | NDArray[np.integer[Any]] | None, vocab_size: int, least: int
) -> NDArray[np.int64]:
    """Returns an integer for each id, by default the least one.

    Raises:
        TypeError: They are not integers.
        ValueError: There are more or fewer of them, or one is out of range.
    """
    if values is None:
        return np.full(vocab_size, least, np.int64)
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {array.dtype} values")
    if array.shape != (vocab_size,):
        raise ValueError(f"{name} must be one for each of {vocab_size} ids, got shape {array.shape}")
    if int(array.min()) < least or int(array.max()) > LARGEST_VALUE:
        raise ValueError(f"{name} must be from {least} to {LARGEST_VALUE}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)
