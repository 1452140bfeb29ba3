"""Small models for what looks for the most likely text."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from charlm import CharLM
from charlm.data.framing import Framing
from charlm.models.ngram.table import NGramTable
from chartok import Vocabulary
from chartok.ragged import split_joined
from lively_gpt import TINY, lively

LETTERS = "abcd"


def counted(vocabulary: Vocabulary, order: int = 3) -> CharLM:
    """Returns an n-gram model that has seen some of what the vocabulary has, in an order of its own."""
    framing = Framing(vocabulary)
    symbols = list(vocabulary.symbols)
    texts = ["".join(symbols), "".join(symbols[::-1] + symbols[::2])]
    ids, lengths = framing.to_count(texts)
    table = NGramTable.fit(
        split_joined(ids, lengths), vocab_size=vocabulary.size, order=order, context_only=framing.context_only
    )
    return CharLM(table, vocabulary)


def transformer(roles: Any, block_size: int) -> CharLM:
    vocabulary = Vocabulary(LETTERS, special_tokens=roles)
    never = Framing(vocabulary).context_only
    shape = replace(TINY, vocab_size=vocabulary.size, block_size=block_size, context_only=never)
    return CharLM(lively(shape), vocabulary)


def strings(symbols: Iterable[str], longest: int) -> list[str]:
    """Returns all strings of up to so many symbols."""
    symbols = list(symbols)
    return ["".join(chosen) for length in range(longest + 1) for chosen in product(symbols, repeat=length)]


def frames_of(seed: int, n_frames: int, n_labels: int = 3, sharpness: float = 2.0) -> Any:
    """Returns log-probabilities of labels in frames, ``(T, C)``."""
    logits = np.random.default_rng(seed).standard_normal((n_frames, n_labels)) * sharpness
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
