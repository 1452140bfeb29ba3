"""Promises of the tree of n-grams: it keeps what the keys say in a few bytes, and its children are found either way."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import NGramCounts
from charlm.models.ngram.children import BitsOfChildren, SortedChildren
from charlm.models.ngram.packed_counts import PackedCounts
from charlm.models.ngram.table import NGramTable
from charlm.models.ngram.tree import NGramTree

orders = st.integers(1, 6)
vocab_sizes = st.sampled_from([3, 63, 64, 65, 256, 257, 70_000])


def ids_below(vocab_size: int) -> st.SearchStrategy[list[list[int]]]:
    """Texts of few different ids, small and large ones."""
    some = st.sampled_from(sorted({0, 1, 2, vocab_size // 2, vocab_size - 1}))
    return st.lists(st.lists(some, max_size=30), min_size=1, max_size=3)


texts = vocab_sizes.flatmap(lambda size: st.tuples(st.just(size), ids_below(size)))


def grown(counts: NGramCounts) -> NGramTree:
    return NGramTree.of_keys(counts.keys, vocab_size=counts.vocab_size, order=counts.order)


def spelled(tree: NGramTree) -> list[tuple[int, ...]]:
    """The ids of each node, the empty n-gram first."""
    ngrams: list[tuple[int, ...]] = [()]
    for key in tree.keys.tolist():
        parent, last = divmod(key, tree.vocab_size)
        ngrams.append((*ngrams[parent], last))
    return ngrams


@given(texts, orders)
def test_a_tree_has_the_keys_it_was_made_of(text: tuple[int, list[list[int]]], order: int) -> None:
    vocab_size, some_texts = text
    counts = NGramCounts.from_tokens(some_texts, vocab_size=vocab_size, order=order)
    tree = grown(counts)
    assert np.array_equal(tree.keys, counts.keys)
    assert (tree.levels, len(tree)) == (counts.levels, len(counts.keys))
    assert tree.ids.itemsize == (1 if vocab_size <= 256 else 2 if vocab_size <= 65536 else 4)
    assert tree.child_starts.itemsize == 1


@given(texts, orders)
def test_suffixes_are_the_nodes_without_the_first_id(text: tuple[int, list[list[int]]], order: int) -> None:
    vocab_size, some_texts = text
    tree = grown(NGramCounts.from_tokens(some_texts, vocab_size=vocab_size, order=order))
    ngrams = spelled(tree)
    node = {ngram: number for number, ngram in enumerate(ngrams)}
    expected = [node[ngram[1:]] for ngram in ngrams]
    assert tree.suffixes(order).tolist() == expected
    assert tree.context_suffixes.tolist() == expected[: tree.levels[-2] + 1]


@given(texts, orders, st.randoms(use_true_random=False))
def test_children_are_found_with_bits_and_by_halving(
    text: tuple[int, list[list[int]]], order: int, random: Random
) -> None:
    vocab_size, some_texts = text
    tree = grown(NGramCounts.from_tokens(some_texts, vocab_size=vocab_size, order=order))
    node = {ngram: number for number, ngram in enumerate(spelled(tree))}
    for length in range(order):
        of_length = [ngram for ngram in node if len(ngram) == length]
        asked = [(ngram, token) for ngram in of_length for token in (0, 1, 2, vocab_size - 1, vocab_size)]
        random.shuffle(asked)
        nodes = np.array([node[ngram] for ngram, _ in asked], dtype=np.int64)
        ids = np.array([token for _, token in asked], dtype=np.min_scalar_type(vocab_size))
        expected = [node.get((*ngram, token), 0) for ngram, token in asked]
        for kind in (BitsOfChildren, SortedChildren):
            children = kind(tree, length)
            assert children.find(nodes, ids).tolist() == expected
            if length:
                assert not children.find(np.zeros_like(nodes), ids).any()
        assert BitsOfChildren(tree, length).nbytes <= BitsOfChildren.size(tree, length)


def test_an_n_gram_without_its_suffix_is_noticed() -> None:
    with pytest.raises(ValueError, match="the suffix of an n-gram is missing"):
        NGramTree.of_keys(np.array([0, 1, 3, 4, 7]), vocab_size=2, order=3).suffixes(3)  # 0, 1, 01, 10, 011


@given(st.lists(st.integers(1, 1 << 40), max_size=20))
def test_counts_are_packed_and_unpacked(counts: list[int]) -> None:
    array = np.array(counts, dtype=np.int64)
    packed = PackedCounts.of(array)
    assert np.array_equal(packed.counts(), array)
    assert packed.small.nbytes + packed.large.nbytes == len(counts) + 8 * sum(count >= 255 for count in counts)


def test_a_model_takes_at_most_12_bytes_an_n_gram_for_scoring() -> None:
    ids = np.random.default_rng(0).zipf(1.3, size=60_000) % 65
    table = NGramTable.fit(ids, vocab_size=65, order=5).astype(np.dtype(np.float32))
    logarithms = table.log_probabilities.nbytes + table.log_backoffs.nbytes
    assert table.search.nbytes
    assert table.tree.nbytes + logarithms + table.search.nbytes <= 12 * len(table)
