"""Counts the mutants of the last run of mutmut, in ``mutants.json`` and in the table of ``docs/reliability.md``.

Fails where too few of a module were killed.
"""

import json
import sys
from itertools import dropwhile
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
MUTATED = ROOT / "mutants" / "src"
COUNTS = ROOT / "tests" / "support" / "mutants.json"
PAGE = ROOT / "docs" / "reliability.md"
TABLE_HEAD = "| module | mutants | killed | share |\n| --- | ---: | ---: | ---: |\n"
LEAST_SHARE = 0.85

NOT_RUN, SURVIVED, NO_TESTS = None, 0, 33
"""Exit codes under which a mutant lives; any other is that of a failed test, a time limit or a crash."""

Counts: TypeAlias = dict[str, dict[str, int]]


def counted(mutated: Path) -> Counts:
    """Returns for each module how many mutants there were, and how many of them a test killed."""
    counts = {}
    for path in sorted(mutated.rglob("*.py.meta")):
        exit_codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        if NOT_RUN in exit_codes:
            raise ValueError(f"the run of mutmut has not ended: a mutant of {path.stem} was not tried")
        if exit_codes:
            module = path.relative_to(mutated).with_suffix("").as_posix()
            counts[module] = {
                "mutants": len(exit_codes),
                "killed": sum(exit_code not in {SURVIVED, NO_TESTS} for exit_code in exit_codes),
            }
    return counts


def table(counts: Counts) -> str:
    """Returns a line for each module and one for all, in Markdown."""
    all_modules = {kind: sum(count[kind] for count in counts.values()) for kind in ("mutants", "killed")}
    named = [(f"`{module}`", count) for module, count in counts.items()] + [("all", all_modules)]
    rows = [
        f"| {name} | {count['mutants']:,} | {count['killed']:,} | {count['killed'] / count['mutants']:.1%} |\n"
        for name, count in named
    ]
    return TABLE_HEAD + "".join(rows)


def page_with(counts: Counts) -> str:
    """Returns the page as it is, but for the table."""
    before, _, after = PAGE.read_text(encoding="utf-8").partition(TABLE_HEAD)
    after_rows = dropwhile(lambda line: line.startswith("|"), after.splitlines(keepends=True))
    return before + table(counts) + "".join(after_rows)


def main() -> None:
    """Writes what was counted, and ends with an error where that is too little."""
    counts = counted(MUTATED)
    COUNTS.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page_with(counts), encoding="utf-8")
    sys.stdout.write(table(counts))
    weak = [module for module, count in counts.items() if count["killed"] < LEAST_SHARE * count["mutants"]]
    if weak:
        sys.exit(f"less than {LEAST_SHARE:.0%} of the mutants of {', '.join(weak)} were killed")


if __name__ == "__main__":
    main()
