"""The page in which to play with a model, beside the same n-grams as plain JSON, which no page could run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from charlm import CharLM, NGramTable, write_play
from comparison import Comparison
from scratch import scratch_folder
from tokenizing import sample_text

if TYPE_CHECKING:
    from pathlib import Path

CHARACTERS = 300_000
ORDER = 5


def comparisons() -> list[Comparison]:
    """Returns the comparisons, on an n-gram model."""
    text = sample_text(CHARACTERS)
    lm = CharLM.fit(text, order=ORDER, smoothing="learned")
    folder = scratch_folder()
    page, plain = folder / "play.html", folder / "model.json"
    table = lm.stored
    assert isinstance(table, NGramTable)  # noqa: S101 - it was counted
    what = f"page of {len(table):,} n-grams"
    return [
        Comparison(
            name=f"write a {what}",
            ours=lambda: write_play(lm, page, text=text[:100]),
            rival_name="n-grams, as JSON",
            rival=lambda: write_json(plain, table),
            target=2,
            samples=3,
        ),
        Comparison(
            name=f"size of a {what}",
            ours=lambda: write_play(lm, page, text=text[:100]).stat().st_size,
            rival_name="n-grams, as JSON",
            rival=lambda: write_json(plain, table).stat().st_size,
            target=4,
            unit="bytes",
            samples=3,
        ),
    ]


def write_json(path: Path, table: NGramTable) -> Path:
    """Writes each n-gram, as ids, with its two numbers, and returns the path."""
    grams: list[tuple[int, ...]] = [()]
    for key in table.keys.tolist():
        parent, last = divmod(key, table.vocab_size)
        grams.append((*grams[parent], last))
    names = (" ".join(map(str, gram)) for gram in grams[1:])
    numbers = zip(table.log_probabilities.tolist(), table.log_backoffs.tolist(), strict=False)
    path.write_text(json.dumps(dict(zip(names, numbers, strict=False))), encoding="utf-8")
    return path
