"""The plot of the landing page: what a text costs after so many seconds, by the figures of one benchmark."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

from drawing import Anchor, Drawing

FIGURES = Path(__file__).parents[2] / "benchmarks" / "loss_and_seconds.json"
"""What ``benchmarks/loss_and_seconds.py`` has measured."""
SECONDS = (0.01, 200.0)
LOSSES = (1.2, 2.6)
LEFT, RIGHT, TOP, BOTTOM = 64, 740, 70, 380


class Label(NamedTuple):
    """Where the name of a curve stands, seen from its last point."""

    right: float
    down: float
    anchor: Anchor
    is_ours: bool


LABELS = {
    "bigram, counted": Label(10, 5, "start", is_ours=True),
    "n-gram, Kneser-Ney": Label(-10, 5, "end", is_ours=True),
    "n-gram, the default": Label(0, -12, "middle", is_ours=True),
    "n-gram, keeps learning": Label(10, 5, "start", is_ours=True),
    "GPT": Label(0, 24, "middle", is_ours=True),
    "PPMd": Label(-10, 5, "end", is_ours=False),
    "KenLM": Label(0, -12, "middle", is_ours=False),
    "nanoGPT": Label(-98, -84, "end", is_ours=False),
}
NAMES = {"PPMd": "PPMd, keeps learning"}
"""What is shown where it is not the name of the figures."""


def across(seconds: float) -> float:
    """Returns where seconds are, from left to right, on a logarithmic scale."""
    low, high = (math.log(bound) for bound in SECONDS)
    return LEFT + (RIGHT - LEFT) * (math.log(seconds) - low) / (high - low)


def down(loss: float) -> float:
    """Returns where a loss is, from top to bottom."""
    return BOTTOM - (BOTTOM - TOP) * (loss - LOSSES[0]) / (LOSSES[1] - LOSSES[0])


def losses() -> Drawing:
    """Draws a point or a curve for each model, with its name beside it."""
    points = json.loads(FIGURES.read_text("utf-8"))["points"]
    drawing = Drawing(760, 440, _told(points))
    drawing.text(20, 36, "nats per character on the last tenth of Tiny Shakespeare", look="small quiet")
    drawing.dot(448, 31, "blue-dot")
    drawing.text(460, 36, "chartok", look="small")
    drawing.dot(540, 31, "orange-dot")
    drawing.text(552, 36, "others", look="small")
    for tenths in range(12, 27, 2):
        drawing.path(f"M{LEFT} {down(tenths / 10):.1f}H{RIGHT}", "grid")
        drawing.text(LEFT - 10, down(tenths / 10) + 5, f"{tenths / 10:.1f}", look="small quiet", anchor="end")
    for seconds in (0.01, 0.1, 1, 10, 100):
        drawing.path(f"M{across(seconds):.1f} {BOTTOM}v6")
        drawing.text(across(seconds), BOTTOM + 24, f"{seconds:g} s", look="small quiet", anchor="middle")
    drawing.text(
        (LEFT + RIGHT) / 2,
        BOTTOM + 46,
        "processor time until the model is ready, one thread",
        look="small quiet",
        anchor="middle",
    )
    for name, label in LABELS.items():
        if name in points:
            _curve(
                drawing, NAMES.get(name, name), [(across(p["seconds"]), down(p["loss"])) for p in points[name]], label
            )
    return drawing


def _curve(drawing: Drawing, name: str, places: list[tuple[float, float]], label: Label) -> None:
    color = "blue" if label.is_ours else "orange"
    if len(places) > 1:
        drawing.path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places), f"{color}-path")
    for x, y in places:
        drawing.dot(round(x, 1), round(y, 1), f"{color}-dot")
    x, y = places[-1]
    drawing.text(round(x + label.right, 1), round(y + label.down, 1), name, look="small", anchor=label.anchor)


def _told(points: dict[str, list[dict[str, float]]]) -> str:
    """Returns the figures in words."""
    last = (f"{name} {of[-1]['loss']:.3f} after {of[-1]['seconds']:.2g} s" for name, of in points.items())
    return f"Loss of models in nats per character against the seconds they take: {'; '.join(last)}"
