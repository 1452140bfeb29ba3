"""Counts the mutants of each package's last run, in ``mutants.json`` and in the table of ``docs/reliability.md``."""

import json
import tomllib
from itertools import dropwhile
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
MUTANTS = ROOT / "mutants"
PYPROJECT = ROOT / "pyproject.toml"
COUNTS = ROOT / "tests" / "support" / "mutants.json"
PAGE = ROOT / "docs" / "reliability.md"
TABLE_HEAD = "| package | mutants | tried | killed | share |\n| --- | ---: | ---: | ---: | ---: |\n"
LEAST_SHARE = 0.85

NOT_TRIED, SURVIVED, NO_TESTS = None, 0, 33
"""Exit codes under which a mutant lives; any other is that of a failed test, a time limit or a crash."""

Packages: TypeAlias = dict[str, dict[str, list[str]]]
Counts: TypeAlias = dict[str, dict[str, int]]


def packages() -> Packages:
    """Returns for each package that is mutated its modules and its tests."""
    selected: Packages = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["mutmut"]["packages"]
    return selected


def folder_of(package: str) -> Path:
    """Returns where a package is mutated."""
    return MUTANTS / package.replace("/", ".")


def counted(folder: Path, sample_size: int | None) -> dict[str, int]:
    """Returns how many mutants there were in a folder, how many of them were tried, and how many a test killed."""
    exit_codes = [
        exit_code
        for path in folder.rglob("*.py.meta")
        for exit_code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
    ]
    tried = [exit_code for exit_code in exit_codes if exit_code is not NOT_TRIED]
    drawn = min(sample_size or len(exit_codes), len(exit_codes))
    if len(tried) < drawn:
        raise ValueError(f"the run of mutmut has not ended: {len(tried)} of {drawn} mutants in {folder} were tried")
    killed = [exit_code for exit_code in tried if exit_code not in {SURVIVED, NO_TESTS}]
    return {"mutants": len(exit_codes), "tried": len(tried), "killed": len(killed)}


def table(counts: Counts) -> str:
    """Returns a line for each package and one for all, in Markdown."""
    all_packages = {kind: sum(count[kind] for count in counts.values()) for kind in ("mutants", "tried", "killed")}
    named = [(f"`{package}`", count) for package, count in counts.items()] + [("all", all_packages)]
    rows = [
        f"| {name} | {count['mutants']:,} | {count['tried']:,} | {count['killed']:,} "
        f"| {count['killed'] / count['tried']:.1%} |\n"
        for name, count in named
    ]
    return TABLE_HEAD + "".join(rows)


def page_with(counts: Counts) -> str:
    """Returns the page as it is, but for the table."""
    before, _, after = PAGE.read_text(encoding="utf-8").partition(TABLE_HEAD)
    after_rows = dropwhile(lambda line: line.startswith("|"), after.splitlines(keepends=True))
    return before + table(counts) + "".join(after_rows)


def record(package: str, sample_size: int | None) -> None:
    """Writes what was counted of one package, beside what was counted last of the others."""
    counts: Counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    counts[package] = counted(folder_of(package), sample_size)
    counts = {name: counts[name] for name in packages() if name in counts}
    COUNTS.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page_with(counts), encoding="utf-8")


def weak_packages() -> list[str]:
    """Returns of which packages too few mutants were killed."""
    counts: Counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    return [package for package, count in counts.items() if count["killed"] < LEAST_SHARE * count["tried"]]
