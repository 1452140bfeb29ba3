"""Records from files of several formats, beside pandas, pyarrow and plain Python."""

from __future__ import annotations

import csv
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from chartok import read_records
from comparison import Comparison
from environment import is_installed
from scratch import scratch_folder
from tokenizing import sample_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    Reader: TypeAlias = Callable[[Path], list[str]]

CHARACTERS = 2_000_000
COLUMN = "text"
PYARROW_WHY = "It parses in C++, and in a column for the whole file; each line and cell here is checked in Python."


def comparisons() -> list[Comparison]:
    """Returns the comparisons, each with the same lines; those with pandas only where it is installed."""
    lines = [line for line in sample_text(CHARACTERS).splitlines() if line]
    folder = scratch_folder()
    paths = _written(lines, folder)
    there = is_installed("pandas")
    return [
        _compared(path, lines, rival_name, read)
        for path in paths
        for rival_name, read in _readers(path.name.partition(".")[2]).items()
        if there or rival_name != "pandas"
    ]


def _written(lines: list[str], folder: Path) -> list[Path]:
    """Returns files with the lines in several formats, in tables beside their number."""
    table = pa.table({"number": range(len(lines)), COLUMN: lines})
    paths = [folder / f"records.{ending}" for ending in ("txt", "csv", "csv.zst", "jsonl", "parquet")]
    paths[0].write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
    pyarrow.csv.write_csv(table, paths[1])
    with pa.CompressedOutputStream(paths[2], "zstd") as stream:
        stream.write(paths[1].read_bytes())
    with paths[3].open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in table.to_pylist())
    pyarrow.parquet.write_table(table, paths[4])
    return paths


def _compared(path: Path, lines: list[str], rival_name: str, read: Reader) -> Comparison:
    ours = partial(read_records, path, column=None if path.suffix == ".txt" else COLUMN)
    assert ours() == read(path) == lines  # noqa: S101 - both do the same
    return Comparison(
        name=f"{len(lines):,} records, {path.name.partition('.')[2]}",
        ours=ours,
        rival_name=rival_name,
        rival=partial(read, path),
        target=1 / 3,
        samples=3,
        why=PYARROW_WHY if rival_name == "pyarrow" else "",
    )


def _readers(ending: str) -> dict[str, Reader]:
    """Returns who else reads files with an ending."""
    return {
        "txt": {"Python, splitlines": lambda path: path.read_text(encoding="utf-8").splitlines()},
        "csv": {"Python, csv": _csv, "pandas": _pandas("read_csv", keep_default_na=False), "pyarrow": _pyarrow_csv},
        "csv.zst": {"pyarrow": _pyarrow_csv},
        "jsonl": {"Python, json": _json, "pandas": _pandas("read_json", lines=True), "pyarrow": _pyarrow_json},
        "parquet": {"pandas": _pandas("read_parquet"), "pyarrow": _pyarrow_parquet},
    }[ending]


def _csv(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[COLUMN] for row in csv.DictReader(file)]


def _json(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line)[COLUMN] for line in file]


def _pandas(function: str, **settings: Any) -> Reader:  # noqa: ANN401 - of a function of pandas
    def read(path: Path) -> list[str]:
        import pandas as pd  # noqa: PLC0415 - not everywhere

        found: list[str] = getattr(pd, function)(path, **settings)[COLUMN].tolist()
        return found

    return read


def _pyarrow_csv(path: Path) -> list[str]:
    options = pyarrow.csv.ConvertOptions(include_columns=[COLUMN], column_types={COLUMN: pa.string()})
    return _listed(pyarrow.csv.read_csv(path, convert_options=options))


def _pyarrow_json(path: Path) -> list[str]:
    return _listed(pyarrow.json.read_json(path))


def _pyarrow_parquet(path: Path) -> list[str]:
    return _listed(pyarrow.parquet.read_table(path, columns=[COLUMN]))


def _listed(table: Any) -> list[str]:  # noqa: ANN401 - pyarrow has no types
    found: list[str] = table[COLUMN].to_pylist()
    return found
