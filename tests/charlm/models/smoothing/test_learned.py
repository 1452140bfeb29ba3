"""Promises of learned back-off, checked against a slow reference over dictionaries."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import NGramCounts
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing import learned as learned_module
from charlm.models.smoothing.kneser_ney import suffix_nodes
from charlm.models.smoothing.learned import Siblings, estimate, gradients, smoothed
from charlm.models.smoothing.shipped import shipped_constants
from learned_reference import ReferenceLearned

VOCAB_SIZE = 4
EXACT = 1e-9

token_ids = st.integers(0, VOCAB_SIZE - 1)
texts = st.lists(st.lists(token_ids, max_size=60), min_size=1, max_size=4).filter(any)
orders = st.integers(1, 5)


def any_constants(order: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(order, 23)) * 0.5


def table_of(some_texts: list[list[int]], constants: np.ndarray, context_only: tuple[int, ...] = ()) -> NGramTable:
    empty = NGramTable(vocab_size=VOCAB_SIZE, order=len(constants), context_only=context_only, constants=constants)
    return empty.update(some_texts)


@given(texts, orders, st.integers(0, 9), st.booleans(), st.lists(token_ids, min_size=1, max_size=8))
def test_probabilities_are_those_of_the_slow_reference(
    some_texts: list[list[int]], order: int, seed: int, has_start: bool, context: list[int]
) -> None:
    context_only = (0,) if has_start else ()
    constants = any_constants(order, seed) if seed else shipped_constants(order)
    reference = ReferenceLearned(some_texts, constants, vocab_size=VOCAB_SIZE, context_only=context_only)
    table = table_of(some_texts, constants, context_only)
    rows, _ = table.start(np.array([context]))
    nearest = tuple(context[1 - order :]) if order > 1 else ()
    expected = [0.0 if i in context_only else reference.probability(nearest, i) for i in range(VOCAB_SIZE)]
    np.testing.assert_allclose(np.exp(rows[0]), expected, rtol=0, atol=EXACT)


@given(texts, orders, st.integers(0, 9))
def test_every_distribution_sums_to_one(some_texts: list[list[int]], order: int, seed: int) -> None:
    table = table_of(some_texts, any_constants(order, seed))
    rows = np.concatenate(list(table.distributions(np.concatenate(some_texts).astype(np.int64))))
    np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1, rtol=0, atol=EXACT)


@given(texts, texts, orders, st.integers(0, 9))
def test_an_updated_model_is_one_fitted_to_everything(
    first: list[list[int]], second: list[list[int]], order: int, seed: int
) -> None:
    constants = any_constants(order, seed)
    together, updated = table_of(first + second, constants), table_of(first, constants).update(second)
    assert np.array_equal(updated.log_probabilities, together.log_probabilities)
    assert np.array_equal(updated.log_backoffs, together.log_backoffs)
    assert np.array_equal(updated.constants, constants)


@given(texts, orders, st.integers(1, 40))
def test_estimating_some_contexts_at_a_time_changes_nothing(
    some_texts: list[list[int]], order: int, at_once: int
) -> None:
    counts = NGramCounts.from_tokens(some_texts, vocab_size=VOCAB_SIZE, order=order)
    suffixes = suffix_nodes(counts.keys, counts.levels, VOCAB_SIZE)
    whole = estimate(counts, suffixes, shipped_constants(order))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learned_module, "NGRAMS_AT_ONCE", at_once)
        parts = estimate(counts, suffixes, shipped_constants(order))
    np.testing.assert_allclose(parts.log_probabilities, whole.log_probabilities, rtol=0, atol=1e-12)
    np.testing.assert_allclose(parts.log_backoffs, whole.log_backoffs, rtol=0, atol=1e-12)


@given(st.integers(0, 2**32))
def test_gradients_are_those_of_finite_differences(seed: int) -> None:
    generator = np.random.default_rng(seed)
    followers = generator.integers(1, 6, 5)
    parents = np.repeat(np.arange(5), followers)
    counts = generator.integers(1, 6, len(parents))
    siblings = Siblings.of(parents, generator.integers(1, counts + 1), counts)
    lower = generator.dirichlet(np.ones(len(parents) + 3))[: len(parents)]
    lower[parents == 0] *= 1.01 / lower[parents == 0].sum()  # rounded up: nothing else can follow that context
    log_lower = np.log(lower)
    constants = generator.normal(size=23) * 0.3
    by_ngram, by_context = generator.normal(size=len(parents)), generator.normal(size=5)

    def loss(constants: np.ndarray, log_lower: np.ndarray) -> float:
        found = smoothed(siblings, constants, log_lower)
        return float(by_ngram @ found.log_probabilities + by_context @ found.log_backoffs)

    by_constants, by_lower = gradients(
        siblings, constants, smoothed(siblings, constants, log_lower), by_ngram, by_context
    )
    step = 1e-6
    for place in range(23):
        change = np.eye(23)[place] * step
        slope = (loss(constants + change, log_lower) - loss(constants - change, log_lower)) / (2 * step)
        assert by_constants[place] == pytest.approx(slope, rel=1e-4, abs=1e-6)
    for place in range(len(parents)):
        change = np.eye(len(parents))[place] * step
        slope = (loss(constants, log_lower + change) - loss(constants, log_lower - change)) / (2 * step)
        assert by_lower[place] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_the_constants_that_come_with_the_library_are_those_of_each_order() -> None:
    for lower, higher in pairwise(range(1, 16)):
        assert np.array_equal(shipped_constants(higher)[: lower - 1], shipped_constants(lower)[:-1])
    assert shipped_constants(1).shape == (1, 23)
    assert np.array_equal(shipped_constants(40)[-1], shipped_constants(12)[-1])
