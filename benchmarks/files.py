"""Saving and loading a model, verified to the last bit, compared with torch's own files, which are not verified."""

from __future__ import annotations

import gzip

import torch

from charlm import NGramLanguageModel, load_model, save_model
from chartok import Vocabulary
from comparison import Comparison
from scratch import scratch_folder
from tokenizing import sample_text

LENGTH = 1_000_000
ORDER = 7
LOGARITHMS = ("log_probabilities", "log_backoffs")


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on an n-gram model of a million characters."""
    folder = scratch_folder()
    text = sample_text(LENGTH)
    vocabulary = Vocabulary.from_text(text)
    model = NGramLanguageModel(vocabulary.size, order=ORDER).fit(vocabulary.encode(text))
    ours, theirs, compact = (folder / name for name in ("model.safetensors", "model.pt", "compact.safetensors"))
    save_model(ours, model, vocabulary)
    save_model(compact, model, vocabulary, compact=True)
    table = model.table
    arrays = {name: torch.from_numpy(getattr(table, name)) for name in ("keys", "counts", *LOGARITHMS)}
    torch.save(arrays, theirs)
    size = f"{ours.stat().st_size / 1e6:.0f} MB"
    return [
        Comparison(
            name=f"save a model of {size}, on the disk when done",
            ours=lambda: save_model(ours, model, vocabulary),
            rival_name="torch.save",
            rival=lambda: torch.save(arrays, theirs),
            target=0.5,
        ),
        Comparison(
            name=f"load a model of {size}, every byte checked",
            ours=lambda: load_model(ours),
            rival_name="torch.load",
            rival=lambda: torch.load(theirs, weights_only=True),
            target=0.5,
            why="Every byte is hashed (SHA-256), and the tables are unpacked and validated before anything is looked "
            "up in them; torch.load does none of this.",
        ),
        Comparison(
            name=f"the file of a model of {len(table):,} n-grams",
            ours=lambda: ours.stat().st_size,
            rival_name="torch.save, of the arrays",
            rival=lambda: theirs.stat().st_size,
            target=1,
            unit="bytes",
        ),
        Comparison(
            name="the same model, compact",
            ours=lambda: compact.stat().st_size,
            rival_name="exact",
            rival=lambda: ours.stat().st_size,
            target=4,
            unit="bytes",
        ),
        Comparison(
            name="the same model, compact",
            ours=lambda: compact.stat().st_size,
            rival_name="gzip -9, of the exact file",
            rival=lambda: len(gzip.compress(ours.read_bytes(), 9)),
            target=2,
            unit="bytes",
            samples=3,
        ),
        Comparison(
            name="load the compact file",
            ours=lambda: load_model(compact),
            rival_name="the exact one",
            rival=lambda: load_model(ours),
            target=0.5,
        ),
    ]
