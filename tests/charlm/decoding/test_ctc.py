"""Transcriptions beside all ways to spread all texts over the frames."""

import math
from itertools import groupby, product
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, ctc_decode, ctc_decode_batch
from chartok import Vocabulary
from decoders import counted, frames_of, transformer
from strategies import costly

ALPHABET = ["a", "b", ""]
LM = CharLM.fit("abab" * 30, order=3)


def of_every_text(log_probs: Any, alphabet: list[str]) -> dict[str, tuple[float, list[tuple[int, ...]]]]:
    """Returns for each text the sum over all alignments, and the best of them, as plainly as can be."""
    found = dict[str, Any]()
    for way in product(range(len(alphabet)), repeat=len(log_probs)):
        nats = sum(log_probs[frame][label] for frame, label in enumerate(way))
        text = "".join(alphabet[label] for label, _ in groupby(way))
        found.setdefault(text, []).append((nats, way))
    return {text: (np.logaddexp.reduce([nats for nats, _ in ways]), max(ways)[1]) for text, ways in found.items()}


@costly(40)
@given(seed=st.integers(0, 9999), n_frames=st.integers(0, 5))
def test_a_wide_beam_adds_up_all_ways_to_each_text(seed: int, n_frames: int) -> None:
    log_probs = frames_of(seed, n_frames)
    expected = of_every_text(log_probs, ALPHABET)
    found = ctc_decode(log_probs, ALPHABET, beam_width=1000, n_best=1000)
    assert {best.text: best.acoustic_score for best in found} == pytest.approx(
        {text: nats for text, (nats, _) in expected.items()}
    )
    assert [best.score for best in found] == sorted((best.score for best in found), reverse=True)
    assert all(best.score == best.acoustic_score and best.language_score == 0 for best in found)
    for best in found:
        way = cast("Any", expected[best.text][1])
        starts = [frame for frame, label in enumerate(way) if label != 2 and (not frame or way[frame - 1] != label)]
        nats = sum(log_probs[frame][label] for frame, label in enumerate(way))
        assert best.frames == tuple(starts) or nats == pytest.approx(nats_of(log_probs, best.frames, best.text))


def nats_of(log_probs: Any, frames: tuple[int, ...], text: str) -> float:
    """Returns the score of the best alignment in which labels begin in these frames."""
    ways = product(range(3), repeat=len(log_probs))
    best = -math.inf
    for way in ways:
        starts = [frame for frame, label in enumerate(way) if label != 2 and (not frame or way[frame - 1] != label)]
        if tuple(starts) == frames and "".join(ALPHABET[way[frame]] for frame in starts) == text:
            best = max(best, sum(log_probs[frame][label] for frame, label in enumerate(way)))
    return best


@costly(25)
@given(
    seed=st.integers(0, 9999),
    n_frames=st.integers(1, 5),
    roles=st.sampled_from([[], ["bos", "eos"], ["bos", "eos", "unk"]]),
    weight=st.sampled_from([0.0, 0.5, 2.0]),
    bonus=st.sampled_from([0.0, 1.5, -1.0]),
)
def test_a_language_model_is_weighed_against_the_frames(
    seed: int, n_frames: int, roles: Any, weight: float, bonus: float
) -> None:
    lm = counted(Vocabulary("bca", special_tokens=roles))
    log_probs = frames_of(seed, n_frames)
    expected = {
        text: nats + weight * lm.score_samples([text])[0] + bonus * len(text)
        for text, (nats, _) in of_every_text(log_probs, ALPHABET).items()
    }
    found = ctc_decode(log_probs, ALPHABET, lm=lm, weight=weight, bonus=bonus, beam_width=1000, n_best=1000)
    assert {best.text: best.score for best in found} == pytest.approx(expected)
    assert all(best.language_score == pytest.approx(lm.score_samples([best.text])[0]) for best in found)


def test_a_transformer_takes_part_as_well() -> None:
    lm = transformer(["bos", "eos"], 3)
    found = ctc_decode(frames_of(1, 5), ALPHABET, lm=lm, beam_width=50, n_best=9)
    for best in found:
        assert best.language_score == pytest.approx(lm.score_samples([best.text])[0], abs=1e-3)


def test_a_beam_keeps_the_best_and_a_language_model_settles_what_sounds_alike() -> None:
    log_probs = np.log([[0.51, 0.48, 0.01], [0.01, 0.01, 0.98], [0.51, 0.48, 0.01]])
    assert ctc_decode(log_probs, ALPHABET, beam_width=3)[0].text == "aa"
    assert ctc_decode(log_probs, ALPHABET, beam_width=3, lm=LM)[0].text in {"ab", "ba"}


def test_labels_of_several_characters_and_the_column_of_the_blank_are_as_asked() -> None:
    log_probs = np.log([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    assert ctc_decode(log_probs, ["_", "ch", "a"], blank=0)[0].text == "cha"
    assert ctc_decode(log_probs, "_xa", blank=0)[0].text == "xa"
    symbols = counted(Vocabulary(["ch", "a", "c"], special_tokens=["bos", "eos"]))
    best = ctc_decode(log_probs, ["", "ch", "a"], lm=symbols)[0]
    assert best.language_score == pytest.approx(symbols.score_samples([best.text])[0])


def test_a_label_that_is_unknown_to_the_language_model_counts_as_unknown() -> None:
    lm = counted(Vocabulary("ab", special_tokens=["bos", "eos", "unk"]))
    found = ctc_decode(np.log([[0.1, 0.8, 0.1]]), ["", "?", "a"], lm=lm, n_best=3, weight=0.01)
    assert found[0].text == "?"
    assert found[0].language_score == pytest.approx(lm.score_samples(["?"])[0])


def test_several_recordings_are_transcribed_as_each_alone() -> None:
    several = np.stack([frames_of(seed, 6) for seed in range(4)])
    alone = [ctc_decode(frames[:length], ALPHABET, lm=LM) for frames, length in zip(several, [6, 0, 3, 5], strict=True)]
    assert ctc_decode_batch(several, ALPHABET, lm=LM, lengths=[6, 0, 3, 5]) == alone
    assert ctc_decode_batch(list(several), ALPHABET)[2] == ctc_decode(several[2], ALPHABET)
    assert alone[1][0].text == ""


def test_what_has_probability_zero_is_never_heard() -> None:
    log_probs = np.array([[-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf]])
    found = ctc_decode(log_probs, ALPHABET, n_best=9)
    assert [best.text for best in found] == ["ba"]
    assert found[0].score == 0


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_something_is_heard_even_if_it_is_impossible_under_the_language_model(weight: float) -> None:
    lm = CharLM.fit(["ab"], "bigram", smoothing=0)
    log_probs = np.log([[0.01, 0.98, 0.01], [0.01, 0.01, 0.98], [0.01, 0.98, 0.01]])  # b, then b: never
    found = ctc_decode(log_probs, ALPHABET, lm=lm, weight=weight, n_best=20)
    scores = {best.text: best for best in found}
    assert math.isinf(scores["bb"].language_score)
    assert scores["bb"].score == (-math.inf if weight else scores["bb"].acoustic_score)
    assert found[0].text == ("ab" if weight else "bb")
    assert [best.score for best in found] == sorted((best.score for best in found), reverse=True)
    certain = np.array([[-np.inf, 0.0, -np.inf]])
    assert [best.text for best in ctc_decode(certain, ALPHABET, lm=lm, weight=weight)] == ["b"]
