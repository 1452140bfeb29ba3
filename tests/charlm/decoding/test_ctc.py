"""Transcriptions beside all ways to spread all texts over the frames."""

import math
from itertools import groupby, product
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, ctc_decode, ctc_decode_batch
from charlm.decoding.frames import first_frames
from chartok import Vocabulary
from decoders import counted, transformer
from strategies import costly

ALPHABET = ["a", "b", ""]
LM = CharLM.fit("abab" * 30, order=3)


def frames_of(seed: int, n_frames: int, n_labels: int = 3, sharpness: float = 2.0) -> Any:
    logits = np.random.default_rng(seed).standard_normal((n_frames, n_labels)) * sharpness
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_a_tensor_is_taken_as_it_is(dtype: torch.dtype) -> None:
    log_probs = frames_of(3, 6)
    tensor = torch.from_numpy(log_probs).log_softmax(-1).to(dtype).requires_grad_()
    found = ctc_decode(tensor, ALPHABET)[0]
    assert found.text == ctc_decode(log_probs, ALPHABET)[0].text
    assert found.score == pytest.approx(ctc_decode(log_probs, ALPHABET)[0].score, abs=0.1)


def test_what_has_probability_zero_is_never_heard() -> None:
    log_probs = np.array([[-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf]])
    found = ctc_decode(log_probs, ALPHABET, n_best=9)
    assert [best.text for best in found] == ["ba"]
    assert found[0].score == 0


def test_a_label_begins_where_the_likeliest_alignment_has_it() -> None:
    log_probs = np.log([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    assert first_frames(log_probs, [0, 0, 1], blank=2) == (0, 3, 4)
    assert first_frames(log_probs, [], blank=2) == ()


GOOD = frames_of(0, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ctc_decode(np.full((2, 3), 1 / 3), ALPHABET), ValueError, "add up to 4.187, not 1: take their logari"),
        (
            lambda: ctc_decode(GOOD + 1, ALPHABET),
            ValueError,
            "in frame 0 the probabilities add up to 2.718, not 1: apply",
        ),
        (lambda: ctc_decode(np.where(GOOD[2, 1] == GOOD, np.nan, GOOD), ALPHABET), ValueError, r"\[2, 1\] is NaN"),
        (lambda: ctc_decode(np.full((2, 3), np.inf), ALPHABET), ValueError, "add up to inf, not 1"),
        (lambda: ctc_decode(np.full((2, 3), -np.inf), ALPHABET), ValueError, "add up to 0, not 1"),
        (lambda: ctc_decode(GOOD, ["a", "", "b", "c"]), ValueError, "for each of the 4 labels.*has$"),
        (lambda: ctc_decode(GOOD[:, :2], ALPHABET), ValueError, r"a column for each of the 3 labels .* \(4, 2\)"),
        (lambda: ctc_decode(GOOD[0], ALPHABET), ValueError, r"must be \(T, C\), frames by labels, got shape \(3,\)"),
        (lambda: ctc_decode(GOOD[None], ALPHABET), ValueError, "ctc_decode_batch takes several recordings"),
        (lambda: ctc_decode(np.zeros((2, 3), dtype=int), ALPHABET), TypeError, "must be floating point, got int64"),
        (lambda: ctc_decode(torch.zeros(2, 3, dtype=torch.int64), ALPHABET), TypeError, "must be floating point"),
        (lambda: ctc_decode(GOOD, "abc"), ValueError, "alphabet lacks the blank: none of its 3 labels is empty"),
        (lambda: ctc_decode(GOOD, ["a", "a", ""]), ValueError, r"alphabet\[1\] is 'a' again"),
        (lambda: ctc_decode(GOOD, ["a", "", ""]), ValueError, r"alphabet\[2\] is empty, and so is the blank"),
        (lambda: ctc_decode(GOOD, cast("Any", ["a", 3, ""])), TypeError, r"alphabet\[1\] must be a str, got int"),
        (lambda: ctc_decode(GOOD, "abc", blank=3), ValueError, "blank must be a column from 0 to 2, got 3"),
        (lambda: ctc_decode(GOOD, "abc", blank=cast("Any", "c")), TypeError, "blank must be an integer"),
        (lambda: ctc_decode(GOOD, ALPHABET, beam_width=0), ValueError, "beam_width must be at least 1"),
        (lambda: ctc_decode(GOOD, ALPHABET, beam_width=2, n_best=3), ValueError, "n_best must be at most beam_width 2"),
        (lambda: ctc_decode(GOOD, ALPHABET, weight=-1), ValueError, "weight must not be negative"),
        (lambda: ctc_decode(GOOD, ALPHABET, bonus=math.nan), ValueError, "bonus must be finite"),
        (lambda: ctc_decode(GOOD, ALPHABET, lm=cast("Any", "lm")), TypeError, "lm must be a CharLM, got str"),
        (lambda: ctc_decode(GOOD, ["A", "B", ""], lm=LM), ValueError, "does not know 2 of 2 labels .* such as 'A'"),
        (
            lambda: ctc_decode(GOOD, ["a", "?", ""], lm=counted(Vocabulary("ab"))),
            ValueError,
            r"does not know 1 of 2 labels of the alphabet, such as '\?'",
        ),
        (lambda: ctc_decode_batch(GOOD, ALPHABET), ValueError, r"must be \(B, T, C\) or a list"),
        (lambda: ctc_decode_batch([GOOD, GOOD + 1], ALPHABET), ValueError, r"log_probs\[1\] must be natural log-pr"),
        (lambda: ctc_decode_batch([GOOD], ALPHABET, lengths=[1, 2]), ValueError, "lengths must be one for each of 1"),
        (lambda: ctc_decode_batch([GOOD], ALPHABET, lengths=[5]), ValueError, r"lengths\[0\] must be from 0 to the 4"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
