"""Records: the first step of training on many short ones, and what one very long one among them costs."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from alone import alone, forget_peak, peak_bytes
from charlm import GPT, BatchSampler, GPTConfig, RecordDataset
from chartok import TokenFile, encode_file
from comparison import Comparison
from scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 32_000
MANY = 5_400_000
LONG = 200_000
STEPS = 64
"""As many batches as exchange examples of different lengths: each window has its share of long ones."""
ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", dtype=np.uint8)


def comparisons() -> list[Comparison]:
    """Returns the comparisons."""
    folder = scratch_folder()
    (folder / "names.txt").write_bytes(names(MANY))
    _encode(folder)
    size = f"{(folder / 'names.txt').stat().st_size / 1e6:.0f} MB"
    few = names(FEW).decode().split()
    return [
        Comparison(
            name=f"{STEPS} steps, {FEW:,} names and a line of {LONG:,} characters",
            ours=partial(_steps, [*few, "x" * LONG]),
            rival_name="without the line",
            rival=partial(_steps, few),
            target=1 / 1.3,
            samples=3,
        ),
        Comparison(
            name=f"{size} of names, first step",
            ours=partial(_first_step, "ours", folder),
            rival_name="a str for each",
            rival=partial(_first_step, "strings", folder),
            target=1.3,
            samples=3,
        ),
        Comparison(
            name=f"{size} of names, first step, memory",
            ours=partial(alone, __file__, "ours", folder),
            rival_name="a str for each",
            rival=partial(alone, __file__, "strings", folder),
            target=3,
            samples=3,
            unit="bytes",
        ),
        Comparison(
            name=f"{size} of names, to a token file",
            ours=partial(_encode, folder),
            rival_name="list of ids, line by line",
            rival=partial(_encode_in_a_loop, folder),
            target=5,
            samples=3,
        ),
        Comparison(
            name=f"{size} of names in a token file, first step",
            ours=partial(_first_step, "token file", folder),
            rival_name="a str for each",
            rival=partial(_first_step, "strings", folder),
            target=2,
            samples=3,
        ),
    ]


def names(count: int) -> bytes:
    """Returns random names of 3 to 13 letters, one a line."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(3, 14, count)
    text = ALPHABET[generator.integers(0, len(ALPHABET), int(lengths.sum()) + count)]
    text[np.cumsum(lengths + 1) - 1] = ord("\n")
    return text.tobytes()


def _steps(records: list[str]) -> None:
    dataset = RecordDataset(records, block_size=64)
    batches = BatchSampler(dataset, 32, by_length=True)
    model = GPT(GPTConfig.nano(dataset.vocabulary.size))
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    for _ in range(STEPS):
        _, loss = model(*next(batches))
        assert loss is not None  # noqa: S101 - there are targets
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _encode(folder: Path) -> None:
    encode_file(folder / "names.txt", folder / "names.tokens", records=True).close()


def _encode_in_a_loop(folder: Path) -> None:
    """Writes the ids of the names, with a start and an end each, in the straightforward way."""
    lines = (folder / "names.txt").read_text(encoding="utf-8").split("\n")[:-1]
    id_of = {character: number for number, character in enumerate(sorted(set("".join(lines))))}
    start, end = len(id_of), len(id_of) + 1
    ids: list[int] = []
    for line in lines:
        ids += [start, *(id_of[character] for character in line), end]
    np.array(ids, dtype=np.uint8).tofile(folder / "names.bin")


WAYS: dict[str, Callable[[Path], RecordDataset]] = {
    "ours": lambda folder: RecordDataset.from_file(folder / "names.txt"),
    "token file": lambda folder: RecordDataset(TokenFile(folder / "names.tokens")),
    "strings": lambda folder: RecordDataset((folder / "names.txt").read_text(encoding="utf-8").split("\n")[:-1]),
}


def _first_step(way: str, folder: Path) -> None:
    dataset = WAYS[way](folder)
    model = GPT(GPTConfig.nano(dataset.vocabulary.size))
    _, loss = model(*next(BatchSampler(dataset, 32, by_length=True)))
    assert loss is not None  # noqa: S101 - there are targets
    loss.backward()


def main(way: str, folder: str) -> None:
    """Prints the memory that reading the names and one step of training take, in bytes."""
    forget_peak()
    before = peak_bytes()
    _first_step(way, Path(folder))
    print(peak_bytes() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
