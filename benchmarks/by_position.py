"""``python benchmarks/by_position.py RUN TEXT``: the loss of a Transformer by how much of a block it has seen.

RUN is one that was trained on the first nine tenths of TEXT; the last tenth is cut into blocks that do not overlap.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from charlm import load_model
from charlm.models.transformer import TransformerLanguageModel
from chartok import read_text

BLOCKS_AT_ONCE = 16
BOUNDS = (0, 8, 16, 32, 64, 96, 128, 192, 256)


@torch.no_grad()
def main() -> None:
    """Prints a row for each range of positions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("text", type=Path)
    arguments = parser.parse_args()
    model, vocabulary = load_model(arguments.run)
    if not isinstance(model, TransformerLanguageModel):
        raise SystemExit(f"{arguments.run} is no Transformer")
    text, block = read_text(arguments.text), model.config.block_size
    ids = vocabulary.encode(text[int(len(text) * 0.9) :]).astype(np.int64)
    blocks = torch.from_numpy(np.stack([ids[start : start + block + 1] for start in range(0, len(ids) - block, block)]))
    scores = torch.cat([model.log_probabilities(some[:, :-1], some[:, 1:]) for some in blocks.split(BLOCKS_AT_ONCE)])
    print("| positions | nats per character |\n| --- | ---: |")
    for first, stop in pairwise(BOUNDS):
        if first < block:
            print(f"| {first + 1} to {min(stop, block)} | {-scores[:, first:stop].mean():.3f} |")


if __name__ == "__main__":
    main()
