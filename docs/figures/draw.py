"""``python docs/figures/draw.py``: draws the pictures of the documentation into ``docs/images``.

The build of the documentation draws those that need no trained model again, and fails where one has become another.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attending
import data_flow
import diagrams_of_counts
import losses
import sampling
import surprising

if TYPE_CHECKING:
    from collections.abc import Callable

    from drawing import Drawing

IMAGES = Path(__file__).parents[1] / "images"
PICTURES: dict[str, Callable[[], Drawing]] = {
    "back-off": diagrams_of_counts.back_off,
    "block": attending.block,
    "flow": data_flow.flow,
    "kneser-ney": diagrams_of_counts.kneser_ney,
    "loss-and-seconds": losses.losses,
    "surprise": surprising.names,
    "temperature": sampling.temperature,
    "windows": diagrams_of_counts.windows,
}
TRAINED: dict[str, Callable[[], Drawing]] = {"attention": attending.attention}
"""Those of a model that is trained for them, whose last digits a processor may change."""

if __name__ == "__main__":
    for name, draw in {**PICTURES, **TRAINED}.items():
        (IMAGES / f"{name}.svg").write_text(draw().svg(), encoding="utf-8")
