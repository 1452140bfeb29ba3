"""Counts know a text by heart if they have counted it, and no other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import RecordDataset, TextDataset
from charlm.models.ngram.table import NGramTable
from charlm.models.prior.overlap import MOST_KNOWN, share_known
from chartok import Vocabulary

LETTERS = "abcdefgh"
VOCABULARY = Vocabulary(LETTERS, special_tokens=["bos", "eos"])


def ids(seed: int, length: int = 3000) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 8, length)


def table_of(*texts: np.ndarray, order: int = 8) -> NGramTable:
    return NGramTable.fit([text.tolist() for text in texts], vocab_size=8, order=order).to_ship()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_a_text_is_known_as_far_as_it_was_counted(share: float) -> None:
    counted, other = ids(1), ids(2)
    mixed = np.concatenate([counted[: int(share * 3000)], other[int(share * 3000) :]])
    assert share_known(table_of(counted), [TextDataset(mixed, 8)]) == pytest.approx(share, abs=0.1)


def names(seed: int) -> list[str]:
    generator = np.random.default_rng(seed)
    return ["".join(generator.choice([*LETTERS], generator.integers(3, 9))) for _ in range(400)]


def test_records_are_known_each_as_a_whole() -> None:
    first, other = (RecordDataset(names(seed), VOCABULARY, block_size=8) for seed in (1, 2))
    half = RecordDataset([*names(1)[::2], *names(2)[::2]], VOCABULARY, block_size=8)
    table = NGramTable.fit(first, vocab_size=VOCABULARY.size, order=7, context_only=(VOCABULARY.special_tokens["bos"],))
    assert share_known(table, [first]) == 1
    assert share_known(table, [other]) < MOST_KNOWN
    assert share_known(table, [half]) == pytest.approx(0.5, abs=0.1)


@given(seeds=st.sets(st.integers(0, 5), min_size=2, max_size=2))
def test_what_is_left_of_counts_knows_only_what_else_was_counted(seeds: set[int]) -> None:
    first, second = (ids(seed) for seed in seeds)
    table = table_of(first, second)
    left = table.counts.copy()
    alone = table_of(first)
    of = dict(zip(_grams(alone), alone.counts.tolist(), strict=True))
    left -= np.array([of.get(gram, 0) for gram in _grams(table)])
    assert share_known(table, [TextDataset(first, 8)], left) == 0
    assert share_known(table, [TextDataset(second, 8)], left) == 1


def _grams(table: NGramTable) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for key in table.keys.tolist():
        parent, last = divmod(key, table.vocab_size)
        found.append((*found[parent], last))
    return found[1:]


def test_short_ngrams_tell_nothing() -> None:
    assert share_known(table_of(ids(1), order=5), [TextDataset(ids(1), 8)]) == 0


def test_no_text_is_not_known() -> None:
    assert share_known(table_of(ids(1)), []) == 0
