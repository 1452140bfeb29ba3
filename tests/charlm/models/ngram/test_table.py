"""Promises of the n-gram table: weights, ids that are never predicted, and discounts, against the slow reference."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from charlm import NGramCounts, NGramLanguageModel
from charlm.data.dataset import JoinedTexts
from charlm.models.ngram import backoff as backoff_module
from charlm.models.ngram import search as search_module
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing.kneser_ney import FALLBACK_DISCOUNTS, modified_discounts
from kneserney_reference import ReferenceKneserNey
from strategies import costly

VOCAB_SIZE = 5
BOS, PAD = 3, 4
EXACT = 1e-9

texts = st.lists(st.lists(st.integers(0, VOCAB_SIZE - 1), max_size=40), min_size=1, max_size=4).filter(any)
"""A start may stand anywhere in a text, as in records that are packed into a stream."""

records = st.lists(st.lists(st.integers(0, 2), max_size=12).map(lambda ids: [BOS, *ids]), min_size=1, max_size=20)
never = st.sampled_from([(), (BOS,), (BOS, PAD)])
orders = st.integers(1, 5)
contexts = st.lists(st.integers(0, VOCAB_SIZE - 1), min_size=1, max_size=8)


def joined(some_texts: list[list[int]], weights: list[int] | None = None) -> JoinedTexts:
    return JoinedTexts(
        np.array([token_id for text in some_texts for token_id in text], dtype=np.int64),
        np.array(list(map(len, some_texts))),
        None if weights is None else np.array(weights),
    )


def fitted(some_texts: list[list[int]], order: int, context_only: tuple[int, ...]) -> NGramTable:
    return NGramTable.fit(some_texts, vocab_size=VOCAB_SIZE, order=order, context_only=context_only)


def assert_equal_tables(actual: NGramTable, expected: NGramTable) -> None:
    assert actual.settings() == expected.settings()
    for name, array in expected.arrays().items():
        np.testing.assert_allclose(actual.arrays()[name], array, rtol=EXACT, atol=EXACT)


def all_rows(table: NGramTable) -> NDArray[np.float64]:
    """The probabilities of what follows every context that is stored, and the empty one."""
    contexts = np.arange(len(table.log_backoffs))
    rows: NDArray[np.float64] = np.exp(table.search.rows(contexts))
    one_by_one = np.exp(table.lookup.rows(contexts.tolist()))
    np.testing.assert_allclose(rows, one_by_one, rtol=0, atol=EXACT)
    return rows


def assert_sound(table: NGramTable) -> None:
    """Every distribution sums to 1, and what is never predicted has no part in it."""
    rows = all_rows(table)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=0, atol=EXACT)
    is_never = np.isin(np.arange(VOCAB_SIZE), table.context_only)
    assert (rows[:, is_never] == 0).all()
    assert (rows[:, ~is_never] > 0).all()


@given(st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=20), st.integers(0, 4)), min_size=1, max_size=6), orders)
def test_a_weight_is_how_often_a_text_counts(weighted: list[tuple[list[int], int]], order: int) -> None:
    some_texts, weights = [text for text, _ in weighted], [weight for _, weight in weighted]
    repeated = [text for text, weight in weighted for _ in range(weight)]
    counts, expected = (
        NGramCounts.from_tokens(tokens, vocab_size=VOCAB_SIZE, order=order)
        for tokens in (joined(some_texts, weights), repeated)
    )
    assert np.array_equal(counts.keys, expected.keys)
    assert np.array_equal(counts.counts, expected.counts)
    mixed = NGramCounts.from_tokens([joined(some_texts), joined(some_texts, weights)], vocab_size=5, order=order)
    both = NGramCounts.from_tokens([*some_texts, *repeated], vocab_size=VOCAB_SIZE, order=order)
    assert np.array_equal(mixed.keys, both.keys)
    assert np.array_equal(mixed.counts, both.counts)


@given(st.one_of(texts, records), orders, never, contexts)
def test_probabilities_are_those_of_the_slow_reference(
    some_texts: list[list[int]], order: int, context_only: tuple[int, ...], context: list[int]
) -> None:
    reference = ReferenceKneserNey(some_texts, vocab_size=VOCAB_SIZE, order=order, context_only=context_only)
    table = NGramTable.fit(
        some_texts, vocab_size=VOCAB_SIZE, order=order, context_only=context_only, smoothing="kneser-ney"
    )
    assert_sound(table)
    (rows,) = table.distributions(np.array(context))
    expected = [
        [reference.probability(context[: t + 1], token_id) for token_id in range(VOCAB_SIZE)]
        for t in range(len(context))
    ]
    np.testing.assert_allclose(np.exp(rows), expected, rtol=0, atol=EXACT)
    scores = table.scores(np.array(context), np.array([len(context)]))
    following = [row[token_id] for row, token_id in zip(expected, context[1:], strict=False)]
    np.testing.assert_allclose(np.exp(scores), following, rtol=0, atol=EXACT)


@given(st.one_of(texts, records), st.one_of(texts, records), orders, never)
def test_updates_and_merges_learn_what_one_fit_does(
    first: list[list[int]], second: list[list[int]], order: int, context_only: tuple[int, ...]
) -> None:
    expected = fitted([*first, *second], order, context_only)
    updated = fitted(first, order, context_only).update(second)
    assert_equal_tables(updated, expected)
    assert_sound(updated)
    parts = [NGramCounts.from_tokens(part, vocab_size=VOCAB_SIZE, order=order) for part in (first, second)]
    merged = NGramTable.fit(parts[1].merge(parts[0]), vocab_size=VOCAB_SIZE, order=order, context_only=context_only)
    assert_equal_tables(merged, expected)


@given(st.one_of(texts, records), orders, never, st.integers(1, 6))
def test_pruning_leaves_distributions(
    some_texts: list[list[int]], order: int, context_only: tuple[int, ...], min_count: int
) -> None:
    table = fitted(some_texts, order, context_only)
    pruned = table.prune(min_count)
    assert_sound(pruned)
    counts = table.counts
    is_kept = (counts >= min_count) | (np.arange(len(counts)) < table.levels[1])
    assert np.array_equal(pruned.log_probabilities, table.log_probabilities[is_kept])
    if min_count == 1:
        assert_equal_tables(pruned, table.holding(table.keys, counts[:0], table.backoff_table()))


def test_a_context_that_loses_nothing_but_a_start_keeps_its_weight() -> None:
    text = [0, 1, 0, 0, 2, 0, 1, 1, 0, 2, 2, 1, 2, 0] * 3 + [0, BOS]
    table = NGramTable.fit(text, vocab_size=4, order=2, context_only=(BOS,))
    pruned = table.prune(2)
    assert len(pruned) == len(table) - 1
    assert np.array_equal(pruned.log_backoffs, table.log_backoffs)


@given(st.one_of(texts, records), orders, never, st.lists(contexts, min_size=1, max_size=4), st.integers(1, 9))
def test_texts_are_scored_in_pieces_as_they_are_one_by_one(
    some_texts: list[list[int]], order: int, context_only: tuple[int, ...], scored: list[list[int]], at_once: int
) -> None:
    table = fitted(some_texts, order, context_only)
    expected = np.concatenate([table.scores(np.array(text), np.array([len(text)])) for text in scored])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "PLACES_AT_ONCE", at_once)
        patch.setattr(backoff_module, "ROWS_AT_ONCE", at_once)
        together = table.scores(joined(scored).ids, joined(scored).lengths)
        rows = np.concatenate(list(table.distributions(np.array(scored[0]))))
    np.testing.assert_allclose(together, expected, rtol=0, atol=EXACT)
    (whole,) = table.distributions(np.array(scored[0]))
    assert np.array_equal(rows, whole)


@given(st.one_of(texts, records), orders, never, contexts)
def test_a_walk_gives_the_distributions_of_the_whole(
    some_texts: list[list[int]], order: int, context_only: tuple[int, ...], ids: list[int]
) -> None:
    table = fitted(some_texts, order, context_only)
    (rows,) = table.distributions(np.array(ids))
    row, state = table.start(np.array([ids[:1]]))
    np.testing.assert_allclose(row[0], rows[0], rtol=0, atol=EXACT)
    for token_id, expected in zip(ids[1:], rows[1:], strict=True):
        row, state = table.step(np.array([token_id]), state)
        np.testing.assert_allclose(row[0], expected, rtol=0, atol=EXACT)
    assert table.start(np.array([ids]))[1] == state


def test_a_start_takes_nothing_from_what_follows() -> None:
    """Its adjusted count below the highest order is the number of records: most of what there is."""
    names = [[BOS, 0, 1, 2]] * 500
    table = NGramTable.fit(names, vocab_size=4, order=3, context_only=(BOS,))
    unigrams = np.exp(table.search.rows(np.zeros(1, dtype=np.int64)))[0]
    assert unigrams.tolist()[BOS] == 0
    assert unigrams.min(initial=1, where=np.arange(4) != BOS) > 0.1
    assert np.exp(table.step(np.array([BOS]), None)[0])[0, 0] > 0.9


@costly()
@given(st.lists(st.integers(1, 5), min_size=1, max_size=80))
def test_discounts_follow_their_formula_and_its_limits(adjusted: list[int]) -> None:
    n1, n2, n3, n4 = (adjusted.count(count) for count in (1, 2, 3, 4))
    for is_highest in (False, True):
        found = modified_discounts(np.array(adjusted), is_highest=is_highest)
        if not (n1 and n2 and n3 and n4) or (n1 < 2 * n2 and not is_highest):
            assert found == FALLBACK_DISCOUNTS
            continue
        y = n1 / (n1 + 2 * n2)
        closed = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        assert found == pytest.approx(closed if min(closed) > 0 else FALLBACK_DISCOUNTS)


def test_the_closed_form_holds_at_the_highest_order_where_it_does_not_below() -> None:
    adjusted = np.array([1] * 3 + [2] * 2 + [3] + [4])
    assert modified_discounts(adjusted) == FALLBACK_DISCOUNTS
    assert modified_discounts(adjusted, is_highest=True) == pytest.approx((1 - 12 / 21, 2 - 9 / 14, 3 - 12 / 7))


@pytest.mark.parametrize("context_only", [(), (BOS,), (PAD, BOS)])
def test_a_table_and_its_face_are_one_model(context_only: tuple[int, ...]) -> None:
    some_texts = [[BOS, 0, 1, 2, 0, BOS, 1], [BOS, 2, 2, 1], [0, 1, 2, 0]]
    table = fitted(some_texts, 3, context_only)
    model = NGramLanguageModel(VOCAB_SIZE, order=3, context_only=context_only).fit(some_texts)
    assert_equal_tables(model.table, table)
    face = NGramLanguageModel.of(table)
    assert face.predictor() is face.table
    ids = torch.tensor([[BOS, 0, 1, 2, PAD, 0]])
    torch.testing.assert_close(face.logits(ids), model.logits(ids), rtol=0, atol=0)
    (rows,) = pickle.loads(pickle.dumps(table)).distributions(ids[0].numpy())  # noqa: S301 - our own
    assert np.array_equal(face.logits(ids)[0].numpy(), rows)
    assert [len(table), *table.levels] == [table.levels[-1], *table.levels]
    assert all(start <= stop for start, stop in pairwise(table.levels))


@pytest.mark.parametrize(
    ("context_only", "error", "message"),
    [
        ([VOCAB_SIZE], ValueError, "context_only must be ids 0 to 4, got 5"),
        ([-1], ValueError, "context_only must be ids 0 to 4, got -1"),
        (range(VOCAB_SIZE), ValueError, "none is left to predict"),
        ("bos", TypeError, "context_only must be an iterable of ids, got str"),
        (3, TypeError, "context_only must be an iterable of ids, got int"),
        ([0.5], TypeError, "each id of context_only must be an integer"),
    ],
    ids=str,
)
def test_what_is_never_predicted_are_ids_and_leaves_some(
    context_only: object, error: type[Exception], message: str
) -> None:
    for make in (NGramTable, NGramLanguageModel):
        with pytest.raises(error, match=message):
            make(vocab_size=VOCAB_SIZE, order=2, context_only=context_only)  # type: ignore[arg-type]  # the promise


def test_what_nobody_has_met_is_uniform_over_what_can_come() -> None:
    table = NGramTable.fit([BOS], vocab_size=VOCAB_SIZE, order=2, context_only=(BOS,))
    expected = np.where(np.arange(VOCAB_SIZE) == BOS, 0, 1 / 4)
    np.testing.assert_allclose(np.exp(table.step(np.array([BOS]), None)[0][0]), expected)
    assert table.scores(np.array([0, BOS]), np.array([2])).tolist() == [-math.inf]
