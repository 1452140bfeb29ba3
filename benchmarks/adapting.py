"""Compressing with a model that learns while it reads, beside compressors; ``compressing.py`` has more of them."""

from __future__ import annotations

from functools import partial

from comparison import Comparison
from compressing import Way, ways
from tokenizing import sample_text

LENGTH = 200_000
OURS = "`charlm compress`"
RIVALS = {"pyppmd": "PPMd, order 8", "xz": "xz -9e", "bzip2": "bzip2 -9"}
"""The names of the alternatives in ``compressing.py``."""
WHY = "It mixes the predictions of a dozen models for each bit, where the others look up or count."


def comparisons() -> list[Comparison]:
    """Returns the comparisons, with those alternatives that are installed."""
    content = sample_text(LENGTH).encode()
    known = ways()
    there = {name: known[way] for name, way in RIVALS.items() if way in known}
    return [row for name, way in there.items() for row in _rows(content, known[OURS], name, way)]


def _rows(content: bytes, ours: Way, rival_name: str, rival: Way) -> list[Comparison]:
    packed, packed_by_rival = ours.compress(content), rival.compress(content)
    amount = f"{LENGTH:,} characters"
    return [
        Comparison(
            name=f"size of {amount}",
            ours=lambda: len(packed),
            rival_name=rival_name,
            rival=lambda: len(packed_by_rival),
            target=1,
            unit="bytes",
            samples=3,
        ),
        Comparison(
            name=f"compress {amount}",
            ours=partial(ours.compress, content),
            rival_name=rival_name,
            rival=partial(rival.compress, content),
            target=0.1,
            samples=3,
            why=WHY,
        ),
        Comparison(
            name=f"decompress {amount}",
            ours=partial(ours.decompress, packed),
            rival_name=rival_name,
            rival=partial(rival.decompress, packed_by_rival),
            target=0.01,
            samples=3,
            why=WHY,
        ),
    ]
