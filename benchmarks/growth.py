"""How the time and memory of an n-gram model grow with the text and the order: ``python benchmarks/growth.py``.

The text is the one of the other benchmarks, repeated, with one character in ten drawn at random: what is repeated is
never quite the same, so that the number of n-grams grows with the text.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import torch
from tokenizing import sample_text

from charlm import NGramLanguageModel
from chartok import Vocabulary

HEAD = (
    "| characters | order | n-grams | fit | characters a second | bytes an n-gram | peak memory |\n"
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
NOISE = 0.1


def main() -> None:
    """Prints a row for each size and order, each measured in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--orders", type=int, nargs="+", default=[3, 5, 7])
    parser.add_argument("--row", action="store_true", help="measure one size and order, and print the row alone")
    arguments = parser.parse_args()
    if arguments.row:
        print(_row(arguments.megabytes[0] * 1_000_000, arguments.orders[0]))
        return
    print(HEAD, flush=True)
    for megabytes in arguments.megabytes:
        for order in arguments.orders:
            command = [sys.executable, __file__, "--row", "--megabytes", str(megabytes), "--orders", str(order)]
            subprocess.run(command, check=True)  # noqa: S603 - this file


def _row(length: int, order: int) -> str:
    text = sample_text(1_000_000)
    vocabulary = Vocabulary.from_text(text)
    ids = np.resize(vocabulary.encode(text), length)
    generator = np.random.default_rng(0)
    places = generator.integers(length, size=int(NOISE * length))
    ids[places] = generator.integers(vocabulary.size, size=len(places), dtype=ids.dtype)
    started = time.perf_counter()
    model = NGramLanguageModel(vocabulary.size, order).fit(ids)
    seconds = time.perf_counter() - started
    size = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {length:,} | {order} | {len(model.table):,} | {seconds:.2f} s | {length / seconds:,.0f} "
        f"| {size / len(model.table):.1f} | {peak:,.0f} MiB |"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
