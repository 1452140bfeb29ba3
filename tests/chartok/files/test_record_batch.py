from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM, RecordDataset
from charlm.cli.app import main
from chartok import UnknownCharacterError, Vocabulary, encode_file
from chartok.record_lines import ROLES

VOCABULARY = Vocabulary("ab", special_tokens=ROLES[:2])
FILES: dict[str, tuple[str, dict[str, Any], str]] = {
    "lines.txt": ("a\n\nab\nbax\n", {}, "character 3 of line 4"),
    "cells.csv": ('n,name\n1,a\n2,\n3,"a\nb"\n4,bax\n', {"column": "name"}, "character 3 of the cell in line 6"),
    "cells.jsonl": ('{"name": "a"}\n\n{"name": "bax"}\n', {"column": "name"}, "character 3 of the cell in line 3"),
    "paragraphs.txt": ("a\n\n\n\na\nb\n\nbax\n", {"delimiter": "\n\n"}, "character 3 of the record in line 8"),
    "others.txt": ("a;;ab;bax;b", {"delimiter": ";"}, "character 3 of record 4"),
}


@pytest.fixture(params=FILES)
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any], str]:
    """Returns a file with an x, how to read it, and where the x is."""
    text, reading, where = FILES[request.param]
    path = tmp_path / request.param
    path.write_text(text, encoding="utf-8")
    return path, reading, f"{where} of {str(path)!r} is U+0078"


@pytest.mark.parametrize(
    "read",
    [
        lambda path, reading: encode_file(path, f"{path}.tokens", VOCABULARY.extend("\n"), records=True, **reading),
        lambda path, reading: RecordDataset.from_file(path, VOCABULARY.extend("\n"), **reading),
    ],
    ids=["encode_file", "RecordDataset"],
)
def test_a_character_without_an_id_is_placed_in_the_file(
    bad: tuple[Path, dict[str, Any], str], read: Callable[[Path, dict[str, Any]], object]
) -> None:
    path, reading, where = bad
    with pytest.raises(UnknownCharacterError) as caught:
        read(path, reading)
    assert str(caught.value).startswith(where)


@pytest.mark.parametrize("command", ["score", "evaluate"])
def test_the_command_line_places_it_too(
    bad: tuple[Path, dict[str, Any], str], tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, reading, where = bad
    CharLM.fit(["ab", "ba", "a\nb"] * 9, "ngram", order=2).save(tmp_path / "model")
    flags = [part for name, value in reading.items() for part in (f"--{name}", value)]
    assert main([command, str(tmp_path / "model"), str(path), "--errors", "strict", *flags]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"charlm: {where}")


@pytest.mark.parametrize("name", FILES)
def test_progress_reaches_the_end_of_every_kind_of_file(tmp_path: Path, name: str) -> None:
    text, reading, _ = FILES[name]
    paths = [tmp_path / name, tmp_path / f"more {name}"]
    for path in paths:
        path.write_text(text, encoding="utf-8")
    told = list[tuple[int, int | None]]()
    encode_file(paths, tmp_path / "out", records=True, progress=lambda *both: told.append(both), **reading)
    total = 2 * 2 * len(text)  # read twice
    assert told == sorted(told)
    assert told[-1] == (total, total)
