"""Saving and loading a model, verified to the last bit, compared with torch's own files, which are not verified."""

from __future__ import annotations

import torch

from charlm import NGramLanguageModel, load_model, save_model
from chartok import Vocabulary
from comparison import Comparison
from scratch import scratch_folder
from tokenizing import sample_text

LENGTH = 1_000_000
ORDER = 7


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on an n-gram model of a million characters."""
    folder = scratch_folder()
    text = sample_text(LENGTH)
    vocabulary = Vocabulary.from_text(text)
    model = NGramLanguageModel(vocabulary.size, order=ORDER).fit(vocabulary.encode(text))
    ours, theirs = folder / "model.safetensors", folder / "model.pt"
    save_model(ours, model, vocabulary)
    torch.save(model.state_dict(), theirs)
    size = f"{ours.stat().st_size / 1e6:.0f} MB"
    return [
        Comparison(
            name=f"save a model of {size}, on the disk when done",
            ours=lambda: save_model(ours, model, vocabulary),
            rival_name="torch.save",
            rival=lambda: torch.save(model.state_dict(), theirs),
            target=0.5,
        ),
        Comparison(
            name=f"load a model of {size}, every byte checked",
            ours=lambda: load_model(ours),
            rival_name="torch.load",
            rival=lambda: torch.load(theirs, weights_only=True),
            target=0.5,
            why="Every byte is hashed (SHA-256), and the n-gram tables are validated before anything is looked up in "
            "them, which takes even longer; torch.load does neither.",
        ),
    ]
