"""Runs mutmut in the current folder on a random sample of the mutants, the same in every run, or on ``all`` of them."""

import sys
from random import Random
from typing import Any

from mutmut import __main__ as mutmut

collect_all = mutmut.collect_source_file_mutation_data


def collect_sample(**arguments: Any) -> Any:
    """Returns what mutmut collects, with only those mutants that are drawn."""
    collected, data_by_path = collect_all(**arguments)
    by_name = sorted(collected, key=lambda mutant: mutant[1])
    return Random(0).sample(by_name, min(int(sys.argv[1]), len(by_name))), data_by_path  # noqa: S311 - guards nothing


if sys.argv[1] != "all":
    mutmut.collect_source_file_mutation_data = collect_sample
mutmut.cli(["run"])
