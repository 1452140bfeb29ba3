"""``make bench``: measures everything and writes ``benchmarks/results.json`` and the page that shows the results.

With titles of tables, as in ``benchmarks/run.py Records Files``, it measures those alone and keeps the others.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from typing import TYPE_CHECKING, Any

import growth
from busy import BusyProcesses
from comparison import compare, markdown_table
from environment import environment, rivals, same_machine
from page import PAGE, RESULTS, page
from subjects import SUBJECTS, comparisons_of

if TYPE_CHECKING:
    from collections.abc import Sequence

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs start from compiled modules, as after pip install

GROWTH = "Growth"


def main(titles: Sequence[str]) -> None:
    """Runs the measurements, prints the results, and writes them to files after each table."""
    there = json.loads(RESULTS.read_text(encoding="utf-8"))
    new: dict[str, Any] = {"machine": environment(), "rivals": rivals(), "comparisons": {}}
    results = merged(there) if titles else new
    print(*results["machine"].values(), sep=", ")
    with BusyProcesses(1) as busy:
        for title in titles or [*SUBJECTS, GROWTH]:
            started = time.perf_counter()
            if title == GROWTH:
                results["growth"] = growth.rows()
            else:
                _measure(title, results["comparisons"], busy)
            print(f"{title} took {time.perf_counter() - started:.0f} s", flush=True)
            _write({"growth": there["growth"]} | results)


def merged(earlier: dict[str, Any]) -> dict[str, Any]:
    """Returns earlier results as those that a run of some tables adds to, with the dates of both.

    Raises:
        SystemExit: They come from another machine.
    """
    return earlier | {"machine": same_machine(earlier["machine"]), "rivals": earlier["rivals"] | rivals()}


def _measure(title: str, tables: dict[str, Any], busy: BusyProcesses) -> None:
    print(f"\n{title}\n", flush=True)
    measured = [compare(comparison, busy) for comparison in comparisons_of(title)]
    print(markdown_table(measured))
    tables.pop(title, None)
    if measured:
        tables[title] = [*map(dataclasses.asdict, measured)]


def _write(results: dict[str, Any]) -> None:
    tables = results["comparisons"]
    results["comparisons"] = {title: tables[title] for title in SUBJECTS if title in tables}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measures all tables, or some.")
    parser.add_argument("titles", nargs="*", metavar="TITLE", help=f"one of {', '.join([*SUBJECTS, GROWTH])}")
    titles = parser.parse_args().titles
    if unknown := set(titles) - {*SUBJECTS, GROWTH}:
        parser.error(f"no table is called {', '.join(unknown)}: choose from {', '.join([*SUBJECTS, GROWTH])}")
    main(titles)
