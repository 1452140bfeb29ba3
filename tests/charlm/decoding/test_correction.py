"""Corrections beside all texts that there are, and what becomes of whole texts."""

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.decoding import beam
from charlm.decoding.channel import Channel
from charlm.decoding.correction import Corrector
from charlm.decoding.edit_table import LEAST_KEPT
from chartok import Vocabulary
from decoders import counted, strings, transformer
from strategies import costly

CATS = CharLM.fit("the cat sat on the mat. the dog sat on the log. " * 50, order=6)
CHANNELS = st.builds(
    Channel,
    substitutions=st.just({"a": {"b": 0.2, "c": 0.1}, "b": {"a": 0.3}, "c": {"?": 0.3}}),
    deletions=st.sampled_from([0.0, 0.1]) | st.just({"a": 0.2}),
    insertions=st.sampled_from([0.0, 0.2]) | st.just({"b": 0.1, "?": 0.2}),
    transpositions=st.sampled_from([0.0, 0.1]),
    most_deletions=st.integers(1, 2),
)


def log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def best_cause(channel: Channel, true: str, seen: str, *, n_symbols: int, has_start: bool) -> float:
    """Returns ln P(seen | true) of the likeliest edits, as plainly as can be."""
    inserted = channel.insertions
    total = inserted if isinstance(inserted, float) else sum(inserted.values())

    def insertion(symbol: str) -> float:
        return log(inserted / n_symbols if isinstance(inserted, float) else inserted.get(symbol, 0.0))

    @cache
    def best(i: int, j: int, put_back: int, owed: str) -> float:
        if i == len(seen) and j == len(true) and not owed:
            return 0.0
        ways = [-math.inf]
        if owed:
            return best(i + 1, j + 1, 0, "") if j < len(true) and i < len(seen) and true[j] == owed else -math.inf
        none = math.log1p(-total)
        if j < len(true) and put_back < channel.most_deletions and (has_start or j > 0):
            ways.append(best(i, j + 1, put_back + 1, "") + log(channel.deletion(true[j])) + none)
        if i < len(seen):
            ways.append(best(i + 1, j, 0, "") + insertion(seen[i]))
        if i < len(seen) and j < len(true):
            share = channel.substitutions.get(true[j], {}).get(seen[i], 0.0)
            cost = max(log(channel.kept(true[j])), LEAST_KEPT) if true[j] == seen[i] else log(share)
            ways.append(best(i + 1, j + 1, 0, "") + cost + none)
            if i + 1 < len(seen) and true[j] == seen[i + 1] != seen[i]:
                ways.append(best(i + 1, j + 1, 0, seen[i]) + log(channel.transpositions) + 2 * none)
        return max(ways)

    return best(0, 0, 0, "")


@costly(30)
@given(
    channel=CHANNELS,
    seen=st.text("abc", max_size=4),
    order=st.integers(1, 4),
    roles=st.sampled_from([[], ["bos"], ["bos", "eos"], ["bos", "eos", "unk"]]),
)
def test_a_wide_beam_finds_the_likeliest_of_all_texts(channel: Channel, seen: str, order: int, roles: Any) -> None:
    lm = counted(Vocabulary("abc", special_tokens=roles), order)
    texts = strings("abc", len(seen) + 1)
    channel_scores = [best_cause(channel, text, seen, n_symbols=3, has_start="eos" in roles) for text in texts]
    expected = np.array(channel_scores) + lm.score_samples(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beam, "MARGIN", math.inf)
        found = Corrector(lm.vocabulary, lm.predictor, channel, beam_width=100_000).corrections([seen, seen[:1], seen])
    assert found[0] == found[2]
    longer = found[0].score > expected.max() + 1e-9  # by a text with more symbols put back than were enumerated
    assert longer == (len(found[0].text) > len(seen) + 1)
    if not longer:
        assert found[0].score == pytest.approx(expected.max())
        assert expected[texts.index(found[0].text)] == pytest.approx(expected.max())


@costly(10)
@given(seen=st.text("abc", max_size=3), block_size=st.integers(2, 5), roles=st.sampled_from([[], ["bos", "eos"]]))
def test_a_transformer_corrects_as_well(seen: str, block_size: int, roles: Any) -> None:
    lm = transformer(roles, block_size)
    channel = Channel(substitutions={"a": {"b": 0.3}}, deletions={"a": 0.2}, insertions=0.2)
    texts = strings("abcd", len(seen) + 1)
    scores = [best_cause(channel, text, seen, n_symbols=4, has_start="eos" in roles) for text in texts]
    expected = (np.array(scores) + lm.score_samples(texts)).max()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beam, "MARGIN", math.inf)
        found = Corrector(lm.vocabulary, lm.predictor, channel, beam_width=10_000).corrections([seen, "ab"])[0]
    assert found.score >= expected - 1e-3
    if len(found.text) <= len(seen) + 1:
        assert found.score == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("error", [1e-3, 1e-6, 1e-9])
def test_a_rare_edit_is_found_that_only_what_follows_shows(error: float) -> None:
    lm = CharLM.fit(["xc", "yd"], "bigram", smoothing=0)
    assert lm.correct("yc", channel=Channel(substitutions={"x": {"y": error}})) == "xc"


def test_a_long_text_is_corrected_in_the_memory_of_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = "the cst sat on teh mat. " * 40
    expected = CATS.correct(seen)
    assert expected == "the cat sat on the mat. " * 40
    monkeypatch.setattr(beam, "MOST_NODES", 500)
    assert CATS.correct([seen, seen[:100]])[0] == expected
