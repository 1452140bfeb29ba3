"""Compares the memory use of two alternatives, each in its own process.

The figure is the peak memory of the process during the work, minus the memory in use before it: Python itself, the
imports, and the input.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from alone import alone, forget_peak, peak_bytes
from batching import read_it_all
from charlm import NGramLanguageModel, load_model, save_model
from chartok import Vocabulary, encode_file
from comparison import Comparison
from counting import count_in_dictionaries
from scratch import scratch_folder
from tokenizing import encode_as_the_notebook, sample_text

if TYPE_CHECKING:
    from collections.abc import Callable

MILLION = 1_000_000
ORDER = 7


def comparisons() -> list[Comparison]:
    """Returns the comparisons."""
    folder = scratch_folder()
    text = sample_text(MILLION)
    with (folder / "text.txt").open("wb") as file:
        for _ in range(100):
            file.write(text.encode())
    vocabulary = Vocabulary.from_text(text)
    model = NGramLanguageModel(vocabulary.size, order=ORDER).fit(vocabulary.encode(text))
    save_model(folder / "model.safetensors", model, vocabulary)
    torch.save(model.state_dict(), folder / "model.pt")
    size = f"{(folder / 'model.safetensors').stat().st_size / 1e6:.0f} MB"

    def compared(name: str, ours: str, rival_name: str, rival: str, target: float, why: str = "") -> Comparison:
        return Comparison(
            name=name,
            ours=partial(alone, __file__, ours, folder),
            rival_name=rival_name,
            rival=partial(alone, __file__, rival, folder),
            target=target,
            samples=3,
            unit="bytes",
            why=why,
        )

    return [
        compared("encode, 10 M characters", "encode", "notebook", "encode as the notebook", 8),
        compared(f"n-gram fit, order {ORDER}, 1 M characters", "fit", "Counter, counts alone", "count", 1),
        compared("encode_file, 100 MB", "encode a file", "list, then array", "read it all", 50),
        compared(
            f"load a model of {size}",
            "load",
            "torch.load",
            "load with torch",
            0.5,
            why="The contents of the file are verified before a model is created from them, so both are in memory at "
            "once.",
        ),
    ]


def _encode(_: Path) -> Callable[[], object]:
    text = sample_text(10 * MILLION)
    vocabulary = Vocabulary.from_text(text)
    return lambda: vocabulary.encode(text)


def _encode_as_the_notebook(_: Path) -> Callable[[], object]:
    text = sample_text(10 * MILLION)
    return partial(encode_as_the_notebook, text, Vocabulary.from_text(text))


def _fit(_: Path) -> Callable[[], object]:
    text = sample_text(MILLION)
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    return lambda: NGramLanguageModel(vocabulary.size, order=ORDER).fit(ids)


def _count(_: Path) -> Callable[[], object]:
    return partial(count_in_dictionaries, sample_text(MILLION).encode("latin-1"), ORDER)


def _encode_a_file(folder: Path) -> Callable[[], object]:
    return lambda: encode_file(folder / "text.txt", folder / "text.tokens").close()


def _read_it_all(folder: Path) -> Callable[[], object]:
    return partial(read_it_all, folder / "text.txt", folder / "all.bin")


def _load(folder: Path) -> Callable[[], object]:
    return partial(load_model, folder / "model.safetensors")


def _load_with_torch(folder: Path) -> Callable[[], object]:
    return partial(torch.load, folder / "model.pt", weights_only=True)


WAYS = {
    "encode": _encode,
    "encode as the notebook": _encode_as_the_notebook,
    "fit": _fit,
    "count": _count,
    "encode a file": _encode_a_file,
    "read it all": _read_it_all,
    "load": _load,
    "load with torch": _load_with_torch,
}
"""The work of each process; each function prepares the input and returns the work as a function."""


def main(way: str, folder: str) -> None:
    """Prints the memory that an alternative takes, in bytes."""
    torch.set_num_threads(1)
    function = WAYS[way](Path(folder))
    forget_peak()
    before = peak_bytes()
    _result = function()  # the result counts too
    print(peak_bytes() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
