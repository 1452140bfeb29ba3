"""What a network says is taken from wherever it is, and refused where it cannot be."""

import math
from typing import Any, cast

import numpy as np
import pytest
import torch

from charlm import CharLM, ctc_decode, ctc_decode_batch
from chartok import Vocabulary
from decoders import counted, frames_of

ALPHABET = ["a", "b", ""]
LM = CharLM.fit("abab" * 30, order=3)
GOOD = frames_of(0, 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_a_tensor_is_taken_as_it_is(dtype: torch.dtype) -> None:
    log_probs = frames_of(3, 6)
    tensor = torch.from_numpy(log_probs).log_softmax(-1).to(dtype).requires_grad_()
    found = ctc_decode(tensor, ALPHABET)[0]
    assert found.text == ctc_decode(log_probs, ALPHABET)[0].text
    assert found.score == pytest.approx(ctc_decode(log_probs, ALPHABET)[0].score, abs=0.1)


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
        (
            lambda: ctc_decode(GOOD, ["A", "B", ""], lm=LM),
            ValueError,
            "does not know 2 of 2 labels .*: 'A', 'B'. Write the",
        ),
        (
            lambda: ctc_decode(GOOD, ["a", "?", ""], lm=counted(Vocabulary("ab"))),
            ValueError,
            r"does not know 1 of 2 labels of the alphabet: '\?'",
        ),
        (lambda: ctc_decode_batch(GOOD, ALPHABET), ValueError, r"must be \(B, T, C\) or a list"),
        (lambda: ctc_decode_batch([GOOD, GOOD + 1], ALPHABET), ValueError, r"log_probs\[1\] must be natural log-pr"),
        (lambda: ctc_decode_batch([GOOD], ALPHABET, lengths=[1, 2]), ValueError, "lengths must be one for each of 1"),
        (
            lambda: ctc_decode_batch([GOOD], ALPHABET, lengths=cast("Any", 5)),
            TypeError,
            "lengths must be a list .* int",
        ),
        (
            lambda: ctc_decode_batch([GOOD], ALPHABET, lengths=cast("Any", [0.5])),
            TypeError,
            "numbers of frames, got 0.5",
        ),
        (lambda: ctc_decode_batch([GOOD], ALPHABET, lengths=[5]), ValueError, r"lengths\[0\] must be from 0 to the 4"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
