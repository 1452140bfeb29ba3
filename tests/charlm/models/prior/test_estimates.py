"""Promises of what counts say without a part of the texts, against a slow reference that leaves out single ids."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import RecordDataset, TextDataset
from charlm.data.folds import Folds, FoldTexts
from charlm.data.record_texts import records_of_texts
from charlm.models.ngram.table import NGramTable
from charlm.models.prior.estimates import Estimates, of_all, without_each
from charlm.models.smoothing.shipped import shipped_constants
from chartok import Vocabulary
from learned_reference import ReferenceLearned
from strategies import costly

VOCAB_SIZE = 4
FOLDS = 3
ROUNDED = 1e-4
VOCABULARY = Vocabulary("abc", special_tokens=["bos", "eos"])
BOS = VOCABULARY.special_tokens["bos"]

orders = st.integers(2, 4)


class Case(NamedTuple):
    """A text of one or more passages, the windows of it, and an n-gram model that has counted it."""

    ids: list[int]
    passages: list[tuple[int, int]]
    block_size: int
    table: NGramTable

    @property
    def folds(self) -> Folds:
        dataset = TextDataset(self.ids, self.block_size, passages=self.passages)
        return dataset.folds(FOLDS, context=self.table.order - 1)

    def reference(self, fold: int) -> ReferenceLearned:
        """The same constants, and counts without each id of a fold one by one."""
        places = [place for start, stop in self.passages for place in range(start, stop)]
        start, stop = (len(places) * bound // FOLDS for bound in (fold, fold + 1))
        left_out = set(places[start : stop + self.block_size])
        return ReferenceLearned(
            [self.ids[start:stop] for start, stop in self.passages],
            self.table.constants,
            vocab_size=VOCAB_SIZE,
            context_only=self.table.context_only,
            is_counted=[[place not in left_out for place in range(start, stop)] for start, stop in self.passages],
        )


def constants_of(order: int, seed: int) -> np.ndarray:
    """Those of the library, or any."""
    return np.random.default_rng(seed).normal(size=(order, 23)) * 0.3 if seed else shipped_constants(order)


def table_of(texts: list[list[int]], constants: np.ndarray, context_only: tuple[int, ...]) -> NGramTable:
    empty = NGramTable(vocab_size=VOCAB_SIZE, order=len(constants), context_only=context_only, constants=constants)
    return empty.update(texts)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    ids = draw(st.lists(st.integers(0, VOCAB_SIZE - 1), min_size=8, max_size=60))
    cuts = sorted({0, len(ids)} | draw(st.sets(st.integers(4, len(ids) - 4), max_size=2)))
    passages = [(start, stop) for start, stop in pairwise(cuts) if stop > start + 2] or [(0, len(ids))]
    never = draw(st.sampled_from([(), (0,)]))
    constants = constants_of(draw(orders), draw(st.integers(0, 9)))
    table = table_of([ids[start:stop] for start, stop in passages], constants, never)
    return Case(ids, passages, draw(st.integers(1, 2)), table)


def grams_of(table: NGramTable) -> list[tuple[int, ...]]:
    """The n-grams of a table in its order, after the empty one."""
    found: list[tuple[int, ...]] = [()]
    for key in table.keys.tolist():
        parent, last = divmod(key, table.vocab_size)
        found.append((*found[parent], last))
    return found


def check(estimates: Estimates, row: int, table: NGramTable, reference: ReferenceLearned) -> None:
    """Compares one row of estimates with the reference."""
    _, *grams = grams_of(table)
    outcomes = [token_id for token_id in range(table.vocab_size) if token_id not in table.context_only]
    for gram, found in zip(grams, np.exp(estimates.log_probabilities[row]).tolist(), strict=True):
        expected = reference.probability(gram[:-1], gram[-1]) if gram[-1] in outcomes else 0.0
        assert found == pytest.approx(expected, abs=ROUNDED)
    children = {gram: {other[-1] for other in grams if other[:-1] == gram} for gram in [(), *grams]}
    contexts = len(table.log_backoffs)
    for place, context in enumerate([(), *grams][:contexts]):
        known = (
            sum(reference.counts[(i,)] for i in range(table.vocab_size)) if not context else reference.counts[context]
        )
        assert estimates.log_counts[row, place] == pytest.approx(math.log1p(known), abs=ROUNDED)
        for token_id in set(outcomes) - children[context]:
            lower = reference.probability(context[1:], token_id) if context else 1 / len(outcomes)
            found = math.exp(estimates.log_backoffs[row, place]) * lower
            assert found == pytest.approx(reference.probability(context, token_id), abs=ROUNDED)


@costly()
@given(cases())
def test_counts_without_a_fold_are_those_without_each_of_its_ids(case: Case) -> None:
    estimates, others = without_each(case.table, case.folds.texts)
    assert not (others > 0).any()
    for fold in range(FOLDS):
        check(estimates, fold, case.table, case.reference(fold))


@costly()
@given(cases())
def test_counts_of_all_are_those_of_the_table(case: Case) -> None:
    texts = [case.ids[start:stop] for start, stop in case.passages]
    constants, never = case.table.constants, case.table.context_only
    check(
        of_all(case.table),
        0,
        case.table,
        ReferenceLearned(texts, constants, vocab_size=VOCAB_SIZE, context_only=never),
    )


records = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=15)


@costly()
@given(
    records, orders, st.sampled_from(["learned", "kneser-ney"]), st.lists(st.integers(1, 5), min_size=15, max_size=15)
)
def test_records_without_a_fold_are_as_if_the_others_alone_had_been_counted(
    texts: list[str], order: int, smoothing: Any, times: list[int]
) -> None:
    weighted, _ = records_of_texts(texts, VOCABULARY)
    weighted.weights = np.array(times[: len(texts)])
    dataset = RecordDataset.of(weighted, VOCABULARY)
    shape: dict[str, Any] = {"vocab_size": VOCABULARY.size, "order": order, "context_only": (BOS,)}
    table = NGramTable.fit(dataset, **shape, smoothing=smoothing)
    folds = dataset.folds(FOLDS, context=order - 1)
    estimates, _ = without_each(table, folds.texts)
    of = folds.of(np.arange(len(dataset)))
    places = {gram: place for place, gram in enumerate(grams_of(table))}
    for fold in range(FOLDS):
        rest = [dataset[index] for index in np.flatnonzero(of != fold).tolist()]
        if not rest:
            assert np.isin(np.exp(estimates.log_probabilities[fold]).round(6), [0, 0.25]).all()
            assert not estimates.log_counts[fold].any()
            continue
        alone = NGramTable.fit(
            [[*inputs[:1].tolist(), *targets.tolist()] for inputs, targets in rest], **shape, smoothing=smoothing
        )
        for place, gram in enumerate(grams_of(alone)):
            expected = np.array([
                0.0 if place == 0 else alone.log_probabilities[place - 1],
                alone.log_backoffs[place] if len(gram) < order else 0.0,
            ])  # fmt: skip
            own = places[gram]
            found = np.array([
                0.0 if place == 0 else estimates.log_probabilities[fold, own - 1],
                estimates.log_backoffs[fold, own] if len(gram) < order else 0.0,
            ])  # fmt: skip
            np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDED)
        gone = set(places) - set(grams_of(alone))
        for gram in gone:
            rows = alone.lookup.rows([_node(alone, gram[:-1])])
            np.testing.assert_allclose(
                np.exp(estimates.log_probabilities[fold, places[gram] - 1]), np.exp(rows[0][gram[-1]]), atol=ROUNDED
            )


def _node(table: NGramTable, context: tuple[int, ...]) -> int:
    node = 0
    for token_id in context:
        node = table.lookup.following(node, token_id)
    return node


def test_data_that_were_not_counted_are_refused_with_what_to_do() -> None:
    table = NGramTable.fit([0, 1, 2, 3] * 5, vocab_size=4, order=3)
    for ids in ([0, 1, 2, 3] * 6, [3, 2, 1, 0] * 3):  # more than there are, and others
        folds = TextDataset(ids, 1).folds(FOLDS, context=2)
        everything = [FoldTexts(TextDataset(ids, 1))]
        with pytest.raises(ValueError, match="the prior has not counted the training data: fit it to them, or update"):
            without_each(table, [*folds.texts, *everything])


@pytest.mark.parametrize("ask", [of_all, lambda table: without_each(table, [])])
def test_a_table_without_counts_is_refused(ask: Any) -> None:
    pruned = NGramTable.fit([0, 1, 2, 3] * 5, vocab_size=4, order=3).prune(2)
    with pytest.raises(ValueError, match=r"the prior has no counts: it was pruned.*fit one to the training data"):
        ask(pruned)
    with pytest.raises(ValueError, match="the prior is not fitted: make the model with"):
        ask(NGramTable(vocab_size=4, order=3))
