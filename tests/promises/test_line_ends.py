"""A list that was saved on Windows, with a byte order mark and other line ends, is the same list."""

import os
from itertools import product
from pathlib import Path

import pytest

from charlm import CharLM, RecordDataset
from charlm.cli.app import main
from chartok import read_records

SYLLABLES = ["an", "be", "ca", "do", "el", "fi", "go", "hu", "in", "jo", "ka", "lu"]


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    """The same names in two files."""
    names = [*map("".join, product(SYLLABLES, repeat=3)), *map("".join, product(SYLLABLES, repeat=2)), "new york"]
    unix, windows = tmp_path / "unix.txt", tmp_path / "windows.txt"
    unix.write_bytes("".join(f"{name}\n" for name in names).encode())
    windows.write_bytes(("\ufeff" + "".join(f"{name}\r\n" for name in names)).encode())
    return unix, windows


def test_the_records_are_the_same_everywhere(both: tuple[Path, Path]) -> None:
    unix, windows = both
    assert read_records(unix) == read_records(windows)
    assert RecordDataset.from_file(unix).fingerprint() == RecordDataset.from_file(windows).fingerprint()
    models = [CharLM.fit_file(path, records=True) for path in both]
    assert models[0].vocabulary == models[1].vocabulary
    assert (
        models[0].score_samples(["new york", "anbeca"]).tolist()
        == models[1].score_samples(["new york", "anbeca"]).tolist()
    )


def test_the_commands_read_both_alike(
    both: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for path in both:
        run = os.fspath(tmp_path / path.stem)
        assert main(["train", os.fspath(path), "--records", "--out", run]) == 0
        capsys.readouterr()
        for other in both:
            assert main(["evaluate", run, os.fspath(other)]) == 0
            assert main(["score", run, os.fspath(other)]) == 0
            said.append(capsys.readouterr().out)
    assert said[0].count("\n") > 12**3
    assert said == [said[0]] * 4


def test_no_known_name_comes_through_an_excluded_list_with_other_line_ends(
    both: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unix, windows = both
    run = os.fspath(tmp_path / "run")
    assert main(["train", os.fspath(unix), "--records", "--out", run]) == 0
    capsys.readouterr()
    assert main(["generate", run, "--n-samples", "50", "--exclude", os.fspath(windows)]) == 0
    made_up = capsys.readouterr().out.splitlines()
    assert len(made_up) == 50
    assert not set(made_up) & set(read_records(unix))
