"""Prompts of different lengths side by side, without padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

ROWS_AT_ONCE = 256
"""Prompts join a batch until it has this many rows; the samples of one prompt are never taken apart."""


class Rows:
    """Prompts that are continued in one batch.

    The model starts from as many ids of each as the shortest prompt has. The rest of the longer ones follows one id at
    a time, while the shorter ones are already being continued. So each row is computed from the ids that it would be
    computed from alone.

    Args:
        prompts: The ids of each row, at least one.

    Attributes:
        first: The ids to start from, int64 ``(B, T)``.
        given: The ids that come in the steps after that, int64 ``(S, B)``; -1 in a row whose prompt has ended.
        delays: The step in which each row is first continued.

    Example:
        >>> rows = Rows([[3, 1, 4], [1], [5, 9]])
        >>> rows.first.tolist(), rows.given.tolist(), rows.delays
        ([[3], [1], [5]], [[1, -1, 9], [4, -1, -1]], [2, 0, 1])
    """

    def __init__(self, prompts: Sequence[list[int]]) -> None:
        shortest = min(map(len, prompts))
        self.first: NDArray[np.int64] = np.array([prompt[:shortest] for prompt in prompts], dtype=np.int64)
        self.delays: list[int] = [len(prompt) - shortest for prompt in prompts]
        self.given: NDArray[np.int64] = np.full((max(self.delays), len(prompts)), -1, dtype=np.int64)
        for row, prompt in enumerate(prompts):
            self.given[: self.delays[row], row] = prompt[shortest:]


def batches(lengths: Sequence[int], n_samples: int, max_new_tokens: int) -> Iterator[list[int]]:
    """Yields the places of the prompts to continue in one batch, the shortest first.

    A batch takes ``max_new_tokens`` steps, and one more for each id that its longest prompt has more than its shortest.
    Prompts are in one batch unless that is more steps than two batches would take.

    Args:
        lengths: The number of ids of each prompt.
        n_samples: How many rows each of them has.
        max_new_tokens: The maximum number of ids in a sample.

    Example:
        >>> list(batches([1, 90, 7, 1, 95], 1, 20))
        [[0, 3, 2], [1, 4]]
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch:
            is_far = lengths[place] - lengths[batch[-1]] > max_new_tokens
            if is_far or (len(batch) + 1) * n_samples > ROWS_AT_ONCE:
                yield batch
                batch = []
        batch.append(place)
    if batch:
        yield batch
