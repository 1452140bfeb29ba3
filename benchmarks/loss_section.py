"""The section of the documentation page on what models reach in how many seconds."""

from __future__ import annotations

import math
from typing import Any

HEAD = """## Loss and seconds

The loss on the last tenth of Tiny Shakespeare, in nats and in bits per character, after so many seconds of processor
time: each model learns from the first nine tenths on one thread, one after the other on the same machine
(`benchmarks/loss_and_seconds.py`). Scoring is not in the seconds. The models of chartok have the default settings of
`charlm train`, `GPT` also a run of 90 steps instead of 350. Kneser-Ney has order 7, its best; KenLM has order 6, the
highest of its standard build. nanoGPT is its own `train.py` with the settings that its README gives for a processor;
the rows are its checkpoints after 500, 1,000, 1,500 and 2,000 steps, scored as our own models are. PPMd has order 8 and
keeps learning from the text that it compresses, as does `lm.adaptive()`, the n-gram model that keeps learning; the
others are fixed.

| model | seconds | nats per character | bits per character |
| --- | ---: | ---: | ---: |
"""


def loss_section(measured: dict[str, Any]) -> str:
    """Returns the section without the machine."""
    rows = [
        f"| {name} | {_seconds(point['seconds'])} | {point['loss']:.3f} | {point['loss'] / math.log(2):.3f} |"
        for name, points in measured["points"].items()
        for point in points
    ]
    return HEAD + "\n".join(rows) + "\n"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"  # noqa: PLR2004 - two digits
