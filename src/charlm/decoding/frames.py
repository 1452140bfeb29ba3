"""Where in the frames of a recording each label of its transcription begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def first_frames(log_probs: NDArray[np.float64], labels: list[int], blank: int) -> tuple[int, ...]:
    """Returns the frame in which each label begins in the likeliest alignment (Viterbi, 1967).

    Args:
        log_probs: ln P of each label in each frame, float64 ``(T, C)``.
        labels: The labels of the transcription, no more than can be in so many frames.
        blank: The column of the blank.

    Example:
        >>> first_frames(np.log([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]]), [0, 0], blank=1)
        (0, 2)
    """
    if not labels:
        return ()
    states = np.full(2 * len(labels) + 1, blank, dtype=np.int64)  # a blank, a label, a blank, ...
    states[1::2] = labels
    may_skip = np.zeros(len(states), dtype=bool)  # the blank between two labels that differ
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    scores = np.full(len(states), -np.inf)
    scores[:2] = log_probs[0, states[:2]]
    steps = np.zeros((len(log_probs), len(states)), dtype=np.int8)
    for frame in range(1, len(log_probs)):
        ways = np.full((3, len(states)), -np.inf)
        ways[0] = scores
        ways[1, 1:] = scores[:-1]
        ways[2, 2:] = np.where(may_skip[2:], scores[:-2], -np.inf)
        steps[frame] = ways.argmax(axis=0)
        scores = ways.max(axis=0) + log_probs[frame, states]
    state = len(states) - 1 - int(scores[-2] > scores[-1])
    first = [0] * len(labels)
    for frame in range(len(log_probs) - 1, -1, -1):
        if state % 2:
            first[state // 2] = frame
        state -= int(steps[frame, state])
    return tuple(first)
