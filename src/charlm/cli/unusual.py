"""Prints unusual lines, and which part of them is unusual."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from charlm.cli.output import print_json
from charlm.decisions.calibration import checked_calibration

if TYPE_CHECKING:
    from charlm.cli.scoring_flags import Color
    from charlm.decisions.text_judge import UnusualSpan
    from charlm.lm import CharLM

COLORED = ("\x1b[1;31m", "\x1b[0m")
"""Bold red, and as before."""
MARKED = ("[[", "]]")
END = "\N{SYMBOL FOR END OF TEXT}"
"""Stands for the end of a line where that comes too early, and nothing else in it is unusual."""


class UnusualLines:
    """Prints those of several lines that are unusual.

    Args:
        lm: A calibrated model.
        rate: The share of usual lines that may be printed.
        spans: Whether to show which part is unusual.
        color: Whether to color that part; by default on a terminal, where ``NO_COLOR`` is not set.
        json: Whether to print JSON objects.

    Raises:
        ValueError: The model is not calibrated, or on too few lines for the rate.
    """

    def __init__(self, lm: CharLM, rate: float, *, spans: bool, color: Color, json: bool) -> None:
        checked_calibration(lm.calibration).check_rate(rate, "--unusual")
        self._lm = lm
        self._rate = rate
        self._spans = spans
        self._json = json
        is_on_terminal = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._marks = COLORED if color == "always" or (color == "auto" and is_on_terminal) else MARKED

    def show(self, lines: list[str], admitted: list[str]) -> None:
        """Prints the unusual ones of some lines.

        Args:
            lines: The lines, as they are printed.
            admitted: The lines as they are judged, from the first on; there may be fewer.
        """
        for line, known, p_value in zip(lines, admitted, self._lm.p_values(admitted).tolist(), strict=False):
            if p_value <= self._rate:
                self._show(line, known, p_value)

    def _show(self, line: str, known: str, p_value: float) -> None:
        spans = self._lm.unusual_spans(known, self._rate) if self._spans else []
        if self._json:
            shown = {"spans": [dataclasses.asdict(span) for span in spans]} if self._spans else {}
            print_json(p_value=p_value, text=line, **shown)
            return
        print(f"{p_value:.2g}\t{in_one_line(self._marked(known, spans) if self._spans else line)}")

    def _marked(self, line: str, spans: list[UnusualSpan]) -> str:
        before, after = self._marks
        for span in reversed(spans):
            if span.text or len(spans) == 1:
                line = f"{line[: span.start]}{before}{span.text or END}{after}{line[span.end :]}"
        return line


def in_one_line(text: str) -> str:
    r"""Returns a text with its line ends as ``\n`` and ``\r``.

    Example:
        >>> in_one_line("to be\nor not")
        'to be\\nor not'
    """
    return text.replace("\n", r"\n").replace("\r", r"\r")
