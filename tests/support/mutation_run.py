"""Runs mutmut on each package that ``pyproject.toml`` names, with the tests of that package, and counts what was killed.

    python tests/support/mutation_run.py 40     # a random sample of 40 mutants of each package
    python tests/support/mutation_run.py all

Each package is mutated in a folder of its own below ``mutants``, so that no other code is slowed down and no other test
is run: code that everything calls would be tested by everything.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

import mutants


def drawn(package: str, names: list[str], sample_size: int | None) -> list[str]:
    """Returns the same random sample of the names in every run."""
    if sample_size is None or sample_size >= len(names):
        return names
    return sorted(Random(package).sample(names, sample_size))  # noqa: S311 - guards nothing


def mutant_names(patterns: list[str]) -> list[str]:
    """Returns what mutmut calls the mutants of the modules that match."""
    return [
        get_mutant_name(module.relative_to(mutants.ROOT), name)
        for pattern in patterns
        for module in sorted(mutants.ROOT.glob(pattern))
        for name in mutate_file_contents(str(module), module.read_text(encoding="utf-8"), None, None).mutant_names
    ]


def prepared_folder(package: str, modules: list[str], tests: list[str]) -> Path:
    """Returns a new folder in which mutmut finds the sources, the tests and the settings of one package."""
    folder = mutants.folder_of(package)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("src", "tests"):
        (folder / name).symlink_to(mutants.ROOT / name)
    selection = f"only_mutate = {json.dumps(modules)}\npytest_add_cli_args_test_selection = {json.dumps(tests)}\n"
    head, table, rest = mutants.PYPROJECT.read_text(encoding="utf-8").partition("[tool.mutmut]\n")
    (folder / "pyproject.toml").write_text(head + table + selection + rest, encoding="utf-8")
    return folder


def main() -> None:
    """Mutates each package, and ends with an error where too few mutants were killed."""
    sample_size = None if sys.argv[1] == "all" else int(sys.argv[1])
    for package, selected in mutants.packages().items():
        folder = prepared_folder(package, **selected)
        names = drawn(package, mutant_names(selected["modules"]), sample_size)
        sys.stdout.write(f"{package}: {len(names)} mutants\n")
        sys.stdout.flush()
        subprocess.run(
            [Path(sys.executable).parent / "mutmut", "run", *(names if sample_size else [])],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder / "mutants" / "src")},  # for the programs that tests start
            check=True,
        )
    mutants.report()


if __name__ == "__main__":
    main()
