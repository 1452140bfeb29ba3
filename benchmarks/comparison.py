"""Compares two ways of doing the same thing, alternating within one run so that noise affects both."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_SAMPLE = 0.02
"""The minimum duration of a sample in seconds; a faster function is called repeatedly."""
Unit: TypeAlias = Literal["seconds", "bytes"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison of the library with an alternative.

    Attributes:
        name: What is done, and on how much data.
        ours: The library's way of doing it.
        rival_name: The name of the alternative.
        rival: The alternative.
        target: The intended ratio of the alternative's cost to ours.
        samples: How often each is measured.
        unit: What is measured: the seconds that a function takes, or the bytes that it returns.
        why: The reason why ours misses the target, if known, as a complete sentence.
    """

    name: str
    ours: Callable[[], Any]
    rival_name: str
    rival: Callable[[], Any]
    target: float
    samples: int = 7
    unit: Unit = "seconds"
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """The median cost of each alternative, and half the interquartile range as a fraction of it."""

    name: str
    rival_name: str
    unit: Unit
    ours: float
    ours_spread: float
    rival: float
    rival_spread: float
    ratio: float
    target: float
    why: str

    @property
    def explanation(self) -> str:
        """Why the ratio is below its target, as a list item; empty if it is not below, or if the reason is unknown."""
        if self.ratio >= self.target or not self.why:
            return ""
        return f"- *{self.name}*, against {self.rival_name}: {self.why}"


def compare(comparison: Comparison) -> Result:
    """Returns the medians of both alternatives, measured alternately."""
    sample_ours = _sampler(comparison.ours, comparison.unit)
    sample_rival = _sampler(comparison.rival, comparison.unit)
    ours, rival = [], []
    for _ in range(comparison.samples):
        ours.append(sample_ours())
        rival.append(sample_rival())
    return Result(
        name=comparison.name,
        rival_name=comparison.rival_name,
        unit=comparison.unit,
        ours=statistics.median(ours),
        ours_spread=_spread(ours),
        rival=statistics.median(rival),
        rival_spread=_spread(rival),
        ratio=statistics.median(rival) / statistics.median(ours),
        target=comparison.target,
        why=comparison.why,
    )


def _sampler(function: Callable[[], Any], unit: Unit) -> Callable[[], float]:
    if unit == "bytes":
        return function
    calls = max(1, round(SHORTEST_SAMPLE / max(min(_seconds(function, 1), _seconds(function, 1)), 1e-7)))
    return lambda: _seconds(function, calls)


def _seconds(function: Callable[[], Any], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - started) / calls


def _spread(samples: list[float]) -> float:
    quartiles = statistics.quantiles(samples, n=4)
    return (quartiles[2] - quartiles[0]) / 2 / statistics.median(samples)


def markdown_row(result: Result) -> str:
    """Returns a result as a row of the table with the header ``MARKDOWN_HEAD``."""
    shown = duration if result.unit == "seconds" else size
    ours = f"{shown(result.ours)} ± {result.ours_spread:.0%}"
    rival = f"{shown(result.rival)} ± {result.rival_spread:.0%}"
    ratio, target = _ratio(result.ratio), _ratio(result.target)
    return f"| {result.name} | {ours} | {result.rival_name} | {rival} | {ratio}× | {target}× |"


MARKDOWN_HEAD = "| what | chartok | alternative | takes | ratio | target |\n| --- | --- | --- | --- | --- | --- |"


def duration(seconds: float) -> str:
    """Returns seconds with three significant digits, in a suitable unit."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def size(count: float) -> str:
    """Returns bytes in MiB, with one decimal place for small numbers."""
    mebibytes = count / 2**20
    return f"{mebibytes:,.0f} MiB" if mebibytes >= 10 else f"{mebibytes:.1f} MiB"  # noqa: PLR2004 - two digits in all


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits in all
