"""A program that forks while other threads hold what the library locks, and prints what the child does with it.

Argument: what they hold.
"""

import os
import sys
import threading
from typing import Any
from unittest.mock import patch

import numpy as np

from charlm import BatchSampler, NGramTable, TextDataset

IDS = [0, 1, 2, 0, 1, 2, 0, 1] * 20


def fit() -> NGramTable:
    return NGramTable.fit(IDS, vocab_size=3, order=3)


def rows(table: NGramTable) -> Any:
    return table.start(np.array([[0, 1]]))[0]


def cache() -> None:
    """A thread has the lock of the cached distributions."""
    table = fit()
    expected = rows(table)
    table.lookup._lock.acquire()
    in_child(lambda: np.array_equal(rows(table), expected))


def first_use() -> None:
    """A thread prepares one model, and the child another one."""
    has_begun, other = threading.Event(), fit()

    def wait(_: Any) -> None:
        has_begun.set()
        threading.Event().wait()

    with patch("charlm.models.ngram.backoff.Lookup", wait):
        threading.Thread(target=lambda: other.lookup, daemon=True).start()
        has_begun.wait()
    in_child(lambda: bool(rows(fit()).shape == (1, 3)))


def batches() -> None:
    """A thread reads the next batch for an accelerator."""
    is_reading, reads, parent = threading.Event(), list[int](), os.getpid()

    class Slow(TextDataset):
        def batch(self, *arguments: Any) -> Any:
            reads.append(1)
            if len(reads) == 2 and os.getpid() == parent:
                is_reading.set()
                threading.Event().wait()
            return super().batch(*arguments)

    dataset: Any = Slow(IDS, 4)
    drawn = BatchSampler(dataset, batch_size=2, seed=1, device="meta")
    next(drawn)
    is_reading.wait()
    expected = BatchSampler(TextDataset(IDS, 4), batch_size=2, seed=1)
    for _ in range(3):
        next(expected)

    def goes_on() -> bool:
        next(drawn)
        next(drawn)
        return bool(drawn.state_dict()["generator"].equal(expected.state_dict()["generator"]))

    in_child(goes_on)


def in_child(is_fine: Any) -> None:
    pid = os.fork()
    if not pid:
        os.write(1, b"fine" if is_fine() else b"wrong")
        os._exit(0)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    {"cache": cache, "first use": first_use, "batches": batches}[sys.argv[1]]()
    os._exit(0)
