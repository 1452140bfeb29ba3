"""A Matplotlib figure that a notebook shows, whether or not ``pyplot`` has been loaded there."""

from __future__ import annotations

import io
from typing import TypeAlias

from matplotlib.figure import Figure

PIXELS_PER_POINT = 2
"""Enough for a screen on which the notebook draws with two pixels for one."""

Shown: TypeAlias = tuple[bytes, dict[str, int | str]]


class NotebookFigure(Figure):
    r"""A figure that a notebook shows as a picture.

    Matplotlib teaches a notebook to show figures when ``pyplot`` is loaded or ``%matplotlib`` is given, neither of
    which these figures need. What it teaches then comes before this class's own way, so nothing is shown twice.

    Its label is what a screen reader says.

    Example:
        >>> figure = NotebookFigure(figsize=(2, 1), label="nothing")
        >>> picture, about = figure._repr_png_()
        >>> picture[:4], about
        (b'\x89PNG', {'width': 200, 'height': 100, 'alt': 'nothing'})
    """

    def _repr_png_(self) -> Shown:
        """Returns the picture, the size in pixels at which to show it, and what it shows."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=PIXELS_PER_POINT * self.dpi)
        width, height = (round(float(inches) * self.dpi) for inches in self.get_size_inches())
        return picture.getvalue(), {"width": width, "height": height, "alt": str(self.get_label())}
