"""Promises of the rows of a prior, against n-grams in dictionaries and the search of the n-gram model."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import TextDataset
from charlm.models.ngram.table import NGramTable
from charlm.models.prior import rows as rows_module
from charlm.models.prior.estimates import Estimates, of_all, without_each
from charlm.models.prior.prior import CountPrior
from charlm.models.prior.rows import LEAST, PriorFeatures, PriorRows, lengths_of
from strategies import costly

CPU = torch.device("cpu")
ROUNDED = 1e-4
FOLDS = 3

vocab_sizes = st.sampled_from([2, 4, 40])
orders = st.sampled_from([2, 3, 5, 8])
Gram: TypeAlias = tuple[int, ...]

limits = st.sampled_from([0, 30, 300, 1 << 21])
"""How many numbers the rows that are computed beforehand may have: none, those of some lengths, all."""


class Slow:
    """What one of several counts says, by n-grams as tuples.

    Args:
        table: The n-grams.
        estimates: What the counts say of them.
        which: Which of them to ask.
    """

    def __init__(self, table: NGramTable, estimates: Estimates, which: int) -> None:
        self._table = table
        self._grams: list[tuple[int, ...]] = [()]
        for key in table.keys.tolist():
            parent, last = divmod(key, table.vocab_size)
            self._grams.append((*self._grams[parent], last))
        self._probabilities: dict[Gram, float] = dict(
            zip(self._grams[1:], estimates.log_probabilities[which].tolist(), strict=True)
        )
        contexts = self._grams[: len(table.log_backoffs)]
        self._weights: dict[Gram, float] = dict(zip(contexts, estimates.log_backoffs[which].tolist(), strict=True))
        self._counts: dict[Gram, float] = dict(zip(contexts, estimates.log_counts[which].tolist(), strict=True))

    def log_probability(self, context: tuple[int, ...], token_id: int) -> float:
        if (*context, token_id) in self._probabilities:
            return max(LEAST, self._probabilities[*context, token_id])
        if context:
            return self._weights.get(context, 0.0) + self.log_probability(context[1:], token_id)
        if token_id in self._table.context_only:
            return LEAST
        return self._weights[()] - math.log(self._table.vocab_size - len(self._table.context_only))

    def known(self, context: tuple[int, ...]) -> list[float]:
        return [found.get(context, 0.0) for found in (self._counts, self._weights)]


def check(
    table: NGramTable, estimates: Estimates, found: PriorFeatures, ids: list[list[int]], which: list[int]
) -> None:
    """Compares the features of rows of ids, each asked of one of the counts, with the slow way."""
    outcomes = [token_id for token_id in range(table.vocab_size) if token_id not in table.context_only]
    lengths = lengths_of(table.order)
    shape = len(ids), len(ids[0]), len(lengths)
    assert found.log_probabilities.shape == (*shape, table.vocab_size)
    assert found.known.shape == (*shape[:2], 2 * len(lengths))
    assert found.log_probabilities.dtype == found.known.dtype == torch.float32
    for row, (own, asked) in enumerate(zip(ids, which, strict=True)):
        slow = Slow(table, estimates, asked)
        for position in range(len(own)):
            contexts = [tuple(own[max(0, position + 1 - length) : position + 1]) for length in lengths]
            expected = [[slow.log_probability(context, token_id) for token_id in outcomes] for context in contexts]
            np.testing.assert_allclose(
                found.log_probabilities[row, position][:, outcomes], expected, rtol=0, atol=ROUNDED
            )
            # a context that would begin before the text is not known
            known = [
                number
                for context, length in zip(contexts, lengths, strict=True)
                for number in (slow.known(context) if len(context) == length else [0.0, 0.0])
            ]
            np.testing.assert_allclose(found.known[row, position], known, rtol=0, atol=ROUNDED)


def drawn(data: st.DataObject, vocab_size: int) -> tuple[list[int], tuple[int, ...], list[list[int]]]:
    """A text, ids that are only contexts, and rows of ids of which some are not in the text."""
    token_ids = st.integers(0, min(vocab_size, 4) - 1) | st.integers(0, vocab_size - 1)
    text = data.draw(st.lists(token_ids, min_size=10, max_size=60))
    never = data.draw(st.sampled_from([(), (0,), (vocab_size - 1,)]))
    length = data.draw(st.integers(1, 12))
    ids = data.draw(st.lists(st.lists(token_ids, min_size=length, max_size=length), min_size=1, max_size=3))
    return text, never, ids


@costly()
@given(st.data(), vocab_sizes, orders, limits)
def test_rows_without_folds_are_those_of_the_ngrams(
    data: st.DataObject, vocab_size: int, order: int, most: int
) -> None:
    text, never, ids = drawn(data, vocab_size)
    table = NGramTable.fit(text, vocab_size=vocab_size, order=order, context_only=never)
    estimates, _ = without_each(table, TextDataset(text, 1).folds(FOLDS, context=order - 1).texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "MOST_NUMBERS", most)
        rows = PriorRows(table, estimates, CPU)
    which = [data.draw(st.integers(0, FOLDS - 1)) for _ in ids]
    asked = torch.tensor(which)[:, None].expand(len(ids), len(ids[0]))
    check(table, estimates, rows(CountPrior(table).nodes(torch.tensor(ids)), asked), ids, which)


@costly()
@given(st.data(), vocab_sizes, orders, limits)
def test_features_of_all_counts_are_what_the_ngram_model_says_of_contexts_of_each_length(
    data: st.DataObject, vocab_size: int, order: int, most: int
) -> None:
    text, never, ids = drawn(data, vocab_size)
    table = NGramTable.fit(text, vocab_size=vocab_size, order=order, context_only=never).to_ship()
    start = data.draw(st.integers(0, len(ids[0]) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "MOST_NUMBERS", most)
        found = CountPrior(table).features(torch.tensor(ids))
    outcomes = [token_id for token_id in range(vocab_size) if token_id not in never]
    for row, own in enumerate(ids):
        for position in range(len(own)):
            for place, length in enumerate(lengths_of(order)):
                context = own[max(0, position + 1 - length) : position + 1]
                expected = table.start(np.array([context]))[0][0]
                np.testing.assert_allclose(
                    found.log_probabilities[row, position, place][outcomes], expected[outcomes], rtol=0, atol=ROUNDED
                )
    check(table, of_all(table), found, ids, [0] * len(ids))
    rest = CountPrior(table).features(torch.tensor(ids), start)
    for part, whole in zip(rest, found, strict=True):
        torch.testing.assert_close(part, whole[:, start:], rtol=0, atol=ROUNDED)
    for part, whole in zip(found.last(), found, strict=True):
        assert torch.equal(part, whole[:, -1:])


@given(
    st.lists(st.integers(0, 2), min_size=20, max_size=60),
    st.integers(2, 6),
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
)
def test_a_position_asked_alone_is_told_what_all_are_told_together(
    counted: list[int], order: int, ids: list[int]
) -> None:
    prior = CountPrior(NGramTable.fit(counted, vocab_size=4, order=order))
    together = prior.features(torch.tensor([ids]))
    for place in range(len(ids)):
        alone = prior.features(torch.tensor([ids[: place + 1]]), place)
        for of_one, of_all_ids in zip(alone, together, strict=True):
            torch.testing.assert_close(of_one[:, 0], of_all_ids[:, place], rtol=0, atol=0)


def test_a_text_without_any_longer_ngram_has_rows() -> None:
    table = NGramTable.fit([0], vocab_size=3, order=4)
    prior = CountPrior(table)
    found = prior.features(torch.tensor([[0, 1, 0, 2]]))
    check(table.to_ship(), of_all(table), found, [[0, 1, 0, 2]], [0])


@pytest.mark.parametrize(
    ("order", "lengths"), [(2, [1]), (3, [2]), (4, [2, 3]), (8, [2, 3, 4, 5, 6, 7]), (9, [2, 3, 4, 6, 7, 8])]
)
def test_contexts_have_two_ids_and_more_unless_the_ngrams_are_shorter_and_at_most_six_lengths(
    order: int, lengths: list[int]
) -> None:
    prior = CountPrior(NGramTable.fit([0, 1] * 9, vocab_size=2, order=order))
    assert list(lengths_of(order)) == lengths
    assert prior.n_lengths == len(lengths)
    assert prior.features(torch.tensor([[0, 1]])).log_probabilities.shape == (1, 2, len(lengths), 2)


def test_rows_do_not_depend_on_the_default_dtype() -> None:
    table = NGramTable.fit([0, 1, 2, 0, 1, 1], vocab_size=3, order=3)
    expected = CountPrior(table).features(torch.tensor([[0, 1, 2]]))
    torch.set_default_dtype(torch.float64)
    try:
        found = CountPrior(table).features(torch.tensor([[0, 1, 2]]))
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(*pair) for pair in zip(expected, found, strict=True))


def test_features_follow_the_device_and_the_table(device: torch.device) -> None:
    prior = CountPrior(NGramTable.fit([0, 1, 2, 0, 1, 1], vocab_size=3, order=3))
    ids = torch.tensor([[0, 1, 2]])
    expected = prior.features(ids)
    found: Any = prior.features(ids.to(device))
    assert found.known.device.type == device.type
    torch.testing.assert_close(found.log_probabilities.cpu(), expected.log_probabilities)
    prior.ngram.fit([2, 2, 2, 1, 0])
    again = CountPrior(NGramTable.fit([2, 2, 2, 1, 0], vocab_size=3, order=3)).features(ids)
    torch.testing.assert_close(prior.features(ids).log_probabilities, again.log_probabilities)


def test_an_order_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="an n-gram model of order 1 has none: give a higher order"):
        CountPrior(NGramTable.fit([0, 1, 1], vocab_size=2, order=1))
