"""Compares two ways of doing the same thing, alternating within one run so that noise affects both."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from busy import BusyProcesses

SHORTEST_SAMPLE = 0.02
"""The minimum duration of a sample in seconds; a faster function is called repeatedly."""
SAMPLES_BESIDE = 3
"""How often each is measured beside a busy process."""
Unit: TypeAlias = Literal["seconds", "bytes", "errors"]


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
        unit: What is measured: the seconds that a function takes, or the bytes or the number of errors that it returns.
        why: The reason why ours misses the target, if known, as a complete sentence.
        is_beside_others: Whether ours brings busy processes of its own, so that one more says nothing.
    """

    name: str
    ours: Callable[[], Any]
    rival_name: str
    rival: Callable[[], Any]
    target: float
    samples: int = 7
    unit: Unit = "seconds"
    why: str = ""
    is_beside_others: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    """The median cost of each alternative, and half the interquartile range as a fraction of it.

    Attributes:
        ours_beside: The median of ours beside a busy process; None if that was not measured.
        rival_beside: That of the alternative.
    """

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
    ours_beside: float | None = None
    rival_beside: float | None = None

    @property
    def explanation(self) -> str:
        """Why the ratio is below its target, as a list item; empty if it is not below, or if the reason is unknown."""
        if self.ratio >= self.target or not self.why:
            return ""
        return f"- *{self.name}*, against {self.rival_name}: {self.why}"


def compare(comparison: Comparison, busy: BusyProcesses | None = None) -> Result:
    """Returns the medians of both alternatives, measured alternately, and those beside a busy process if there is one.

    Only seconds are measured beside it: neither memory nor errors depend on what else runs.
    """
    ours, rival = (_sampler(function, comparison.unit) for function in (comparison.ours, comparison.rival))
    found = _alternately(ours, rival, comparison.samples)
    beside: list[float | None] = [None, None]
    if busy is not None and comparison.unit == "seconds" and not comparison.is_beside_others:
        with busy.beside(1):
            beside[:] = map(statistics.median, _alternately(ours, rival, SAMPLES_BESIDE))
    medians = [statistics.median(samples) for samples in found]
    return Result(
        name=comparison.name,
        rival_name=comparison.rival_name,
        unit=comparison.unit,
        ours=medians[0],
        ours_spread=_spread(found[0]),
        rival=medians[1],
        rival_spread=_spread(found[1]),
        ratio=medians[1] / medians[0],
        target=comparison.target,
        why=comparison.why,
        ours_beside=beside[0],
        rival_beside=beside[1],
    )


def _alternately(ours: Callable[[], float], rival: Callable[[], float], number: int) -> tuple[list[float], list[float]]:
    samples = [(ours(), rival()) for _ in range(number)]
    return [own for own, _ in samples], [theirs for _, theirs in samples]


def _sampler(function: Callable[[], Any], unit: Unit) -> Callable[[], float]:
    if unit == "bytes":
        return function
    if unit == "errors":
        return lambda: max(1, function())  # none counts as one, so that there is a ratio
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


def markdown_table(results: Sequence[Result]) -> str:
    """Returns results as a table, with a column for what was measured beside a busy process if anything was."""
    has_beside = any(result.ours_beside is not None for result in results)
    columns = [*COLUMNS, *([BESIDE] if has_beside else [])]
    rows = [columns, ["---"] * len(columns), *(_cells(result)[: len(columns)] for result in results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


COLUMNS = ["what", "chartok", "alternative", "takes", "ratio", "target"]
BESIDE = "beside one busy process"


def _cells(result: Result) -> list[str]:
    shown = SHOWN[result.unit]
    beside = ""
    if result.ours_beside is not None and result.rival_beside is not None:
        beside = f"{shown(result.ours_beside)}, {_ratio(result.rival_beside / result.ours_beside)}×"
    return [
        result.name,
        f"{shown(result.ours)} ± {result.ours_spread:.0%}",
        result.rival_name,
        f"{shown(result.rival)} ± {result.rival_spread:.0%}",
        f"{_ratio(result.ratio)}×",
        f"{_ratio(result.target)}×",
        beside,
    ]


def duration(seconds: float) -> str:
    """Returns seconds with three significant digits, in a suitable unit."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def size(count: float) -> str:
    """Returns bytes in MiB or, if they are few, in KiB, with one decimal place for small numbers."""
    shown, unit = (count / 2**20, "MiB") if count >= 2**20 else (count / 2**10, "KiB")
    return f"{shown:,.0f} {unit}" if shown >= 10 else f"{shown:.1f} {unit}"  # noqa: PLR2004 - two digits in all


def _errors(count: float) -> str:
    return f"{count:,.0f} error{'s' * (count != 1)}"


SHOWN: dict[Unit, Callable[[float], str]] = {"seconds": duration, "bytes": size, "errors": _errors}


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits in all
