"""Timing one way of doing a thing against another, in turns within one run, so that noise strikes both."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_SAMPLE = 0.02
"""Seconds that one sample takes at least; a quicker function is called as often as that needs."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared with what.

    Attributes:
        name: What is done, and on how much.
        ours: The library's way.
        rival_name: Whose way it is compared with.
        rival: That way.
        target: How many times faster ours is meant to be.
        samples: How often each is timed.
    """

    name: str
    ours: Callable[[], object]
    rival_name: str
    rival: Callable[[], object]
    target: float
    samples: int = 7


@dataclass(frozen=True, kw_only=True)
class Result:
    """Seconds a call, as medians, and half the distance between the quartiles as a share of them."""

    name: str
    rival_name: str
    ours_seconds: float
    ours_spread: float
    rival_seconds: float
    rival_spread: float
    ratio: float
    target: float


def compare(comparison: Comparison) -> Result:
    """Returns the medians of both ways, timed in turns."""
    ours_calls, rival_calls = _calls(comparison.ours), _calls(comparison.rival)
    ours, rival = [], []
    for _ in range(comparison.samples):
        ours.append(_seconds(comparison.ours, ours_calls))
        rival.append(_seconds(comparison.rival, rival_calls))
    return Result(
        name=comparison.name,
        rival_name=comparison.rival_name,
        ours_seconds=statistics.median(ours),
        ours_spread=_spread(ours),
        rival_seconds=statistics.median(rival),
        rival_spread=_spread(rival),
        ratio=statistics.median(rival) / statistics.median(ours),
        target=comparison.target,
    )


def _calls(function: Callable[[], object]) -> int:
    return max(1, round(SHORTEST_SAMPLE / max(min(_seconds(function, 1), _seconds(function, 1)), 1e-7)))


def _seconds(function: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - started) / calls


def _spread(samples: list[float]) -> float:
    quartiles = statistics.quantiles(samples, n=4)
    return (quartiles[2] - quartiles[0]) / 2 / statistics.median(samples)


def markdown_row(result: Result) -> str:
    """Returns a result as a row of the table whose head is ``MARKDOWN_HEAD``."""
    ours = f"{_duration(result.ours_seconds)} ± {result.ours_spread:.0%}"
    rival = f"{_duration(result.rival_seconds)} ± {result.rival_spread:.0%}"
    ratio, target = _ratio(result.ratio), _ratio(result.target)
    return f"| {result.name} | {ours} | {result.rival_name} | {rival} | {ratio}× | {target}× |"


MARKDOWN_HEAD = "| what | chartok | against | takes | ratio | target |\n| --- | --- | --- | --- | --- | --- |"


def _duration(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits in all
