"""Promises of packed tables: the exact form is exact, the compact one sums to 1, and both are small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from charlm.models.ngram.codes import Coded, decoded
from charlm.models.ngram.packing import compact_size
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing.choices import Smoothing
from chartok import Vocabulary

BOS = 3
FLOAT32 = np.dtype(np.float32)

texts = st.lists(st.lists(st.integers(0, BOS), max_size=30), min_size=1, max_size=4).filter(any)
orders = st.integers(1, 5)
never = st.sampled_from([(), (BOS,)])
smoothings: st.SearchStrategy[Smoothing] = st.sampled_from(["kneser-ney", "learned"])


@st.composite
def tables(draw: st.DrawFn) -> NGramTable:
    """Tables of every kind: with counts or pruned, of records or texts, in both precisions, of any vocabulary."""
    some_texts, context_only, smoothing = draw(texts), draw(never), draw(smoothings)
    size = draw(st.sampled_from([4, 5, 64, 65, 256, 257, 1 << 16, (1 << 16) + 1, 1 << 20]))
    spread = np.array([0, size // 2, size - 1, BOS])  # ids of few and of many bits
    table = NGramTable.fit(
        [spread[text] for text in some_texts],
        vocab_size=size,
        order=draw(orders),
        context_only=context_only,
        smoothing=smoothing,
    )
    how = draw(st.sampled_from(["whole", "rare", "entropy"]))
    if how != "whole":
        table = table.prune(2) if how == "rare" else table.prune(entropy=draw(st.sampled_from([0, 1e-3, 1])))
    return table.astype(FLOAT32) if draw(st.booleans()) else table


def unpacked(table: NGramTable, *, compact: bool = False) -> NGramTable:
    return NGramTable.from_arrays(table.settings(), table.arrays(compact=compact))


def sums(table: NGramTable) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.exp(table.search.rows(np.arange(len(table.log_backoffs))).astype(np.float64)).sum(
        axis=1
    )
    return found


@given(tables())
def test_what_is_packed_comes_back_to_the_bit(table: NGramTable) -> None:
    back = unpacked(table)
    for name in ("ids", "child_starts", "counts", "log_probabilities", "log_backoffs", "constants", "keys"):
        before, after = getattr(table, name), getattr(back, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)
    assert (back.settings(), back.smoothing) == (table.settings(), table.smoothing)


@given(texts, orders, never, smoothings)
def test_a_compact_table_sums_to_one_and_is_nearly_the_same(
    some_texts: list[list[int]], order: int, context_only: tuple[int, ...], smoothing: Smoothing
) -> None:
    table = NGramTable.fit(some_texts, vocab_size=5, order=order, context_only=context_only, smoothing=smoothing)
    compact = unpacked(table, compact=True)
    assert compact.log_backoffs.dtype == np.float32
    np.testing.assert_allclose(sums(compact), 1, rtol=0, atol=1e-6)
    rows, rounded = (np.exp(each.search.rows(np.arange(len(table.log_backoffs)))) for each in (table, compact))
    np.testing.assert_allclose(rounded, rows, rtol=0.05, atol=1e-6)
    assert (rounded[:, list(context_only)] == 0).all()


@given(tables())
def test_distributions_in_codes_sum_to_one_before_they_are_rounded_to_float32(table: NGramTable) -> None:
    if table.vocab_size > 65:
        return
    arrays = table.arrays(compact=True)
    codes = Coded(*(arrays[f"table.{name}"] for name in Coded._fields))
    exact = decoded(codes, table.tree, table.context_only)
    whole = table.holding(table.keys, np.zeros(0, dtype=np.int64), exact)
    np.testing.assert_allclose(sums(whole), 1, rtol=0, atol=1e-9)


@given(tables())
def test_the_size_of_a_compact_table_is_known_before_it_is_made(table: NGramTable) -> None:
    taken = sum(array.nbytes for array in table.arrays(compact=True).values())
    assert taken == compact_size(table, len(table), len(table.log_backoffs))


def test_bytes_an_n_gram() -> None:
    ids = np.random.default_rng(0).zipf(1.3, size=60_000) % 65
    table = NGramTable.fit(ids, vocab_size=65, order=5).astype(FLOAT32)
    for compact, most in ((False, 9), (True, 3)):
        taken = sum(array.nbytes for array in table.arrays(compact=compact).values())
        assert taken <= most * len(table)


def test_a_compact_table_has_no_counts_and_one_that_is_not_fitted_is_refused() -> None:
    table = NGramTable.fit([0, 1, 2, 0, 1], vocab_size=3, order=2)
    with pytest.raises(ValueError, match="has no counts"):
        unpacked(table, compact=True).update([0])
    empty = NGramTable(vocab_size=3, order=2)
    assert len(unpacked(empty)) == 0
    with pytest.raises(ValueError, match="not fitted"):
        empty.arrays(compact=True)


def test_a_model_that_has_grown_is_packed_as_well() -> None:
    before = Vocabulary("abc", special_tokens=["unk"])
    grown = NGramTable.fit([0, 1, 2, 0, 1], vocab_size=4, order=3).resize(before, before.extend("defghijkl"))
    assert np.array_equal(unpacked(grown).log_probabilities, grown.log_probabilities)
    np.testing.assert_allclose(sums(unpacked(grown, compact=True)), 1, rtol=0, atol=1e-6)


def test_tables_that_are_missing_or_too_many_are_listed() -> None:
    table = NGramTable.fit([0, 1, 2, 0, 1], vocab_size=3, order=2)
    arrays = table.arrays()
    got = {name: array for name, array in arrays.items() if not name.endswith("ids")} | {"more": np.zeros(1)}
    with pytest.raises(ValueError, match=f"needs the tables {', '.join(arrays)}, got {', '.join(sorted(got))}$"):
        NGramTable.from_arrays(table.settings(), got)
