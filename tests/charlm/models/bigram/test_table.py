"""Promises of the bigram table in NumPy, and of its face in PyTorch."""

import math
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import BigramLanguageModel
from charlm.data.dataset import JoinedTexts
from charlm.models.bigram.table import BigramTable

VOCAB_SIZE = 5
BOS = 4

texts = st.lists(st.lists(st.integers(0, VOCAB_SIZE - 1), max_size=20), min_size=1, max_size=6).filter(any)
smoothings = st.sampled_from([0.0, 0.5, 1.0])
never = st.sampled_from([(), (BOS,), (0, BOS)])


def joined(some_texts: list[list[int]], weights: list[int] | None = None) -> JoinedTexts:
    return JoinedTexts(
        np.array([token_id for text in some_texts for token_id in text], dtype=np.int64),
        np.array(list(map(len, some_texts))),
        None if weights is None else np.array(weights),
    )


def fitted(tokens: Any, smoothing: float = 1.0, context_only: tuple[int, ...] = ()) -> BigramTable:
    return BigramTable.fit(tokens, vocab_size=VOCAB_SIZE, smoothing=smoothing, context_only=context_only)


@given(texts, smoothings, never)
def test_probabilities_are_counted_and_sum_to_one(
    some_texts: list[list[int]], smoothing: float, context_only: tuple[int, ...]
) -> None:
    found = fitted(some_texts, smoothing, context_only).probabilities
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-9)
    outcomes = [token_id for token_id in range(VOCAB_SIZE) if token_id not in context_only]
    everything = [token_id for text in some_texts for token_id in text if token_id in outcomes]
    for current in range(VOCAB_SIZE):
        pairs = [pair for text in some_texts for pair in pairwise(text)]
        following = [b for a, b in pairs if a == current and b in outcomes] or everything
        total = len(following) + smoothing * len(outcomes)
        for token_id in range(VOCAB_SIZE):
            if token_id in context_only:
                assert found[current, token_id] == 0
                continue
            expected = (following.count(token_id) + smoothing) / total if total else 1 / len(outcomes)
            assert found[current, token_id] == pytest.approx(expected, rel=1e-6)


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=20), st.integers(0, 4)), min_size=1, max_size=6).filter(
        lambda weighted: any(text and weight for text, weight in weighted)
    ),
    smoothings,
    never,
)
def test_a_weight_is_how_often_a_text_counts(
    weighted: list[tuple[list[int], int]], smoothing: float, context_only: tuple[int, ...]
) -> None:
    some_texts, weights = [text for text, _ in weighted], [weight for _, weight in weighted]
    repeated = [text for text, weight in weighted for _ in range(weight)]
    found = fitted(joined(some_texts, weights), smoothing, context_only)
    np.testing.assert_allclose(found.table, fitted(repeated, smoothing, context_only).table, rtol=1e-6)
    mixed = fitted([joined(some_texts), joined(some_texts, weights)], smoothing, context_only)
    np.testing.assert_allclose(mixed.table, fitted([*some_texts, *repeated], smoothing, context_only).table, rtol=1e-6)


@given(texts, never, texts)
def test_scores_distributions_and_steps_agree(
    some_texts: list[list[int]], context_only: tuple[int, ...], scored: list[list[int]]
) -> None:
    table = fitted(some_texts, 1.0, context_only)
    expected = [table.log_rows[a, b] for text in scored for a, b in pairwise(text)]
    assert table.scores(joined(scored).ids, joined(scored).lengths).tolist() == expected
    ids = np.array([token_id for text in scored for token_id in text])
    assert np.array_equal(np.concatenate(list(table.distributions(ids))), table.log_rows[ids])
    assert np.array_equal(table.start(ids[None])[0], table.step(ids[-1:], None)[0])
    again = pickle.loads(pickle.dumps(table))  # noqa: S301 - our own
    assert np.array_equal(again.log_rows, table.log_rows)


@given(texts, smoothings, never)
def test_a_table_and_its_face_are_one_model(
    some_texts: list[list[int]], smoothing: float, context_only: tuple[int, ...]
) -> None:
    table = fitted(some_texts, smoothing, context_only)
    model = BigramLanguageModel(VOCAB_SIZE, context_only=context_only).fit(some_texts, smoothing=smoothing)
    face = BigramLanguageModel.of(table)
    assert face.settings() == model.settings() == table.settings()
    assert torch.equal(face.table, model.table)
    logits = face.logits(torch.arange(VOCAB_SIZE)[None])[0].detach().numpy()
    np.testing.assert_allclose(np.exp(logits), table.probabilities, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "context_only", "message"),
    [
        (lambda table: table * math.nan, (), "a logit is NaN or infinite"),
        (lambda table: table + math.inf, (), "a logit is NaN or infinite"),
        (lambda table: table - math.inf, (), "no possible successor"),
        (lambda table: np.where(np.arange(VOCAB_SIZE) == BOS, table, -math.inf), (BOS,), "no possible successor"),
        (lambda table: table.astype(np.int64), (), "table must be floating point of shape"),
        (lambda table: table[:-1], (), "table must be floating point of shape"),
    ],
)
def test_a_table_that_is_none_is_refused_by_both(change: Any, context_only: tuple[int, ...], message: str) -> None:
    table = change(fitted([0, 1, 2, 3, 4, 0], context_only=context_only).table)
    settings = {"vocab_size": VOCAB_SIZE, "context_only": list(context_only)}
    with pytest.raises(ValueError, match=message):
        BigramTable.from_arrays(settings, {"table": table})
    model = BigramLanguageModel(VOCAB_SIZE, seed=1, context_only=context_only)
    with pytest.raises(RuntimeError, match=message):
        model.load_state_dict({"table": torch.from_numpy(table)})
    expected = BigramLanguageModel(VOCAB_SIZE, seed=1).table
    assert torch.equal(model.table, expected)
