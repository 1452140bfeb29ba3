"""A gigabyte of text to a token file, and batches from ten gigabytes: seconds, and memory that does not grow."""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from charlm import BatchSampler, TextDataset
from chartok import TokenFile, encode_file

LINE = b"The quick brown fox jumps over the lazy dog, and then it sleeps.\n"


def main(gigabytes_to_encode: float = 1.0, gigabytes_to_sample: float = 10.0) -> None:
    """Writes the files to a temporary folder, measures, and removes them."""
    folder = Path(tempfile.mkdtemp())
    try:
        _encode(folder, round(gigabytes_to_encode * 1e9))
        _sample(folder, round(gigabytes_to_sample * 1e9))
    finally:
        shutil.rmtree(folder)


def _encode(folder: Path, size: int) -> None:
    block = LINE * 10_000
    with (folder / "text.txt").open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
    size = (folder / "text.txt").stat().st_size
    before = _peak_megabytes()
    vocabulary = None
    for passes in ("vocabulary found first", "vocabulary given"):
        started = time.perf_counter()
        with encode_file(folder / "text.txt", folder / "text.tokens", vocabulary) as tokens:
            vocabulary = tokens.vocabulary
        speed = size / 1e6 / (time.perf_counter() - started)
        print(f"encode_file, {size / 1e9:.2f} GB, {passes}: {speed:.0f} MB/s")
    print(f"resident memory grew by {_peak_megabytes() - before:.0f} MB")


def _sample(folder: Path, size: int) -> None:
    shards = []
    with TokenFile(folder / "text.tokens") as one:
        repetitions = -(-size // len(one))
    shards = [TokenFile(folder / "text.tokens") for _ in range(repetitions)]
    dataset = TextDataset(shards, block_size=256)
    before = _peak_megabytes()
    started = time.perf_counter()
    for order in ("random", "shuffled"):
        batches = BatchSampler(dataset, batch_size=64, order=order)
        for _ in range(2000):
            next(batches)
    each = (time.perf_counter() - started) / 4000
    print(f"64x256 from {len(dataset.stream) / 1e9:.1f} GB: {each * 1e6:.0f} µs a batch", end=", ")
    print(f"resident memory {_peak_megabytes():.0f} MB in all, grown by {_peak_megabytes() - before:.0f} MB")


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
