"""A channel as arrays: for each symbol that may be seen, what it may have been."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.framing import Framing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from charlm.decoding.channel import Channel
    from chartok import Vocabulary

AS_IT_IS = -2
"""What is written for the symbol that is seen, where the vocabulary does not have it; less by its row."""


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


class EditTable:
    """The edits of a channel, for texts over one vocabulary.

    Each symbol that is seen has a row: a symbol of the vocabulary its id, others rows of their own as they come.

    Args:
        channel: The channel.
        vocabulary: The vocabulary of the model: only its symbols are put in the place of others.

    Raises:
        ValueError: The channel has no edits of these symbols, or edits of several characters that are not one of them.

    Attributes:
        deletions: Of each id, the log-probability that it is not seen; minus infinity for none, float64 ``(V,)``.
        kept: Of each id, the log-probability that it is seen as it is, float64 ``(V,)``.
        transposed: The log-probability that two neighbors change places.
        dearest: What the least likely of the edits costs, in nats.
    """

    def __init__(self, channel: Channel, vocabulary: Vocabulary) -> None:
        self._channel, self._vocabulary, framing = channel, vocabulary, Framing(vocabulary)
        self._unknown = -1 if framing.unk is None else framing.unk
        self._ids = dict(zip(vocabulary.symbols, framing.symbol_ids(), strict=True))
        insertions: float | Mapping[str, float] = channel.insertions
        self._inserted = insertions if isinstance(insertions, float) else 0.0
        self._insertions = {} if isinstance(insertions, float) else insertions
        self._check_symbols()
        self._no_insertion = math.log1p(-(self._inserted + sum(self._insertions.values())))
        self.deletions: NDArray[np.float64] = np.full(vocabulary.size, -np.inf)
        self.kept: NDArray[np.float64] = np.full(vocabulary.size, -np.inf)
        causes = dict[str, list[tuple[int, float]]]()
        for symbol, token_id in self._ids.items():
            self.deletions[token_id] = _log(channel.deletion(symbol)) + self._no_insertion
            self.kept[token_id] = _log(channel.kept(symbol)) + self._no_insertion
            for seen, probability in channel.substitutions.get(symbol, {}).items():
                causes.setdefault(seen, []).append((token_id, _log(probability) + self._no_insertion))
        self._causes = causes
        self.transposed: float = _log(channel.transpositions) + 2 * self._no_insertion
        self.dearest: float = self._cost_of_dearest()
        self.deletable: NDArray[np.int64] = np.flatnonzero(self.deletions > -np.inf)
        """The ids that may not be seen, int64."""
        self.symbols: list[str] = []
        """The symbol of each row."""
        self._rows = dict[str, int]()
        self.row_ids: NDArray[np.int64]
        self.row_insertions: NDArray[np.float64]
        self.starts: NDArray[np.int64]
        self.cause_ids: NDArray[np.int64]
        self.cause_codes: NDArray[np.int64]
        self.cause_logs: NDArray[np.float64]

    def _cost_of_dearest(self) -> float:
        logs = [log for causes in self._causes.values() for _, log in causes]
        logs += [self.transposed, *self.deletions.tolist(), *map(_log, self._insertions.values())]
        logs.append(_log(self._inserted / max(1, len(self._ids))))
        possible = [log for log in logs if log > -math.inf]
        if not possible:
            raise ValueError(
                "the channel has no edits of the symbols of this model: none is seen as another, left out or inserted"
            )
        return -min(possible)

    def _check_symbols(self) -> None:
        """Checks that what has several characters is one symbol of the vocabulary, as which alone it can be seen."""
        symbols = {**self._insertions}.keys() | self._channel.substitutions.keys()
        symbols |= {seen for others in self._channel.substitutions.values() for seen in others}
        for symbol in sorted(symbols):
            if len(symbol) > 1 and symbol not in self._ids:
                raise ValueError(
                    f"the channel has edits of {symbol!a}, which is no symbol of this model: each side of an edit must "
                    "be one symbol"
                )

    def rows_of(self, texts: list[list[str]]) -> list[NDArray[np.int64]]:
        """Returns the row of each symbol of texts, int64 ``(T,)`` each.

        Args:
            texts: What was seen, in symbols.
        """
        known = self._rows
        for text in texts:
            for symbol in text:
                if symbol not in known:
                    known[symbol] = len(known)
        self._lay_out(list(known))
        return [np.array([known[symbol] for symbol in text], dtype=np.int64) for text in texts]

    def _lay_out(self, symbols: list[str]) -> None:
        """Writes the arrays of the rows.

        Of each: its id, -1 for none; the log-probability that it is inserted; and where its causes begin among the
        ids that they have for the model (-1 for nothing), what is written for them, and their log-probabilities.
        """
        if len(symbols) == len(self.symbols):
            return
        self.symbols = symbols
        ids, codes, logs, starts, insertions, row_ids = [], [], [], [0], [], []
        share = self._inserted / max(1, len(self._ids))
        for row, symbol in enumerate(symbols):
            token_id = self._ids.get(symbol, -1)
            itself = self._kept_of(symbol, token_id)
            if itself > -math.inf:
                ids.append(token_id if token_id >= 0 else self._unknown)
                codes.append(token_id if token_id >= 0 else AS_IT_IS - row)
                logs.append(itself)
            for cause, log_probability in self._causes.get(symbol, ()):
                ids.append(cause)
                codes.append(cause)
                logs.append(log_probability)
            starts.append(len(ids))
            row_ids.append(token_id)
            insertions.append(_log(self._insertions.get(symbol, share if token_id >= 0 else 0.0)))
        self.row_ids, self.row_insertions = np.array(row_ids, dtype=np.int64), np.array(insertions)
        self.starts, self.cause_ids = np.array(starts, dtype=np.int64), np.array(ids, dtype=np.int64)
        self.cause_codes, self.cause_logs = np.array(codes, dtype=np.int64), np.array(logs, dtype=np.float64)

    def _kept_of(self, symbol: str, token_id: int) -> float:
        """Returns the log-probability that a symbol is seen as it is; a little at least: any text has a cause."""
        if token_id >= 0:
            return max(float(self.kept[token_id]), LEAST_KEPT)
        return max(_log(self._channel.kept(symbol)), LEAST_KEPT) + self._no_insertion


LEAST_KEPT = math.log(1e-9)
"""The log-probability that a symbol is seen as it is, where the channel says never."""
