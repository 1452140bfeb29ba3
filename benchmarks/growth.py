"""How time and memory grow with the text: n-grams of order 5, and token files; each row runs in its own process.

The text for the n-grams is that of the other benchmarks, repeated, with one character in ten replaced at random. No
repetition is identical, so the number of n-grams grows with the text.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from alone import alone, peak_bytes
from charlm import BatchSampler, NGramLanguageModel, TextDataset
from chartok import Vocabulary, encode_file
from tokenizing import sample_text

ORDER = 5
NOISE = 0.1
SIZES = {"n-grams": (1, 10, 100), "token file": (1, 10, 100, 1000)}
"""In millions of characters."""


def rows() -> list[dict[str, float | str]]:
    """Returns the cost of each size: seconds, peak memory, and results specific to the benchmark."""
    return [alone(__file__, what, size) for what, sizes in SIZES.items() for size in sizes]


def ngrams(millions: int) -> dict[str, float | str]:
    """Returns the cost of counting and smoothing."""
    length = millions * 1_000_000
    text = sample_text(1_000_000)
    vocabulary = Vocabulary.from_text(text)
    ids = np.resize(vocabulary.encode(text), length)
    generator = np.random.default_rng(0)
    places = generator.integers(length, size=int(NOISE * length))
    ids[places] = generator.integers(vocabulary.size, size=len(places), dtype=ids.dtype)
    started = time.perf_counter()
    model = NGramLanguageModel(vocabulary.size, order=ORDER).fit(ids)
    return {"seconds": time.perf_counter() - started, "n-grams": len(model.table)}


def token_file(millions: int) -> dict[str, float | str]:
    """Returns the cost of encoding an ASCII file, and of drawing a batch of 64 windows of 256 from it."""
    text = sample_text(1_000_000).encode()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "text.txt").open("wb") as file:
            for _ in range(millions):
                file.write(text)
        started = time.perf_counter()
        with encode_file(folder / "text.txt", folder / "text.tokens") as tokens:
            seconds = time.perf_counter() - started
            batches = BatchSampler(TextDataset(tokens, block_size=256), batch_size=64)
            started = time.perf_counter()
            for _ in range(1000):
                next(batches)
    return {"seconds": seconds, "seconds_a_batch": (time.perf_counter() - started) / 1000}


def main(what: str, millions: int) -> None:
    """Prints one row as JSON."""
    torch.set_num_threads(1)
    row = ngrams(millions) if what == "n-grams" else token_file(millions)
    print(json.dumps({"what": what, "millions": millions, **row, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
