"""Prints unusual lines, and which part of them is unusual."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

from charlm.cli.output import print_json, shown_line
from charlm.cli.terminal import PLAIN, REVERSED_RED, has_colors
from charlm.decisions.calibration import checked_calibration
from chartok.arguments import fraction

if TYPE_CHECKING:
    from charlm.cli.scoring_flags import Color
    from charlm.decisions.text_judge import UnusualSpan
    from charlm.lm import CharLM

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
        checked_calibration(lm.calibration).check_rate(fraction("--unusual", rate), "--unusual")
        self._lm = lm
        self._rate = rate
        self._spans = spans
        self._json = json
        is_colored = color == "always" or (color == "auto" and has_colors(sys.stdout))
        self._marks = (REVERSED_RED, PLAIN) if is_colored else MARKED
        self._is_terminal = sys.stdout.isatty() or is_colored

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
        spans = [_moved(span, line, known) for span in self._lm.unusual_spans(known, self._rate)] if self._spans else []
        if self._json:
            shown = {"spans": [dataclasses.asdict(span) for span in spans]} if self._spans else {}
            print_json(p_value=p_value, text=line, **shown)
            return
        print(f"{p_value:.2g}\t{self._marked(line, spans)}")

    def _marked(self, line: str, spans: list[UnusualSpan]) -> str:
        before, after = self._marks
        parts, end = list[str](), 0
        for span in spans:
            if span.text or len(spans) == 1:
                parts += [self._shown(line[end : span.start]), before, self._shown(span.text) or END, after]
                end = span.end
        return "".join([*parts, self._shown(line[end:])])

    def _shown(self, text: str) -> str:
        """Returns a part of a line as it is printed."""
        return shown_line(text, on_terminal=self._is_terminal)


def _moved(span: UnusualSpan, line: str, known: str) -> UnusualSpan:
    """Returns a span with its place in a line, of which what is known is left after some characters were ignored."""
    if line == known:
        return span
    places = list[int]()
    for place, character in enumerate(line):
        if len(places) < len(known) and character == known[len(places)]:
            places.append(place)
    start = places[span.start] if span.start < len(places) else len(line)
    end = places[span.end - 1] + 1 if span.text else start
    return dataclasses.replace(span, start=start, end=end, text=line[start:end])
