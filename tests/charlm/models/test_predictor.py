"""Whatever the family, a model's predictor says one thing, whichever way it is asked, and what the model says."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from charlm import (
    IGNORE_INDEX,
    BigramLanguageModel,
    MixtureLanguageModel,
    TextDataset,
    evaluate,
    generate,
    score,
)
from charlm.evaluation import scoring
from charlm.generation.ids import stream_ids
from charlm.generation.settings import SamplingSettings
from charlm.models import adapter
from charlm.models.ngram import backoff, search
from charlm.models.predictor import log_softmax
from charlm.models.registry import as_language_model
from families import EXACT, NEVER, ROUNDED, SIZE, Family, families
from lively_gpt import TINY, lively
from reference_model import Reference
from strategies import costly

every_family = pytest.mark.parametrize("family", [*families(), *families(NEVER)], ids=str)
with_context_only = pytest.mark.parametrize("family", families(NEVER), ids=str)
texts = st.lists(st.integers(0, SIZE - 1), max_size=20)
nonempty_texts = st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=20)
few = st.integers(1, 12)


def joined(texts: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the ids of all texts, one text after the other, and how many each has."""
    return np.array([token_id for ids in texts for token_id in ids], dtype=np.int64), np.array(
        list(map(len, texts)), dtype=np.int64
    )


def close(found: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@every_family
@costly(15)
@given(ids=nonempty_texts, places_at_once=few)
def test_distributions_are_what_the_model_says_after_each_id(
    family: Family, ids: list[int], places_at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backoff, "ROWS_AT_ONCE", places_at_once)
        patch.setattr("charlm.models.bigram.table.ROWS_AT_ONCE", places_at_once)
        rows = np.concatenate(list(family.model.predictor().distributions(np.array(ids))))
    assert rows.shape == (len(ids), SIZE)
    for place, row in enumerate(rows, start=1):
        close(row, family.log_probabilities_after(ids[family.context(place) : place]), family.tolerance)


@every_family
@costly(15)
@given(ids=texts)
def test_scores_are_the_distributions_at_what_came(family: Family, ids: list[int]) -> None:
    predictor = family.model.predictor()
    scores = predictor.scores(*joined([ids]))
    assert scores.dtype == np.float64
    assert scores.shape == (max(0, len(ids) - 1),)
    if scores.size:
        rows = np.concatenate(list(predictor.distributions(np.array(ids))))
        close(scores, rows[np.arange(len(scores)), ids[1:]], family.tolerance)


@every_family
@costly(15)
@given(ids=nonempty_texts.filter(lambda ids: len(ids) > 1))
def test_scores_are_the_log_probabilities_of_the_model(family: Family, ids: list[int]) -> None:
    ids = ids[: 1 + (family.model.predictor().block_size or len(ids))]
    row = torch.tensor([ids])
    with torch.no_grad():
        expected = family.in_torch.log_probabilities(row[:, :-1], row[:, 1:])[0]
    close(family.model.predictor().scores(*joined([ids])), expected, family.tolerance)


@every_family
@costly(15)
@given(ids=nonempty_texts, split=st.integers(1, 20))
def test_a_start_and_steps_say_what_the_distributions_do(family: Family, ids: list[int], split: int) -> None:
    predictor = family.model.predictor()
    rows = np.concatenate(list(predictor.distributions(np.array(ids))))
    begin = min(split, len(ids))
    logits, state = predictor.start(np.array([ids[:begin]]))
    for place in range(begin, len(ids) + 1):
        assert logits.shape == (1, SIZE)
        close(log_softmax(logits[0].astype(np.float64)), rows[place - 1], family.tolerance)
        if place < len(ids):
            logits, state = predictor.step(np.array([ids[place]]), state)


@every_family
@costly(15)
@given(ids=nonempty_texts)
def test_of_a_long_prompt_at_least_half_a_block_counts(family: Family, ids: list[int]) -> None:
    predictor = family.model.predictor()
    nearest = ids[family.context(len(ids)) :]
    assert len(nearest) > min(len(ids) - 1, (predictor.block_size or len(ids)) // 2)
    logits, _ = predictor.start(np.array([ids]))
    close(log_softmax(logits[0].astype(np.float64)), family.log_probabilities_after(nearest), family.tolerance)


@costly(25)
@given(
    ids=st.lists(st.integers(0, SIZE - 1), min_size=2, max_size=60),
    block_size=st.integers(1, 9),
    seed=st.integers(0, 3),
)
def test_the_score_of_an_id_is_what_is_predicted_there_whatever_the_block(
    ids: list[int], block_size: int, seed: int
) -> None:
    gpt = lively(replace(TINY, block_size=block_size), seed=seed)
    own = Reference(SIZE, block_size)
    for model in (gpt, own, MixtureLanguageModel([gpt, own])):
        predictor = model.predictor()
        predicted = [
            log_softmax(predictor.start(np.array([ids[:place]]))[0][0].astype(np.float64))
            for place in range(1, len(ids))
        ]
        expected = [row[token_id] for row, token_id in zip(predicted, ids[1:], strict=True)]
        close(predictor.scores(*joined([ids])), expected, ROUNDED)
        close(np.concatenate(list(predictor.distributions(np.array(ids))))[:-1], predicted, ROUNDED)
        close(-evaluate(model, TextDataset(ids, block_size=1)).nats_per_character, np.mean(expected), ROUNDED)


@every_family
@costly(15)
@given(several=st.lists(texts, max_size=6), ids_at_once=few, places_at_once=few)
def test_several_texts_are_scored_side_by_side_as_one_by_one(
    family: Family, several: list[list[int]], ids_at_once: int, places_at_once: int
) -> None:
    predictor = family.model.predictor()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "ids_at_once", lambda *_: ids_at_once)
        patch.setattr(search, "PLACES_AT_ONCE", places_at_once)
        together = predictor.scores(*joined(several))
    one_by_one = [predictor.scores(*joined([ids])) for ids in several]
    close(together, np.concatenate([np.empty(0), *one_by_one]), family.tolerance)
    for found, expected in zip(score(family.model, several), one_by_one, strict=True):
        close(found, expected, family.tolerance)


@every_family
@costly(10)
@given(
    rows=st.integers(1, 8).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, SIZE - 1), min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
def test_several_prompts_go_on_side_by_side_as_one_by_one(family: Family, rows: list[list[int]]) -> None:
    predictor = family.model.predictor()
    logits, state = predictor.start(np.array(rows))
    own = [predictor.start(np.array([row])) for row in rows]
    close(logits, np.concatenate([alone for alone, _ in own]), family.tolerance)
    newest = np.arange(len(rows)) % SIZE
    logits, _ = predictor.step(newest, state)
    own = [predictor.step(newest[place : place + 1], before) for place, (_, before) in enumerate(own)]
    close(logits, np.concatenate([alone for alone, _ in own]), family.tolerance)


def plainly_evaluated(family: Family, ids: list[int], stride: int | None) -> tuple[float, int]:
    """Returns the loss over a stream, in nats, and how many ids count: place by place, each from its own context."""
    total, counted = 0.0, 0
    for target in range(1, len(ids)):
        begin = family.context(target, stride)
        if ids[target] not in family.model.predictor().context_only:
            total -= family.log_probabilities_after(ids[begin:target])[ids[target]]
            counted += 1
    return total, counted


@every_family
@costly(15)
@given(
    ids=st.lists(st.integers(1, SIZE - 1), min_size=2, max_size=30),
    stride=st.none() | st.integers(1, 8),
    targets_at_once=few,
)
def test_an_evaluation_is_the_mean_over_all_places(
    family: Family, ids: list[int], stride: int | None, targets_at_once: int
) -> None:
    ids = [*ids, 1]  # what is an outcome in any case
    block_size = family.model.predictor().block_size
    if stride is not None:
        stride = None if block_size is None else min(stride, block_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "TARGETS_AT_ONCE", targets_at_once)
        found = evaluate(family.model, TextDataset(ids, block_size=1), stride=stride)
    total, counted = plainly_evaluated(family, ids, stride)
    assert found.characters == counted
    if math.isfinite(total):
        assert found.nats_per_character == pytest.approx(total / counted, rel=family.tolerance, abs=family.tolerance)
    else:
        assert found.nats_per_character == math.inf


def test_where_every_id_is_a_context_only_there_is_nothing_to_evaluate() -> None:
    for family in families(NEVER):
        with pytest.raises(ValueError, match="every target is masked, or in context_only"):
            evaluate(family.model, TextDataset([1, 0, 5, 0], block_size=1))


def test_count_models_say_in_arrays_what_their_faces_in_pytorch_say() -> None:
    ids = np.random.default_rng(1).integers(0, SIZE, (4, 9))
    for never in ((), NEVER):
        for family in families(never):
            if family.model is as_language_model(family.model):
                continue
            face, predictor = as_language_model(family.model), family.model.predictor()
            tolerance = ROUNDED if family.model.family == "bigram" else EXACT  # its logits are float32
            of_face = face.predictor()
            lengths = np.full(4, 9)
            close(of_face.scores(ids.ravel(), lengths), predictor.scores(ids.ravel(), lengths), tolerance)
            for row in ids:
                expected = np.concatenate(list(predictor.distributions(row)))
                close(np.concatenate(list(of_face.distributions(row))), expected, tolerance)
            for name in ("vocab_size", "block_size", "history", "period", "context_only"):
                assert getattr(of_face, name) == getattr(predictor, name), name
            assert face.settings() == family.model.settings()


# -------------------------------------------------------------------------------------- ids that are contexts only


@with_context_only
@costly(20)
@given(ids=nonempty_texts)
def test_after_any_context_what_may_come_sums_to_one_and_a_context_only_has_none(
    family: Family, ids: list[int]
) -> None:
    predictor = family.model.predictor()
    assert predictor.context_only == NEVER
    rows = [row for block in predictor.distributions(np.array(ids)) for row in block]
    logits, state = predictor.start(np.array([ids]))
    stepped, _ = predictor.step(np.array([ids[0]]), state)
    rows += [log_softmax(given[0].astype(np.float64)) for given in (logits, stepped)]
    for row in rows:
        probabilities = np.exp(row.astype(np.float64))
        assert probabilities.sum() == pytest.approx(1, abs=family.tolerance)
        assert (probabilities[list(NEVER)] == 0).all()
    for token_id in NEVER:
        assert predictor.scores(*joined([[*ids, token_id]]))[-1] == -math.inf


@with_context_only
def test_an_id_that_is_a_context_only_is_never_generated(family: Family) -> None:
    for settings in (None, SamplingSettings(temperature=100.0), SamplingSettings(repetition_penalty=5.0)):
        samples: list[Any] = generate(family.model, [0, 5], max_new_tokens=60, n_samples=4, seed=1, settings=settings)
        for ids in samples:
            assert not set(NEVER) & set(ids.tolist()[2:])
        assert not set(NEVER) & set(stream_ids(family.model, [5, 0], max_new_tokens=60, settings=settings))
    with pytest.raises(ValueError, match="there is no id to draw"):
        generate(family.model, [1], max_new_tokens=1, allowed=NEVER)


@with_context_only
@costly(10)
@given(ids=st.lists(st.integers(1, SIZE - 1), min_size=1, max_size=6), data=st.data())
def test_a_loss_does_not_count_targets_that_are_contexts_only(
    family: Family, ids: list[int], data: st.DataObject
) -> None:
    model = family.in_torch
    ids = ids[: family.model.predictor().block_size]
    targets = data.draw(st.lists(st.integers(0, SIZE - 1), min_size=len(ids), max_size=len(ids)))
    targets[-1] = 1  # something that counts
    ignored = [IGNORE_INDEX if token_id in NEVER else token_id for token_id in targets]
    with torch.no_grad():
        logits, loss = model(torch.tensor([ids]), torch.tensor([targets]))
        _, expected = model(torch.tensor([ids]), torch.tensor([ignored]))
        log_probabilities = logits[0].log_softmax(-1)
    assert loss is not None
    assert expected is not None
    assert loss == expected
    counted = [-log_probabilities[place, target].item() for place, target in enumerate(targets) if target not in NEVER]
    assert loss.item() == pytest.approx(np.mean(counted), rel=1e-5)


def test_of_a_long_prompt_a_model_steps_through_what_it_needs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, steps = BigramLanguageModel(SIZE, seed=1), list[int]()
    step = model.step
    monkeypatch.setattr(model, "step", lambda ids, state: steps.append(len(ids)) or step(ids, state))  # type: ignore[func-returns-value]
    logits, _ = model.predictor().start(np.array([[2, 1] * 1000, [0, 3] * 1000]))
    assert steps == [2]
    close(logits, model.table.detach().numpy()[[1, 3]], ROUNDED)


@every_family
@costly(15)
@given(data=st.data(), length=st.integers(1, 12))
def test_rows_that_are_selected_from_several_states_go_on_as_if_they_had_been_started_together(
    family: Family, data: st.DataObject, length: int
) -> None:
    rows_of_ids = st.lists(st.lists(st.integers(0, SIZE - 1), min_size=length, max_size=length), min_size=1, max_size=3)
    first, second = data.draw(rows_of_ids), data.draw(rows_of_ids)
    rows = data.draw(st.lists(st.integers(0, len(first) + len(second) - 1), min_size=1, max_size=5))
    predictor = family.model.predictor()
    states = [predictor.start(np.array(ids))[1] for ids in (first, second)]
    state = predictor.select(states, np.array(rows))
    together = np.array([(first + second)[row] for row in rows])
    for newest in data.draw(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=3)):
        column = np.full(len(rows), newest)
        logits, state = predictor.step(column, state)
        together = np.column_stack([together, column])
        close(log_softmax(logits), log_softmax(predictor.start(together)[0]), family.tolerance)


@every_family
def test_a_state_is_still_good_after_rows_of_it_have_gone_on(family: Family) -> None:
    predictor = family.model.predictor()
    _, state = predictor.start(np.array([[1, 2], [2, 1]]))
    for rows in ([0, 1], [1, 0], [0]):
        predictor.step(np.array([3] * len(rows)), predictor.select([state], np.array(rows)))
    logits, _ = predictor.step(np.array([2, 3]), state)
    close(log_softmax(logits), log_softmax(predictor.start(np.array([[1, 2, 2], [2, 1, 3]]))[0]), family.tolerance)


def test_a_family_whose_states_are_no_tensors_is_told_to_override_select() -> None:
    with pytest.raises(TypeError, match="the states of a model of the family reference are dict: override select"):
        Reference(SIZE).select([{}], torch.tensor([0]))
