"""Promises of pruning by entropy: the losses of Stolcke's formula, trees that stay whole, and sizes that are kept."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import NGramLanguageModel, python_docs
from charlm.models.ngram.pruning import losses, without
from charlm.models.ngram.table import NGramTable
from chartok import Vocabulary

BOS = 3
texts = st.lists(st.lists(st.integers(0, BOS), max_size=30), min_size=1, max_size=4).filter(any)
orders = st.integers(1, 4)
never = st.sampled_from([(), (BOS,)])
EXACT = 1e-9


def fitted(some_texts: list[list[int]], order: int, context_only: tuple[int, ...]) -> NGramTable:
    return NGramTable.fit(some_texts, vocab_size=5, order=order, context_only=context_only, smoothing="kneser-ney")


def ngrams_of(table: NGramTable) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for key in table.keys.tolist():
        parent, last = divmod(key, table.vocab_size)
        found.append((*found[parent], last))
    return found[1:]


def relative_entropy(table: NGramTable, place: int) -> float:
    """How much the distribution in the context of an n-gram changes without it, from the two distributions."""
    ngram = ngrams_of(table)[place]
    is_kept = np.ones(len(table), dtype=bool)
    is_kept[place] = False
    keys, smaller = without(table.tree, table.backoff_table(), is_kept, table.context_only)
    after = table.holding(keys, np.zeros(0, dtype=np.int64), smaller)
    context = [ngram[:-1]]
    before_rows, after_rows = (np.exp(model.start(np.array(context, dtype=np.int64))[0][0]) for model in (table, after))
    share = table.counts[ngrams_of(table).index(ngram[:-1])] / table.counts[: table.levels[1]].sum()
    seen = before_rows > 0
    return float(share * (before_rows[seen] * np.log(before_rows[seen] / after_rows[seen])).sum())


@given(texts, orders, never)
def test_losses_are_relative_entropies(some_texts: list[list[int]], order: int, context_only: tuple[int, ...]) -> None:
    """Of n-grams that no other needs; those of others are at least as large as the losses of these."""
    table = fitted(some_texts, order, context_only)
    found = losses(table.tree, table.backoff_table(), table.counts, context_only)
    ngrams = ngrams_of(table)
    needed = {longer[:-1] for longer in ngrams} | {longer[1:] for longer in ngrams}
    for place, ngram in enumerate(ngrams):
        if len(ngram) == 1:
            assert found[place] == math.inf
        elif ngram not in needed:
            assert found[place] == pytest.approx(relative_entropy(table, place), abs=EXACT)
        for needs in (ngram[:-1], ngram[1:]):
            assert not needs or found[ngrams.index(needs)] >= found[place]


@given(texts, orders, never, st.floats(0, 1))
def test_without_counts_contexts_are_as_likely_as_their_ids(
    some_texts: list[list[int]], order: int, context_only: tuple[int, ...], quantile: float
) -> None:
    table = fitted(some_texts, order, context_only).prune(1)
    found = losses(table.tree, table.backoff_table(), table.counts, context_only)
    assert (found >= 0).all()
    finite = found[np.isfinite(found)]
    entropy = float(np.quantile(finite, quantile)) if len(finite) else 0.0
    pruned = table.prune(entropy=entropy)
    assert len(pruned) == np.count_nonzero(found > entropy)
    rows = np.exp(pruned.search.rows(np.arange(len(pruned.log_backoffs))))
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=0, atol=EXACT)
    pruned.tree.suffixes(order)


@given(texts, orders, never, st.floats(0, 1))
def test_what_goes_is_what_costs_least_and_the_rest_keeps_its_probability(
    some_texts: list[list[int]], order: int, context_only: tuple[int, ...], quantile: float
) -> None:
    table = fitted(some_texts, order, context_only)
    found = losses(table.tree, table.backoff_table(), table.counts, context_only)
    finite = found[np.isfinite(found)]
    entropy = float(np.quantile(finite, quantile)) if len(finite) else 0.0
    pruned = table.prune(entropy=entropy)
    kept = dict(zip(ngrams_of(pruned), pruned.log_probabilities.tolist(), strict=True))
    for ngram, loss, log_probability in zip(ngrams_of(table), found, table.log_probabilities.tolist(), strict=True):
        assert (ngram in kept) == (loss > entropy)
        assert ngram not in kept or kept[ngram] == log_probability
    rows = np.exp(pruned.search.rows(np.arange(len(pruned.log_backoffs))))
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=0, atol=EXACT)


@given(texts, st.integers(2, 4), st.floats(0, 1))
def test_a_size_is_kept_and_filled(some_texts: list[list[int]], order: int, share: float) -> None:
    table = fitted(some_texts, order, ())
    whole, least = (
        sum(array.nbytes for array in each.arrays(compact=True).values()) for each in (table, table.prune(entropy=1e9))
    )
    limit = round(least + share * (whole - least))
    pruned = table.prune(max_bytes=limit)
    taken = sum(array.nbytes for array in pruned.arrays(compact=True).values())
    assert taken <= limit
    if limit == whole:
        assert len(pruned) == len(table)
    with pytest.raises(ValueError, match=f"max_bytes must be at least {least:,}, which .* take, got {least - 1:,}"):
        table.prune(max_bytes=least - 1)
    assert len(table.prune(max_bytes=f"{limit} B")) == len(pruned)


def test_entropy_keeps_more_of_the_likelihood_than_counts_do() -> None:
    text = python_docs()[:60_000]
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    table = NGramTable.fit(ids[:50_000], vocab_size=vocabulary.size, order=5)
    rare = table.prune(3)
    pruned = table.prune(max_bytes=sum(array.nbytes for array in rare.arrays(compact=True).values()))
    of_pruned, of_rare = (-model.scores(ids[50_000:], np.array([10_000])).mean() for model in (pruned, rare))
    assert of_pruned < of_rare


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({}, ValueError, "give one of min_count, entropy and max_bytes"),
        ({"min_count": 2, "entropy": 1e-7}, ValueError, "give one of min_count, entropy and max_bytes"),
        ({"entropy": -1e-7}, ValueError, "entropy must not be negative, got -1e-07"),
        ({"entropy": math.nan}, ValueError, "entropy must be"),
        ({"entropy": "1e-7"}, TypeError, "entropy must be"),
        ({"max_bytes": 0}, ValueError, "max_bytes must be at least 1, got 0"),
        ({"max_bytes": 1e6}, TypeError, "max_bytes must be a number of bytes or a str such as '2GB', got float"),
        ({"max_bytes": 10}, ValueError, "max_bytes must be at least .*, got 10"),
        ({"min_count": 0}, ValueError, "min_count must be at least 1, got 0"),
    ],
    ids=str,
)
def test_one_limit_is_given_and_makes_sense(asked: dict[str, object], error: type[Exception], message: str) -> None:
    model = NGramLanguageModel(3, order=2).fit([0, 1, 2, 0, 1, 0])
    for each in (model, model.table):
        with pytest.raises(error, match=message):
            each.prune(**asked)  # type: ignore[arg-type]  # the promise
    with pytest.raises(ValueError, match="not fitted"):
        NGramLanguageModel(3, order=2).prune(entropy=1e-7)
