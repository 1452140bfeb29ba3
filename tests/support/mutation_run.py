"""Runs mutmut on each package that ``pyproject.toml`` names, with its tests, and counts what was killed.

    python tests/support/mutation_run.py 40                   # a random sample of 40 mutants of each package
    python tests/support/mutation_run.py all charlm/decoding  # all of one package

Each package is mutated in a folder of its own below ``mutants``, so that no other code is slowed down and no other test
is run: code that everything calls would be tested by everything.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mutants


def prepared_folder(package: str, modules: list[str], tests: list[str]) -> Path:
    """Returns a new folder in which mutmut finds the sources, the tests and the settings of one package."""
    folder = mutants.folder_of(package)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "mutants" / "src").mkdir(parents=True)  # Python would remember that it was not there to import from
    for name in ("docs", "src", "tests"):
        (folder / name).symlink_to(mutants.ROOT / name)
    selection = f"only_mutate = {json.dumps(modules)}\npytest_add_cli_args_test_selection = {json.dumps(tests)}\n"
    head, table, rest = mutants.PYPROJECT.read_text(encoding="utf-8").partition("[tool.mutmut]\n")
    (folder / "pyproject.toml").write_text(head + table + selection + rest, encoding="utf-8")
    return folder


def mutate(package: str, sample_size: int | None) -> None:
    """Runs mutmut on one package, and records what was killed."""
    folder = prepared_folder(package, **mutants.packages()[package])
    program = [sys.executable, str(Path(__file__).with_name("sampled_mutmut.py")), str(sample_size or "all")]
    environment = {"PYTHONPATH": str(folder / "mutants" / "src")}  # for the programs that tests start
    subprocess.run(program, cwd=folder, env=os.environ | environment, check=True)
    mutants.record(package, sample_size)


def main() -> None:
    """Mutates each package, and ends with an error where too few mutants were killed."""
    sample, *packages = sys.argv[1:]
    for package in packages or mutants.packages():
        sys.stdout.write(f"{package}\n")
        sys.stdout.flush()
        mutate(package, None if sample == "all" else int(sample))
    if weak := mutants.weak_packages():
        sys.exit(f"less than {mutants.LEAST_SHARE:.0%} of the mutants of {', '.join(weak)} were killed")


if __name__ == "__main__":
    main()
