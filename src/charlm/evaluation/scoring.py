"""Exact evaluation: every symbol is scored once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from charlm.data.dataset import on_host
from charlm.data.framing import Framing
from charlm.models.context import pieces
from charlm.models.predictor import check_model
from chartok import TokenIdError, Vocabulary
from chartok.arguments import check_iterable, instance
from chartok.ids import as_id_array
from chartok.notebook import card
from chartok.ragged import split_joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.data.dataset import SupportsPieces
    from charlm.models.predictor import PredictingModel
    from chartok.ids import Ids


TARGETS_AT_ONCE = 1 << 16
"""How many ids of a stream are read at a time; the predictor bounds its own memory."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The mean loss over a text, in the usual units.

    Attributes:
        nats_per_character: The negative natural logarithm of the probability of all that was scored, per character.
        characters: The number of characters scored; the end of a record counts as one.
        utf8_bytes: The number of bytes that they take in UTF-8; None if unknown.
        symbols: The number of symbols scored; None if each is one character.

    Example:
        >>> evaluation = Evaluation(nats_per_character=math.log(2), characters=10)
        >>> evaluation.bits_per_character, evaluation.perplexity
        (1.0, 2.0)
    """

    nats_per_character: float
    characters: int
    utf8_bytes: int | None = None
    symbols: int | None = None

    @classmethod
    def of_symbols(cls, nats: float, symbols: int, *, characters: int, utf8_bytes: int | None = None) -> Evaluation:
        """Returns the evaluation of symbols that may have several characters.

        Args:
            nats: The negative natural logarithm of the probability of all of them.
            symbols: How many were scored, at least one.
            characters: How many characters they have.
            utf8_bytes: How many bytes they take in UTF-8; None if unknown.

        Example:
            >>> evaluation = Evaluation.of_symbols(math.log(2) * 6, 2, characters=3)
            >>> round(evaluation.bits_per_symbol, 9), round(evaluation.bits_per_character, 9)
            (3.0, 2.0)
        """
        return cls(nats_per_character=nats / characters, characters=characters, utf8_bytes=utf8_bytes, symbols=symbols)

    @property
    def nats_per_symbol(self) -> float:
        """The mean loss of a symbol in nats."""
        return self.nats_per_character * (self.characters / (self.symbols or self.characters))

    @property
    def bits_per_symbol(self) -> float:
        """The mean loss of a symbol in bits."""
        return self.nats_per_symbol / math.log(2)

    @property
    def bits_per_character(self) -> float:
        """The mean loss in bits: ``nats / ln 2``."""
        return self.nats_per_character / math.log(2)

    @property
    def bits_per_byte(self) -> float:
        """The total loss in bits, per UTF-8 byte of the text.

        Raises:
            ValueError: The number of bytes is unknown.
        """
        if self.utf8_bytes is None:
            raise ValueError("the number of UTF-8 bytes is unknown: evaluate a text, not ids")
        return self.bits_per_character * self.characters / self.utf8_bytes

    @property
    def perplexity(self) -> float:
        """``exp(nats_per_symbol)``: as uncertain as a choice between that many equally likely symbols.

        Infinite if it overflows a float.
        """
        try:
            return math.exp(self.nats_per_symbol)
        except OverflowError:
            return math.inf

    def _repr_html_(self) -> str:
        facts = {
            "bits per character": f"{self.bits_per_character:.4f}",
            "nats per character": f"{self.nats_per_character:.4f}",
            "perplexity": f"{self.perplexity:,.4g}",
            "characters": f"{self.characters:,}",
        }
        if self.symbols not in (None, self.characters):
            facts |= {"symbols": f"{self.symbols:,}", "bits per symbol": f"{self.bits_per_symbol:.4f}"}
        if self.utf8_bytes is not None:
            facts["bits per byte"] = f"{self.bits_per_byte:.4f}"
        return card("Evaluation", facts)


def utf8_length(text: str) -> int:
    r"""Returns how many bytes a text takes in UTF-8; a lone surrogate takes three.

    Example:
        >>> utf8_length("h\u00e9\ud800")
        6
    """
    return len(text.encode("utf-8", "surrogatepass"))


def score(model: PredictingModel, texts: Sequence[Ids], *, stride: int | None = None) -> list[NDArray[np.float64]]:
    """Returns for each text the natural-log probability of every id but the first, given those before it.

    Texts are batched by length. A model with a limited context gets a longer text in overlapping blocks, as it does
    where it generates: each score is the probability with which ``generate`` draws the id after those before it. The
    model computes in evaluation mode; its own mode is restored.

    Args:
        model: Any language model.
        texts: Ids, each of shape ``(T,)``.
        stride: How far apart the blocks of a model with a limited context begin, by default half a block. Smaller ones
            give each id more context and take longer; ``block_size`` makes blocks that do not overlap, at half the cost
            of the default.

    Returns:
        float64, each of shape ``(max(T - 1, 0),)``, in nats.

    Raises:
        TokenIdError: An id is not in the vocabulary.
        ValueError: A text is not one-dimensional; or ``stride`` is below 1 or above the block, or the model has none.
        TypeError: Ids are not integers.

    Example:
        >>> from charlm import BigramLanguageModel, score
        >>> model = BigramLanguageModel(4)
        >>> [scores.round(3).tolist() for scores in score(model, [[0, 1, 2], [3]])]
        [[-1.386, -1.386], []]
    """
    check_model(model)
    check_iterable("texts", texts, "sequences of ids")
    arrays = [as_id_array(on_host(ids), name=f"texts[{index}]") for index, ids in enumerate(texts)]
    for index, ids in enumerate(arrays):
        if ids.ndim != 1:
            raise ValueError(f"texts[{index}] must be one-dimensional, got shape {ids.shape}")
    joined = np.concatenate([np.empty(0, dtype=np.int64), *arrays], dtype=np.int64, casting="unsafe")
    try:
        as_id_array(joined, model.vocab_size)
    except TokenIdError:
        for ids in arrays:
            as_id_array(ids, model.vocab_size)  # gives the position of the id in its text
        raise
    lengths = np.fromiter(map(len, arrays), dtype=np.int64, count=len(arrays))
    return split_joined(model.predictor(stride=stride).scores(joined, lengths), np.maximum(lengths - 1, 0))


def evaluate(
    model: PredictingModel,
    dataset: SupportsPieces,
    *,
    stride: int | None = None,
    vocabulary: Vocabulary | None = None,
) -> Evaluation:
    """Returns the mean loss over a dataset, in which every id of a stream but the first is scored exactly once.

    The first id of a stream has no context and is not scored. A model with an unlimited context sees everything before
    each id; one with a limit gets overlapping blocks, as for ``score``. In records, every symbol and the end are
    scored. ``context_only`` ids do not count as targets. The model computes in evaluation mode; its own mode is
    restored.

    Args:
        model: Any language model.
        dataset: The stream, or the records.
        stride: As for ``score``: by default half a block, and ``block_size`` for blocks that do not overlap.
        vocabulary: What the ids mean. With it, a symbol counts with all of its characters, and each ``unk`` as the one
            that it stands for, of all that the vocabulary does not have, as in ``CharLM.evaluate``. None counts each id
            as one character, with the probability of the id.

    Raises:
        TokenIdError: An id of the dataset is not in the vocabulary of the model.
        ValueError: There is nothing to score; or ``stride`` is below 1 or above the block, or the model has none.
        TypeError: ``model`` is no model, ``dataset`` no dataset, or ``vocabulary`` not a ``Vocabulary``.

    Example:
        >>> from charlm import BigramLanguageModel, TextDataset
        >>> evaluation = evaluate(BigramLanguageModel(4), TextDataset([0, 1, 2, 3, 0], block_size=2))
        >>> evaluation.characters, round(evaluation.bits_per_character, 6)
        (4, 2.0)
    """
    check_model(model)
    if not hasattr(dataset, "pieces"):
        raise TypeError(f"dataset must be a TextDataset or a RecordDataset, got {type(dataset).__name__}: make one")
    if vocabulary is not None:
        instance("vocabulary", vocabulary, Vocabulary)
    predictor = model.predictor(stride=stride)
    dataset.check_ids(model.vocab_size)
    total, occurrences = 0.0, np.zeros(model.vocab_size, dtype=np.int64)
    for piece in dataset.pieces(*(pieces(predictor, TARGETS_AT_ONCE) or (None, 0))):
        ids, lengths, is_wanted, weights = piece
        is_target = np.ones(len(ids), dtype=bool)
        is_target[(np.cumsum(lengths) - lengths)[lengths > 0]] = False
        counts = is_wanted & ~np.isin(ids[is_target], predictor.context_only)
        scores = predictor.scores(ids, lengths)[counts]
        times = None if weights is None else np.repeat(weights, np.maximum(lengths - 1, 0))[counts]
        total += float(scores.sum() if times is None else scores @ times)
        occurrences += np.bincount(ids[is_target][counts], times, minlength=model.vocab_size).astype(np.int64)
    symbols = int(occurrences.sum())
    if not symbols:
        raise ValueError("dataset has nothing to score: every target is masked, or in context_only")
    if vocabulary is None:
        return Evaluation(nats_per_character=-total / symbols, characters=symbols)
    framing = Framing(vocabulary)
    if framing.unk is not None and occurrences[framing.unk]:
        total += int(occurrences[framing.unk]) * framing.log_share_of_unknown
    return Evaluation.of_symbols(-total, symbols, characters=int(occurrences @ framing.characters_of_ids()))
