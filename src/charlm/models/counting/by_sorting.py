"""Counting: windows are sorted a stretch of text at a time, and the runs that this gives are merged."""

from __future__ import annotations

import os
from collections import deque
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from charlm.models.counting.building import TreeBuilder
from charlm.models.counting.runs import Packing, counted, joined, merged
from charlm.models.counting.scratch import InMemory, ScratchFile
from charlm.models.counting.stored_run import RunOnDisk
from charlm.models.counting.texts import stretches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Executor, Future

    import numpy as np
    from numpy.typing import NDArray

    from charlm.models.counting.runs import Run, StoredRun
    from charlm.models.counting.texts import Stretch, Tokens

WINDOWS_AT_ONCE = 1 << 24
"""How many windows are sorted at a time, which bounds the memory that counting takes besides its result."""
SMALLEST_RUN = 1 << 16
"""With a limit of the memory, so many windows at least."""
MERGED_AT_ONCE = 1 << 16
"""How many windows of each run are merged at a time, and how many the tree grows by: they stay in a cache."""
FAN_IN = 8
"""How many runs of like size are merged to one."""
PARTS_AHEAD = 2 * (os.cpu_count() or 1)
"""How many stretches are with an executor at a time."""


def count_ngrams(
    tokens: Tokens, *, vocab_size: int, order: int, memory: int | None = None, executor: Executor | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the keys and the counts of ``NGramCounts``.

    Args:
        tokens: The ids of one text, or an iterable of texts.
        vocab_size: The number of ids.
        order: The length of the longest n-grams.
        memory: The most bytes that this takes besides the tokens and the result; None takes what it needs.
        executor: Where stretches of the texts are counted; None counts here.

    Raises:
        ValueError: ``memory`` is less than the smallest run takes; or as for ``stretches``, like the other errors.
        OSError: With a limit of the memory, as for ``ScratchFile``.
    """
    packing = Packing.of(vocab_size=vocab_size, order=order)
    budget = _Budget(packing=packing, memory=memory)
    with ExitStack() as stack:
        runs = stack.enter_context(_Runs(budget))
        texts = stretches(tokens, vocab_size, width=order, at_once=budget.sorted_at_once)
        for run in _in_parts(texts, packing, executor):
            if run.size:
                runs.add(run)
        keeper = InMemory() if memory is None else stack.enter_context(closing(ScratchFile()))
        tree = TreeBuilder(vocab_size, packing, keeper)
        for block in runs.merged():
            for start in range(0, block.size, budget.merged_at_once(1)):
                tree.add(block.block(start, start + budget.merged_at_once(1)))
        return tree.keys_and_counts()


@dataclass(frozen=True, kw_only=True)
class _Budget:
    """How much is in memory at a time.

    Attributes:
        packing: How windows are packed.
        memory: The most bytes; None for no limit.
    """

    packing: Packing
    memory: int | None

    def __post_init__(self) -> None:
        least = SMALLEST_RUN * self._bytes
        if self.memory is not None and self.memory < least:
            raise ValueError(
                f"memory must be at least {least:,} bytes, which sorting {SMALLEST_RUN:,} n-grams of order "
                f"{self.packing.order} takes, got {self.memory:,}"
            )

    @property
    def _bytes(self) -> int:
        """The memory that a window takes while it is sorted, merged, or added to the tree."""
        return 104 + 40 * len(self.packing.widths)

    @property
    def sorted_at_once(self) -> int:
        """How many windows are sorted at a time."""
        return WINDOWS_AT_ONCE if self.memory is None else min(WINDOWS_AT_ONCE, self.memory // self._bytes)

    def merged_at_once(self, runs: int) -> int:
        """Returns how many windows of each of several runs are merged at a time."""
        return MERGED_AT_ONCE if self.memory is None else min(MERGED_AT_ONCE, self.memory // (runs * self._bytes))


class _Runs:
    """Runs, merged with others of like size, so that no window is merged often and there are never many runs."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._levels: list[list[StoredRun]] = []

    def add(self, run: Run) -> None:
        """Adds a run, and merges it with others once there are enough."""
        waiting: StoredRun = self._stored(iter([run]))
        for level in self._levels:
            level.append(waiting)
            if len(level) < FAN_IN:
                return
            waiting = self._stored(self._merged(level))
            _remove(level)
        self._levels.append([waiting])

    def merged(self) -> Iterator[Run]:
        """Yields the windows of all runs, ascending, a block at a time."""
        yield from self._merged([run for level in self._levels for run in level])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for level in self._levels:
            _remove(level)

    def _merged(self, runs: list[StoredRun]) -> Iterator[Run]:
        return merged(runs, self._budget.merged_at_once(max(len(runs), 1)))

    def _stored(self, blocks: Iterator[Run]) -> StoredRun:
        return joined(blocks) if self._budget.memory is None else RunOnDisk(blocks, self._budget.packing)


def _remove(runs: list[StoredRun]) -> None:
    while runs:
        runs.pop().close()


def _in_parts(texts: Iterable[Stretch], packing: Packing, executor: Executor | None) -> Iterator[Run]:
    """Yields the run of each stretch, in order."""
    if executor is None:
        yield from (counted(stretch, packing) for stretch in texts)
        return
    from concurrent.futures import wait  # noqa: PLC0415 - a program that only scores starts without it

    futures: deque[Future[Run]] = deque()
    try:
        for stretch in texts:
            futures.append(executor.submit(counted, stretch, packing))
            if len(futures) == PARTS_AHEAD:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        wait([future for future in futures if not future.cancel()])
