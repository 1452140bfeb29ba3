"""How time and memory grow with the text: n-grams of order 5, and token files; each row runs in its own process.

The text for the n-grams is that of the other benchmarks, repeated, with one character in ten replaced at random. No
repetition is identical, so the number of n-grams grows with the text. Where KenLM's ``lmplz`` is installed, it counts
and smooths the same ids.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from alone import alone, peak_bytes
from charlm import BatchSampler, NGramLanguageModel, TextDataset
from chartok import Vocabulary, encode_file
from tokenizing import sample_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ORDER = 5
NOISE = 0.1
MEMORY = "100MB"
LMPLZ = "lmplz of KenLM"
SIZES = {"n-grams": (1, 10, 100), f"n-grams within {MEMORY}": (100,), LMPLZ: (100,), "token file": (1, 10, 100, 1000)}
"""In millions of characters."""
FIRST_WORD = ord("!")
"""The word for id 0, of one byte, in the text for ``lmplz``."""


def rows() -> list[dict[str, float | str]]:
    """Returns the cost of each size: seconds, peak memory, and results specific to the benchmark."""
    there = [what for what in SIZES if what != LMPLZ or shutil.which("lmplz")]
    return [alone(__file__, what, size) for what in there for size in SIZES[what]]


def noisy_text(millions: int) -> tuple[int, NDArray[np.unsignedinteger[Any]]]:
    """Returns the number of ids of a vocabulary, and a text as ids."""
    length = millions * 1_000_000
    text = sample_text(1_000_000)
    vocabulary = Vocabulary.from_text(text)
    ids = np.resize(vocabulary.encode(text), length)
    generator = np.random.default_rng(0)
    places = generator.integers(length, size=int(NOISE * length))
    ids[places] = generator.integers(vocabulary.size, size=len(places), dtype=ids.dtype)
    return vocabulary.size, ids


def ngrams(millions: int, *, memory: str | None = None) -> dict[str, float | str]:
    """Returns the cost of counting and smoothing, with a limit of what counting takes besides its result or without."""
    size, ids = noisy_text(millions)
    started = time.perf_counter()
    model = NGramLanguageModel(size, order=ORDER).fit(ids, memory=memory)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "n-grams": len(model.table), "peak_bytes": peak_bytes()}


def lmplz(millions: int) -> dict[str, float | str]:
    """Returns the cost of the same with KenLM, which writes an ARPA file."""
    _, ids = noisy_text(millions)
    words = np.stack([ids + np.uint8(FIRST_WORD), np.full(len(ids), ord(" "), dtype=np.uint8)], axis=1)
    with tempfile.TemporaryDirectory() as name:
        text, arpa = Path(name, "text"), Path(name, "arpa")
        text.write_bytes(words.tobytes())
        started = time.perf_counter()
        with text.open("rb") as source, arpa.open("wb") as out:
            command = ["lmplz", "-o", str(ORDER), "-T", name, "--discount_fallback"]
            subprocess.run(command, stdin=source, stdout=out, stderr=subprocess.DEVNULL, check=True)  # noqa: S603 - ours
        seconds = time.perf_counter() - started
        with arpa.open(encoding="utf-8") as file:
            lines = [next(file) for _ in range(ORDER + 1)]
    found = sum(int(line.partition("=")[2]) for line in lines[1:])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"seconds": seconds, "n-grams": found, "peak_bytes": peak}


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
    per_batch = (time.perf_counter() - started) / 1000
    return {"seconds": seconds, "seconds_a_batch": per_batch, "peak_bytes": peak_bytes()}


MEASURED: dict[str, Callable[[int], dict[str, float | str]]] = dict(
    zip(SIZES, (ngrams, partial(ngrams, memory=MEMORY), lmplz, token_file), strict=True)
)


def main(what: str, millions: int) -> None:
    """Prints one row as JSON."""
    torch.set_num_threads(1)
    print(json.dumps({"what": what, "millions": millions, **MEASURED[what](millions)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
