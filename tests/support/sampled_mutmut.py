"""Runs mutmut in the current folder on a random sample of the mutants, the same in every run, or on ``all`` of them."""

import sys
from random import Random
from typing import Any


def main(sample: str) -> None:
    """Runs it on as many mutants."""
    from mutmut import __main__ as mutmut  # noqa: PLC0415 - what collects tests meets this file without mutmut

    collect_all = mutmut.collect_source_file_mutation_data

    def collect_sample(**arguments: Any) -> Any:
        collected, data_by_path = collect_all(**arguments)
        by_name = sorted(collected, key=lambda mutant: mutant[1])
        return Random(0).sample(by_name, min(int(sample), len(by_name))), data_by_path  # noqa: S311 - guards nothing

    if sample != "all":
        mutmut.collect_source_file_mutation_data = collect_sample
    mutmut.cli(["run"])


if __name__ == "__main__":
    main(sys.argv[1])
