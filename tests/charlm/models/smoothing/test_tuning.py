"""Promises of tuning: what is held out, that it is not counted, and what is chosen by it."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, NGramCounts
from charlm.data.dataset import JoinedTexts
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing import fitting, held_out
from charlm.models.smoothing.choices import ORDER
from charlm.models.smoothing.held_out import NO_ID, hold_out, newest, share_of_distinct
from charlm.models.smoothing.kneser_ney import suffix_nodes
from charlm.models.smoothing.lbfgs import minimize
from charlm.models.smoothing.learned import estimate
from charlm.models.smoothing.shipped import shipped_constants
from charlm.models.smoothing.tuning import Tuning, ending_nodes

VOCAB_SIZE = 5
TEXT = np.random.default_rng(3).choice(VOCAB_SIZE, size=30_000, p=[0.4, 0.3, 0.15, 0.1, 0.05]).cumsum() % VOCAB_SIZE
RECORDS = [record.tolist() for record in np.split(TEXT[:3000], np.arange(12, 3000, 12))]


def test_the_last_tenth_of_a_text_is_held_out_with_what_precedes_it() -> None:
    held = hold_out(TEXT, vocab_size=VOCAB_SIZE, context=4)
    assert held.ids.tolist() == [*TEXT[-3004:].tolist(), NO_ID]
    assert held.is_held.tolist() == [*[False] * 4, *[True] * 3000, False]
    assert held.weights.tolist() == [1] * 3005


def test_a_random_tenth_of_many_texts_is_held_out_whole() -> None:
    held = hold_out(RECORDS, vocab_size=VOCAB_SIZE, context=4)
    ends = np.flatnonzero(held.ids == NO_ID)
    chosen = [piece[piece != NO_ID].tolist() for piece in np.split(held.ids, ends + 1)[:-1]]
    assert 0 < len(chosen) < len(RECORDS) / 5
    assert all(record in RECORDS for record in chosen)
    assert held.is_held.tolist() == (held.ids != NO_ID).tolist()


@given(st.lists(st.lists(st.integers(0, 4), max_size=9), min_size=1, max_size=7), st.integers(0, 12))
def test_the_newest_ids_are_the_last(texts: list[list[int]], count: int) -> None:
    everything = [token_id for text in texts for token_id in text]
    found = newest(texts, min(count, len(everything)), vocab_size=VOCAB_SIZE)
    assert found.ids.tolist() == everything[len(everything) - min(count, len(everything)) :]
    assert found.lengths.sum() == len(found.ids)


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=9), min_size=1, max_size=7), st.lists(st.integers(1, 4)), st.data()
)
def test_repeated_texts_are_held_out_together_in_any_order_and_like_one_with_a_weight(
    texts: list[list[int]], times: list[int], data: st.DataObject
) -> None:
    distinct = [list(text) for text in dict.fromkeys(map(tuple, texts))]
    weights = np.array([*times, *[1] * len(distinct)][: len(distinct)])
    listed = [text for text, number in zip(distinct, weights.tolist(), strict=True) for _ in range(number)]
    shuffled = data.draw(st.permutations(listed))
    weighted = JoinedTexts(
        np.array([token_id for text in distinct for token_id in text], dtype=np.int64),
        np.array(list(map(len, distinct))),
        weights,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_out, "MANY", 1)
        patch.setattr(held_out, "SHARE", 0.5)
        found, of_weighted = (hold_out(given, vocab_size=VOCAB_SIZE, context=3) for given in (shuffled, weighted))
    chosen = [piece[:-1].tolist() for piece in np.split(found.ids, np.flatnonzero(found.ids == NO_ID) + 1)[:-1]]
    for text in distinct:
        assert chosen.count(text) in (0, listed.count(text))
    assert len(found.ids) == of_weighted.weights.sum()
    assert set(map(tuple, chosen)) == {
        tuple(piece[:-1].tolist())
        for piece in np.split(of_weighted.ids, np.flatnonzero(of_weighted.ids == NO_ID) + 1)[:-1]
    }


def test_repetitions_do_not_make_tuning_trust_what_it_has_seen() -> None:
    generator = np.random.default_rng(0)
    records = [generator.choice(5, 8, p=[0.4, 0.3, 0.15, 0.1, 0.05]).tolist() for _ in range(1500)]
    new = [generator.choice(5, 8, p=[0.4, 0.3, 0.15, 0.1, 0.05]).tolist() for _ in range(300)]
    lengths = np.full(len(new), 8)
    tuned, learned = (
        -NGramTable.fit(records * 3, vocab_size=VOCAB_SIZE, order=5, smoothing=smoothing)
        .scores(np.concatenate(new), lengths)
        .mean()
        for smoothing in ("tuned", "learned")
    )
    assert tuned < learned + 0.01


def test_weights_of_texts_are_those_of_what_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "MANY", 2)
    monkeypatch.setattr(held_out, "SHARE", 1.0)
    texts = JoinedTexts(np.array([0, 1, 2]), np.array([1, 2]), np.array([5, 7]))
    held = hold_out(texts, vocab_size=VOCAB_SIZE, context=0)
    assert held.ids.tolist() == [0, NO_ID, 1, 2, NO_ID]
    assert held.weights.tolist() == [5, 5, 7, 7, 7]


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=40), st.integers(1, 5))
def test_the_n_grams_that_end_at_each_id_are_found(ids: list[int], order: int) -> None:
    counts = NGramCounts.from_tokens(TEXT[:300], vocab_size=VOCAB_SIZE, order=order)
    grams: list[tuple[int, ...]] = [()]
    for key in counts.keys.tolist():
        grams.append((*grams[key // VOCAB_SIZE], key % VOCAB_SIZE))
    nodes = {gram: node for node, gram in enumerate(grams)}
    for length, found in enumerate(ending_nodes(counts, np.array(ids)), 1):
        expected = [nodes.get(tuple(ids[max(end - length, 0) : end]), 0) for end in range(1, len(ids) + 1)]
        assert found.tolist() == [node if end >= length else 0 for end, node in enumerate(expected, 1)]


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_loss_of_a_text_is_that_of_a_model_of_the_rest(order: int) -> None:
    counts = NGramCounts.from_tokens(TEXT, vocab_size=VOCAB_SIZE, order=order)
    suffixes = suffix_nodes(counts.keys, counts.levels, VOCAB_SIZE)
    held = hold_out(TEXT, vocab_size=VOCAB_SIZE, context=order)
    found = Tuning(counts, suffixes, held, ()).losses()[order - 1]
    # The n-grams that begin before the seam and end after it belong to what is held out.
    table = NGramTable.fit(TEXT[:-3000], vocab_size=VOCAB_SIZE, order=order)
    scores = table.scores(TEXT[-3000 - order :], np.array([3000 + order]))[order - 1 :]
    assert found == pytest.approx(-scores.mean(), abs=1e-9)


def test_the_loss_of_records_is_that_of_a_model_of_the_others() -> None:
    framed = [[3, *(token_id % 3 for token_id in record), 4] for record in RECORDS]
    counts = NGramCounts.from_tokens(framed, vocab_size=VOCAB_SIZE, order=3)
    suffixes = suffix_nodes(counts.keys, counts.levels, VOCAB_SIZE)
    held = hold_out(framed, vocab_size=VOCAB_SIZE, context=3)
    found = Tuning(counts, suffixes, held, (3,)).losses()[2]
    chosen = [piece[:-1].tolist() for piece in np.split(held.ids, np.flatnonzero(held.ids == NO_ID) + 1)[:-1]]
    rest = list(framed)
    for record in chosen:
        rest.remove(record)
    table = NGramTable.fit(rest, vocab_size=VOCAB_SIZE, order=3, context_only=[3])
    lengths = np.array([len(record) for record in chosen])
    assert found == pytest.approx(-table.scores(np.concatenate(chosen), lengths).mean(), abs=1e-9)


def tuning_of(records: list[list[int]] | JoinedTexts) -> Tuning:
    counts = NGramCounts.from_tokens(RECORDS * 2, vocab_size=VOCAB_SIZE, order=3)
    suffixes = suffix_nodes(counts.keys, counts.levels, VOCAB_SIZE)
    return Tuning(counts, suffixes, hold_out(records, vocab_size=VOCAB_SIZE, context=3), ())


def test_texts_with_weights_have_the_loss_of_as_many_texts() -> None:
    weighted = JoinedTexts(np.concatenate(RECORDS), np.full(len(RECORDS), 12), np.full(len(RECORDS), 2))
    constants = shipped_constants(3)
    loss, derivatives = tuning_of(RECORDS * 2).loss(constants)
    of_weighted, derivatives_of_weighted = tuning_of(weighted).loss(constants)
    assert of_weighted == pytest.approx(loss, abs=1e-9)
    assert derivatives_of_weighted == pytest.approx(derivatives, abs=1e-9)


def test_the_derivatives_of_the_loss_are_those_of_finite_differences() -> None:
    tuning, constants, step = tuning_of(RECORDS * 2), shipped_constants(3), 1e-5
    _, derivatives = tuning.loss(constants)
    for place in np.ndindex(constants.shape):
        change = np.zeros_like(constants)
        change[place] = step
        slope = (tuning.loss(constants + change)[0] - tuning.loss(constants - change)[0]) / (2 * step)
        assert derivatives[place] == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_tuning_improves_what_is_held_out() -> None:
    counts = NGramCounts.from_tokens(TEXT, vocab_size=VOCAB_SIZE, order=4)
    suffixes = suffix_nodes(counts.keys, counts.levels, VOCAB_SIZE)
    tuning = Tuning(counts, suffixes, hold_out(TEXT, vocab_size=VOCAB_SIZE, context=4), ())
    constants = tuning.tuned(4)
    rest = NGramCounts.from_tokens(TEXT[:-3000], vocab_size=VOCAB_SIZE, order=4)
    of_rest = suffix_nodes(rest.keys, rest.levels, VOCAB_SIZE)
    empty = NGramTable(vocab_size=VOCAB_SIZE, order=4)
    tuned, shipped = (
        -empty.holding(rest.keys, rest.counts, estimate(rest, of_rest, own))
        .scores(TEXT[-3000:], np.array([3000]))
        .mean()
        for own in (constants, shipped_constants(4))
    )
    assert tuned < shipped


def test_the_order_is_the_lowest_that_is_about_as_good_as_any() -> None:
    alternating = np.tile([0, 1, 2, 2], 5000)  # the id before the last says what comes after a 2
    table = NGramTable.fit(alternating, vocab_size=3, smoothing="learned")
    assert table.order == 3
    assert NGramTable.fit(iter(alternating.tolist()), vocab_size=3, smoothing="tuned").order == 3


def test_the_order_of_a_long_text_is_chosen_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "CHOSEN_FROM", 12_000)
    text = np.concatenate([np.random.default_rng(0).integers(0, 3, 20_000), np.tile([0, 1, 2, 2], 5000)])
    table = NGramTable.fit(text, vocab_size=3, smoothing="learned")
    assert table.order == 3
    assert table.counts[: table.levels[1]].sum() == len(text)


def test_an_order_above_the_usual_one_is_not_chosen_where_it_has_too_many_n_grams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Only ten ids back stands what comes next.
    blocks = np.random.default_rng(0).integers(0, 3, (1500, 9))
    text = np.concatenate([blocks, blocks], axis=1).ravel()
    assert NGramTable.fit(text, vocab_size=3).order > ORDER
    monkeypatch.setattr(fitting, "MOST_NGRAMS", 10)
    assert NGramTable.fit(text, vocab_size=3).order == ORDER


@pytest.mark.parametrize("smoothing", ["tuned", "learned"])
def test_a_text_too_short_to_tell_gets_what_comes_with_the_library(smoothing: str) -> None:
    table = NGramTable.fit(TEXT[:900], vocab_size=VOCAB_SIZE, smoothing=smoothing)  # type: ignore[arg-type]
    assert (table.order, table.smoothing) == (7, "learned")


def test_texts_in_every_form_are_tuned_alike() -> None:
    expected = NGramTable.fit(TEXT, vocab_size=VOCAB_SIZE, order=3, smoothing="tuned")
    assert expected.smoothing == "tuned"
    for tokens in ([TEXT], iter(TEXT.tolist()), JoinedTexts(TEXT, np.array([len(TEXT)]))):
        table = NGramTable.fit(tokens, vocab_size=VOCAB_SIZE, order=3, smoothing="tuned")
        assert np.array_equal(table.constants, expected.constants)


def test_counts_cannot_be_tuned_on() -> None:
    counts = NGramCounts.from_tokens(TEXT, vocab_size=VOCAB_SIZE, order=3)
    with pytest.raises(ValueError, match="'tuned' needs texts, to hold some out, got counts: use 'learned'"):
        NGramTable.fit(counts, vocab_size=VOCAB_SIZE, order=3, smoothing="tuned")


def test_an_unknown_smoothing_is_refused() -> None:
    with pytest.raises(ValueError, match="smoothing must be 'tuned', 'learned' or 'kneser-ney', got 'laplace'"):
        NGramTable.fit(TEXT, vocab_size=VOCAB_SIZE, order=3, smoothing="laplace")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="smoothing must be 'tuned', 'learned' or 'kneser-ney', got list"):
        NGramTable.fit(TEXT, vocab_size=VOCAB_SIZE, order=3, smoothing=["tuned"])  # type: ignore[arg-type]


def test_a_minimum_is_found_in_a_narrow_valley() -> None:
    def valley(point: np.ndarray) -> tuple[float, np.ndarray]:
        x, y = point
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2, np.array(
            [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
        )

    found = minimize(valley, np.array([-1.2, 1.0]), max_steps=200, tolerance=0)
    np.testing.assert_allclose(found, [1, 1], atol=1e-5)


@pytest.mark.parametrize("total", [10**4, 10**6, 10**8])
def test_frequent_records_of_a_list_of_frequencies_stay_frequent(total: int) -> None:
    words = ["".join(pair) for pair in product("abcdefghij", repeat=2)]
    counts = {word: max(1, round(total / 5.2 / rank)) for rank, word in enumerate(words, 1)}
    lm = CharLM.fit(counts)
    share = counts[words[0]] / sum(counts.values())
    assert math.exp(lm.score_samples([words[0]])[0]) == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("counts", [{"the": 10**7, "of": 3}, {"the": 2 * 10**6, "of": 10**6}, {"a": 10**8, "b": 1}])
def test_a_few_frequent_records_are_a_model(counts: dict[str, int]) -> None:
    first, *_ = counts
    assert math.exp(CharLM.fit(counts).score_samples([first])[0]) == pytest.approx(
        counts[first] / sum(counts.values()), rel=0.1
    )


def test_the_share_of_distinct_texts_is_that_of_few_of_very_many() -> None:
    texts = [np.array(divmod(number % 997, 31)) for number in range(5000)]
    assert share_of_distinct(texts, vocab_size=33) == pytest.approx(997 / 5000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_out, "MOST_HASHES", 500)
        assert share_of_distinct(texts, vocab_size=33) == pytest.approx(997 / 5000, rel=0.3)
    assert share_of_distinct(np.zeros(5000, dtype=np.int64), vocab_size=33) == 1


def test_why_a_model_is_not_tuned_is_that_its_texts_are_the_same_or_short() -> None:
    assert fitting.why_untuned([[0, 1]] * 5000, vocab_size=VOCAB_SIZE) == "equal"
    assert fitting.why_untuned([[0, 1], [2]], vocab_size=VOCAB_SIZE) == "short"
