"""Histories of bits in a byte: what a context was followed by, as a state that the next bit changes.

The first four bits are kept as they came. After them a state has the number of zeros, the number of ones and the
last bit; a bit of one kind makes the model forget most of a long run of the other, since texts change. States of this
kind are those of PAQ (Mahoney 2005, "Adaptive Weighing of Context Models for Lossless Data Compression").
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from charlm.models.adaptive.logistic import ONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT_AS_THEY_CAME = 4
MOST_BESIDE = (32, 24, 14, 9, 7, 6, 6)
"""The highest count of the more frequent bit, by the count of the other."""
LEFT_OF = (0, 1, 2, 2, 3, 3, 4, 4, 4)
"""What is left of a count once the other bit comes; of higher ones 5, and 6 from 16 on."""
LONG = 16

State: TypeAlias = tuple[int, ...]  # the bits as they came, behind a -1; or the zeros, the ones and the last bit


@cache
def history_tables() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the state after each state and bit, int64 ``(S, 2)``, and the first guess in each, int64 ``(S,)``.

    State 0 is that of a context not met before.
    """
    states: list[State] = [(-1,)]
    numbers = {states[0]: 0}
    following: list[list[int]] = []
    for state in states:  # grows
        following.append([])
        for bit in (0, 1):
            after = _after(state, bit)
            if after not in numbers:
                numbers[after] = len(states)
                states.append(after)
            following[-1].append(numbers[after])
    guesses = [(5 * ones + 2) * ONE // (5 * (zeros + ones) + 4) for zeros, ones in map(_counts, states)]
    return np.array(following, np.int64), np.array(guesses, np.int64)


def _after(state: State, bit: int) -> State:
    if state[0] < 0 and len(state) <= KEPT_AS_THEY_CAME:
        return (*state, bit)
    counts = list(_counts(state))
    if state[0] >= 0:
        other = counts[1 - bit]
        counts[1 - bit] = LEFT_OF[other] if other < len(LEFT_OF) else 5 + (other >= LONG)
    counts[bit] += 1
    fewer = min(*counts, len(MOST_BESIDE) - 1)
    zeros, ones = (min(count, MOST_BESIDE[fewer]) for count in counts)
    return zeros, ones, bit


def _counts(state: State) -> tuple[int, int]:
    return (state.count(0), state.count(1)) if state[0] < 0 else (state[0], state[1])
