"""Batches compared with the notebook's ``get_batch`` and ``DataLoader``; token files compared with reading it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader

from charlm import BatchSampler, TextDataset
from chartok import Vocabulary, encode_file, encode_texts
from comparison import Comparison
from scratch import scratch_folder

if TYPE_CHECKING:
    from pathlib import Path

IDS = 1_000_000
DATA_LOADER_WHY = "The dataset returns all windows of a batch to DataLoader at once, which makes DataLoader fast too."


def comparisons() -> list[Comparison]:
    """Returns the comparisons: an int64 batch from a million ids; a token file of twenty million characters."""
    ids = np.random.default_rng(0).integers(0, 65, IDS).astype(np.uint8)
    folder = scratch_folder()
    return [
        _batch(ids, 64, 256, target=40),
        _batch(ids, 32, 8, target=20),
        _batch(ids, 4, 8, target=3),
        _batch_from_file(ids, folder, 64, 256, target=15),
        _against_data_loader(ids, 64, 256, TextDataset, "DataLoader(TextDataset)", DATA_LOADER_WHY),
        _against_data_loader(ids, 64, 256, OneByOne, "DataLoader, window by window"),
        _token_file(folder),
    ]


def _batch(ids: np.ndarray, batch_size: int, block_size: int, *, target: float) -> Comparison:
    batches = BatchSampler(TextDataset(ids, block_size), batch_size)
    return Comparison(
        name=f"batch {batch_size}x{block_size}",
        ours=lambda: next(batches),
        rival_name="notebook",
        rival=_Notebook(ids, batch_size, block_size),
        target=target,
    )


def _batch_from_file(ids: np.ndarray, folder: Path, batch_size: int, block_size: int, *, target: float) -> Comparison:
    text = Vocabulary(map(chr, range(65))).decode(ids)
    tokens = encode_texts([text], folder / "ids.tokens")
    batches = BatchSampler(TextDataset(tokens, block_size), batch_size)
    return Comparison(
        name=f"batch {batch_size}x{block_size} from a token file",
        ours=lambda: next(batches),
        rival_name="notebook, in memory",
        rival=_Notebook(ids, batch_size, block_size),
        target=target,
    )


class OneByOne(TextDataset):
    """A dataset that cannot return several windows at once to ``DataLoader``."""

    __getitems__ = None  # type: ignore[assignment]


def _against_data_loader(
    ids: np.ndarray, batch_size: int, block_size: int, dataset: type[TextDataset], rival_name: str, why: str = ""
) -> Comparison:
    loader = iter(DataLoader(dataset(ids, block_size), batch_size))
    batches = BatchSampler(TextDataset(ids, block_size), batch_size)
    return Comparison(
        name=f"batch {batch_size}x{block_size}",
        ours=lambda: next(batches),
        rival_name=rival_name,
        rival=lambda: next(loader),
        target=20,
        why=why,
    )


def _token_file(folder: Path) -> Comparison:
    text = folder / "text.txt"
    text.write_bytes(b"The quick brown fox jumps over the lazy dog.\n" * 450_000)
    vocabulary = Vocabulary.from_file(text)

    return Comparison(
        name="encode_file, 20 MB",
        ours=lambda: encode_file(text, folder / "text.tokens", vocabulary).close(),
        rival_name="list, then array",
        rival=lambda: read_it_all(text, folder / "all.bin"),
        target=20,
    )


def read_it_all(text: Path, out: Path) -> None:
    """Writes the ids of a text in the straightforward way."""
    content = text.read_text(encoding="utf-8")
    id_of = {character: i for i, character in enumerate(sorted(set(content)))}
    np.array([id_of[character] for character in content], dtype=np.uint16).tofile(out)


class _Notebook:
    """The notebook's ``get_batch``."""

    def __init__(self, ids: np.ndarray, batch_size: int, block_size: int) -> None:
        self.data = torch.from_numpy(ids).long()
        self.batch_size = batch_size
        self.block_size = block_size

    def __call__(self) -> tuple[torch.Tensor, torch.Tensor]:
        data, block_size = self.data, self.block_size
        starts = torch.randint(0, data.size(0) - block_size, (self.batch_size,))
        inputs = torch.stack([data[i : i + block_size] for i in starts])
        targets = torch.stack([data[i + 1 : i + block_size + 1] for i in starts])
        return inputs, targets
