"""Promises of mixing n-gram models: probabilities against their definition, and weights against other weights."""

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from charlm import NGramCounts, NGramTable, load_arpa, save_arpa
from charlm.files.arpa.words import arpa_word
from charlm.models.counting.union import united
from charlm.models.ngram.gating import Gate, HeldOutScores, Known
from charlm.models.ngram.interpolation import interpolated
from chartok import Vocabulary

VOCAB_SIZE = 4
BOS = 3
EXACT = 1e-9

texts = st.lists(st.lists(st.integers(0, VOCAB_SIZE - 1), max_size=20), min_size=1, max_size=3).filter(any)
records = st.lists(st.lists(st.integers(0, 2), max_size=9).map(lambda ids: [BOS, *ids]), min_size=1, max_size=6)
orders = st.integers(1, 4)
Fitted = tuple[list[list[int]], int]
"""The texts of a model and its order."""


def table_of(some_texts: list[list[int]], order: int, never: tuple[int, ...] = ()) -> NGramTable:
    return NGramTable.fit(some_texts, vocab_size=VOCAB_SIZE, order=order, context_only=never)


def mixture_of(tables: Sequence[NGramTable], weights: Any) -> NGramTable:
    keys, table = interpolated(tables, weights)
    order = max(each.order for each in tables)
    empty = NGramTable(vocab_size=tables[0].vocab_size, order=order, context_only=tables[0].context_only)
    return empty.holding(keys, np.zeros(0, dtype=np.int64), table)


def row(table: NGramTable, context: Sequence[int]) -> NDArray[np.float64]:
    """The probabilities of what follows a context."""
    logarithms = table.start(np.array([context]))[0][0] if context else table.lookup.rows([0])[0]
    probabilities: NDArray[np.float64] = np.exp(logarithms.astype(np.float64))
    return probabilities


def grams_of(table: NGramTable) -> list[tuple[int, ...]]:
    grams: list[tuple[int, ...]] = [()]
    for key in table.keys.tolist():
        parent, last = divmod(key, table.vocab_size)
        grams.append((*grams[parent], last))
    return grams[1:]


def known_length(table: NGramTable, context: tuple[int, ...]) -> int:
    stored = {(), *grams_of(table)}
    return max(n for n in range(min(len(context), table.order - 1) + 1) if context[len(context) - n :] in stored)


def leaning(known: Sequence[Known]) -> NDArray[np.float64]:
    """Weights that differ from context to context, for any number of models."""
    raw = np.array([number + 1 + own.lengths + np.exp(own.log_backoffs) for number, own in enumerate(known)])
    weights: NDArray[np.float64] = raw / raw.sum(axis=0)
    return weights


@given(st.lists(st.tuples(texts, orders), min_size=1, max_size=3))
def test_a_stored_n_gram_has_the_mean_of_what_the_models_say(fitted: list[Fitted]) -> None:
    tables = [table_of(*each) for each in fitted]
    mixed = mixture_of(tables, leaning)
    assert set(grams_of(mixed)) == {gram for table in tables for gram in grams_of(table)}
    rows = np.exp(mixed.search.rows(np.arange(len(mixed.log_backoffs))))
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=0, atol=EXACT)
    assert (rows > 0).all()
    for gram in grams_of(mixed)[:40]:
        context, last = gram[:-1], gram[-1]
        lengths = [known_length(table, context) for table in tables]
        nodes = [
            0 if not length else grams_of(table).index(context[-length:]) + 1
            for table, length in zip(tables, lengths, strict=True)
        ]
        known = [
            Known(np.array([length]), table.backoff_table().log_backoffs[[node]])
            for table, length, node in zip(tables, lengths, nodes, strict=True)
        ]
        expected = leaning(known)[:, 0] @ [row(table, context)[last] for table in tables]
        assert row(mixed, context)[last] == pytest.approx(expected, abs=EXACT)


@given(records, records, orders, orders)
def test_what_is_never_predicted_stays_so(
    first: list[list[int]], second: list[list[int]], order: int, other: int
) -> None:
    tables = [table_of(first, order, (BOS,)), table_of(second, other, (BOS,))]
    mixed = mixture_of(tables, leaning)
    rows = np.exp(mixed.search.rows(np.arange(len(mixed.log_backoffs))))
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=0, atol=EXACT)
    assert (rows[:, BOS] == 0).all()
    assert (rows[:, :BOS] > 0).all()


@given(texts, orders)
def test_a_model_mixed_with_itself_is_itself(some_texts: list[list[int]], order: int) -> None:
    table = table_of(some_texts, order)
    mixed = mixture_of([table, table], leaning)
    assert np.array_equal(mixed.keys, table.keys)
    nodes = np.arange(len(table.log_backoffs))
    np.testing.assert_allclose(np.exp(mixed.search.rows(nodes)), np.exp(table.search.rows(nodes)), rtol=0, atol=EXACT)


@given(st.lists(st.tuples(texts, orders), min_size=1, max_size=3))
def test_the_union_has_the_n_grams_of_all_and_tells_where_those_of_each_are(fitted: list[Fitted]) -> None:
    counts = [NGramCounts.from_tokens(each, vocab_size=VOCAB_SIZE, order=order) for each, order in fitted]
    keys, levels, nodes = united(counts, VOCAB_SIZE)
    assert (np.diff(keys) > 0).all()
    assert levels[-1] == len(keys)
    grams = grams_of(mixture_of([table_of(*each) for each in fitted], leaning))
    for own, table in zip(nodes, [table_of(*each) for each in fitted], strict=True):
        assert own[0] == 0
        assert [grams[node - 1] for node in own[1:]] == grams_of(table)


# ------------------------------------------------------------------------------------------------------- weights

GENERATOR = np.random.default_rng(0)
STEPS = GENERATOR.integers(0, 2, 4000)
ONE, OTHER = (np.cumsum(STEPS + step) % 20 for step in (1, 3))
HELD_OUT = np.concatenate([np.cumsum(GENERATOR.integers(0, 2, 900) + 1) % 20, np.cumsum(np.full(300, 3)) % 20])


def tables_of_20(*, order: int = 3) -> list[NGramTable]:
    return [NGramTable.fit(ids, vocab_size=20, order=order + n) for n, ids in enumerate((ONE, OTHER))]


def scores_of(tables: list[NGramTable], ids: Any = HELD_OUT) -> HeldOutScores:
    return HeldOutScores.of(tables, ids, np.array([len(ids)]), None)


def likelihood(gate: Gate, scores: HeldOutScores) -> float:
    return float(scores.times @ np.log((gate(scores.known) * scores.probabilities).sum(axis=0)))


def test_no_other_weights_that_are_the_same_everywhere_are_better() -> None:
    tables = tables_of_20()
    scores = scores_of(tables)
    gate = Gate.fitted(scores, [3, 4], "static")
    weights = np.exp(gate.static)
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert weights[0] > 0.5
    best = max(
        np.log(share * scores.probabilities[0] + (1 - share) * scores.probabilities[1]).sum()
        for share in np.linspace(0.001, 0.999, 999)
    )
    assert likelihood(gate, scores) >= best - 0.01
    assert np.ptp(gate(scores.known), axis=1).max() == 0


def test_weights_by_context_are_a_maximum_and_above_those_that_are_the_same_everywhere() -> None:
    tables = tables_of_20()
    scores = scores_of(tables)
    static, gate = (Gate.fitted(scores, [3, 4], how) for how in ("static", "by-context"))
    assert likelihood(gate, scores) > likelihood(static, scores) + 10

    def objective(of_models: Any, constants: Any) -> float:
        changed = Gate(static=of_models, constants=constants)
        squares = sum(float(own @ own) for own in (of_models - static.static, *constants))
        return likelihood(changed, scores) - squares

    best = objective(gate.static, gate.constants)
    for model, step in product(range(2), (-0.05, 0.05)):
        moved = gate.static.copy()
        moved[model] += step
        assert objective(moved, gate.constants) <= best + 0.01
        for place in range(len(gate.constants[model])):
            constants = [own.copy() for own in gate.constants]
            constants[model][place] += step
            assert objective(gate.static, constants) <= best + 0.01


def test_a_text_that_counts_twice_is_like_two() -> None:
    tables = tables_of_20()
    some = [HELD_OUT[:400], HELD_OUT[800:]]
    twice = HeldOutScores.of(tables, np.concatenate(some), np.array([400, 400]), np.array([2, 1]))
    both = HeldOutScores.of(tables, np.concatenate([some[0], *some]), np.array([400, 400, 400]), None)
    for how in ("static", "by-context"):
        found, expected = (Gate.fitted(scores, [3, 4], how) for scores in (twice, both))
        np.testing.assert_allclose(found(twice.known), expected(twice.known), atol=1e-3)


def test_scores_of_held_out_ids_are_those_of_the_models_and_of_their_contexts() -> None:
    tables = tables_of_20()
    ids, lengths = HELD_OUT[:12], np.array([5, 0, 1, 6])
    scores = HeldOutScores.of(tables, ids, lengths, None)
    assert scores.probabilities.shape == (2, 9)
    targets = [*range(1, 5), *range(7, 12)]
    starts = [0] * 4 + [6] * 5
    for number, table in enumerate(tables):
        for place, (start, target) in enumerate(zip(starts, targets, strict=True)):
            context = tuple(ids[start:target].tolist())
            assert scores.probabilities[number, place] == pytest.approx(row(table, context)[ids[target]])
            assert scores.known[number].lengths[place] == known_length(table, context)


def test_kenlm_reads_a_mixture_and_scores_as_it_does(tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is built from source: pip install kenlm")
    tables = tables_of_20()
    mixed = mixture_of(tables, Gate.fitted(scores_of(tables), [3, 4], "by-context"))
    vocabulary = Vocabulary("abcdefghijklmnopqrst")
    save_arpa(tmp_path / "mixed.arpa", mixed, vocabulary)
    theirs = kenlm.Model(str(tmp_path / "mixed.arpa"))
    words = [arpa_word(token) for token in vocabulary.to_dict()["tokens"]]
    state, after = kenlm.State(), kenlm.State()
    theirs.NullContextWrite(state)
    found = []
    for token_id in HELD_OUT[:300].tolist():
        found.append(theirs.BaseScore(state, words[token_id], after))
        state, after = after, state
    expected = mixed.scores(HELD_OUT[:300], np.array([300])) / math.log(10)
    assert found[1:] == pytest.approx(expected.tolist(), abs=1e-5)  # KenLM keeps float32
    loaded, _ = load_arpa(tmp_path / "mixed.arpa")
    assert loaded.table.scores(HELD_OUT, np.array([1200])) == pytest.approx(mixed.scores(HELD_OUT, np.array([1200])))
