"""What the documentation says of mutants is what was counted."""

import json
from pathlib import Path

import pytest

import mutants


def test_the_table_is_made_of_the_counts_that_were_committed() -> None:
    counts = json.loads(mutants.COUNTS.read_text(encoding="utf-8"))
    assert mutants.PAGE.read_text(encoding="utf-8") == mutants.page_with(counts)
    assert set(counts) <= set(mutants.packages())


def test_every_module_and_test_that_is_to_be_mutated_or_run_is_there() -> None:
    for selected in mutants.packages().values():
        for path in selected["modules"] + selected["tests"]:
            assert list(mutants.ROOT.glob(path)), path


def write_exit_codes(folder: Path, module: str, exit_codes: list[int | None]) -> None:
    path = folder / f"{module}.meta"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"exit_code_by_key": {f"mutant {number}": code for number, code in enumerate(exit_codes)}}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_mutant_that_no_test_runs_counts_as_alive_and_one_that_never_ends_as_killed(tmp_path: Path) -> None:
    failed, survived, no_tests, out_of_time, not_drawn = 1, 0, 33, -24, None
    write_exit_codes(tmp_path, "a/b.py", [failed, survived, no_tests])
    write_exit_codes(tmp_path, "a/c.py", [out_of_time, not_drawn])
    write_exit_codes(tmp_path, "a/not_mutated.py", [])
    assert mutants.counted(tmp_path, sample_size=4) == {"mutants": 5, "tried": 4, "killed": 2}


@pytest.mark.parametrize("sample_size", [2, None])
def test_the_counts_of_a_run_that_has_not_ended_are_refused(tmp_path: Path, sample_size: int | None) -> None:
    write_exit_codes(tmp_path, "a/b.py", [1, None, None])
    with pytest.raises(ValueError, match="1 of"):
        mutants.counted(tmp_path, sample_size)
