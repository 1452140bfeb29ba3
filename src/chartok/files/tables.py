"""Tables of texts: one column of csv, tsv, jsonl and Parquet files, each cell of which is a text."""

from __future__ import annotations

import csv
import json
import re
from itertools import chain
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from chartok.errors import FileDecodeError, SourceError
from chartok.files.line_ends import BYTE_ORDER_MARK
from chartok.files.long_cells import long_cells
from chartok.files.pieces import text_pieces
from chartok.files.record_batch import RecordBatch
from chartok.files.sources import STANDARD_INPUT, open_source
from chartok.files.strict_json import unrepeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chartok.files.reading import Note, ReadingSettings

TableKind: TypeAlias = Literal["csv", "tsv", "jsonl", "ndjson", "parquet"]

BATCH = 4096
"""The number of rows read at a time."""
ROWS_AT_ONCE = 64
"""Of csv, as lists: few enough that no garbage collection comes between."""
SEPARATORS = ",;\t"
"""Of the cells of a csv file, in the order in which they are tried."""
SUFFIXES_OF_COMPRESSION = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd")


def table_kind(source: str) -> TableKind | None:
    """Returns the kind of table that the name of a source shows; None if it shows none.

    Example:
        >>> table_kind("names.csv.gz"), table_kind("zip://a.jsonl::b.zip"), table_kind("https://e.org/a.tsv?new=1")
        ('csv', 'jsonl', 'tsv')
    """
    link = next((link for link in source.lower().split("::") if "://" in link), source.lower())
    name = PurePath(re.split(r"[?#]", link)[0] if link.startswith(("http://", "https://")) else link)
    if name.suffix in SUFFIXES_OF_COMPRESSION:
        name = name.with_suffix("")
    kind: Any = name.suffix.removeprefix(".")
    return kind if kind in get_args(TableKind) else None


def iterate_cells(
    source: str, settings: ReadingSettings, note: Note, *, may_grow: bool = False
) -> Iterator[RecordBatch]:
    """Yields the cells of the column that the settings name, some at a time, with the bytes read of the file.

    Args:
        source: The name of a table.
        settings: How to read it.
        note: Told what is worth knowing.
        may_grow: Whether the file may change while it is read.

    Raises:
        OSError: It cannot be read.
        FileDecodeError: It is not valid in its encoding.
        SourceError: Its name shows no kind of table, it has no such column, or it is malformed; names the line.
    """
    kind, column = table_kind(source), settings.column or ""
    if source == STANDARD_INPUT:
        raise SourceError(
            "standard input has no name that ends as that of a table does, .csv for instance: write it to a file, and "
            "read a column of that"
        )
    if kind is None:
        raise SourceError(
            f"{source!a} is no table: a column is of a csv, tsv, jsonl, ndjson or parquet file, by the end of its name"
        )
    with open_source(source, may_grow=may_grow) as file:
        if kind == "parquet":
            for texts, rows in _of_parquet(file.file, source, column):
                yield RecordBatch(texts, rows, "the cell in row", source, file.file.tell())
            return
        lines = _lines(text_pieces(file, source, settings, note))
        cells = _of_json_lines(lines, source, column) if "json" in kind else _of_csv(lines, source, column, kind)
        for batch in _batched(cells):
            texts, numbers = [text for text, _ in batch], [line for _, line in batch]
            yield RecordBatch(texts, numbers, "the cell in line", source, file.bytes_read)


def _batched(cells: Iterator[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """Yields cells some at a time; those before an error first."""
    batch: list[tuple[str, int]] = []
    try:
        for cell in cells:
            batch.append(cell)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except (SourceError, FileDecodeError, OSError):
        yield batch
        raise
    if batch:
        yield batch


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    r"""Yields lines with their ends, as ``csv`` wants them: a ``\n`` within quotes is one too."""
    unfinished: list[str] = []
    is_start = True
    for piece in pieces:
        if is_start:
            piece, is_start = piece.removeprefix(BYTE_ORDER_MARK), False  # noqa: PLW2901 - what is left of it
        first, *others = piece.split("\n")
        unfinished.append(first)
        for other in others:
            yield "".join(unfinished) + "\n"
            unfinished = [other]
    if rest := "".join(unfinished):
        yield rest


def _of_csv(lines: Iterator[str], source: str, column: str, kind: TableKind) -> Iterator[tuple[str, int]]:
    names, form, read = _columns(lines, column, kind, source)
    place, width = names.index(column), len(names)
    rows = _rows(chain(read, lines), source, form)
    next(rows)
    for row, line in rows:
        if not row:
            yield "", line
        elif place < len(row) <= width:
            yield row[place], line
        else:
            expected = f"and {column!a} is number {place + 1}"
            if len(row) > width:
                advice = "" if kind == "tsv" else f": a cell with a {form['delimiter']!a} in it needs quotes around it"
                expected = f"and the columns are {width}{advice}"
            raise SourceError(f"{source!a}: line {line} has {len(row)} cells, {expected}")


def _columns(
    lines: Iterator[str], column: str, kind: TableKind, source: str
) -> tuple[list[str], dict[str, Any], list[str]]:
    """Returns the names of the columns, how ``csv`` reads the rows, and the lines read to find out."""
    read: list[str] = []

    def from_start() -> Iterator[str]:
        yield from [*read]
        for line in lines:
            read.append(line)
            yield line

    forms = [{"delimiter": separator, "quoting": csv.QUOTE_MINIMAL} for separator in SEPARATORS]
    if kind == "tsv":
        forms = [{"delimiter": "\t", "quoting": csv.QUOTE_NONE}]  # a quote in it is a character like any other
    found = [next(_rows(from_start(), source, {**form, "strict": False}), ([], 1))[0] for form in forms]
    for names, form in zip(found, forms, strict=True):
        if names.count(column) == 1:
            return names, {**form, "strict": True}, read
        if column in names:
            raise SourceError(f"{source!a} has {names.count(column)} columns {column!a}: rename all but one")
    if not found[0]:
        raise SourceError(f"{source!a} has no column {column!a}: its first line is empty, or missing")
    shown = ", ".join(map(ascii, found[0]))
    advice = "" if any(len(names) > 1 for names in found) else "; commas, semicolons or tabs separate columns"
    raise SourceError(f"{source!a} has no column {column!a}: its first line has {shown}{advice}")


def _rows(lines: Iterator[str], source: str, form: dict[str, Any]) -> Iterator[tuple[list[str], int]]:
    """Yields rows with cells of any length, and the line at which each begins."""
    reader = csv.reader(lines, **form)
    most, is_over = 1, False  # the names of the columns alone: what follows may be read in another form
    while not is_over:
        rows, line = list[tuple[list[str], int]](), 1
        problem: Exception | None = None
        try:
            with long_cells:  # takes longer than a row
                while len(rows) < most:
                    line = reader.line_num + 1
                    rows.append((next(reader), line))
        except StopIteration:
            is_over = True
        except csv.Error as error:
            problem = _malformed(error, source, line)
        except (SourceError, FileDecodeError, OSError) as error:
            problem = error
        yield from rows
        if problem is not None:
            raise problem
        most = ROWS_AT_ONCE


def _malformed(error: csv.Error, source: str, line: int) -> SourceError:
    said = f"{error}"
    if said.startswith("new-line character"):
        said = "it has a CR that no LF follows, which ends no line; put the cell into quotes, or write LF"
    return SourceError(f"{source!a}: line {line} is no row of a table: {said}")


def _of_json_lines(lines: Iterator[str], source: str, column: str) -> Iterator[tuple[str, int]]:
    quoted = json.dumps(column, ensure_ascii=False)
    for number, line in enumerate(lines, 1):
        where = f"{source!a}: line {number}"
        if not line.strip():
            yield "", number
            continue
        try:
            value = json.loads(line, object_pairs_hook=unrepeated if line.count(quoted) > 1 else None)
        except json.JSONDecodeError as error:
            raise SourceError(f"{where} is not JSON: {error.msg} at character {error.colno}") from None
        except ValueError as error:
            raise SourceError(f"{where} is not JSON: {error}") from None
        except RecursionError:
            raise SourceError(f"{where} is nested too deeply to be read") from None
        if not isinstance(value, dict):
            raise SourceError(f"{where} must be a JSON object, got {type(value).__name__}")
        if column not in value:
            raise SourceError(f"{where} has no field {column!a}; it has {', '.join(map(ascii, value))}")
        yield _text(value[column], f"{column!a} in {where}"), number


def _of_parquet(file: IO[bytes], source: str, column: str) -> Iterator[tuple[list[str], range]]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - only for such files
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ModuleNotFoundError(
            f"{source!a} is a Parquet file, which needs pyarrow: pip install 'chartok[parquet]'"
        ) from None
    try:
        table = parquet.ParquetFile(file)
        names = table.schema_arrow.names
        if column not in names:
            raise SourceError(f"{source!a} has no column {column!a}: it has {', '.join(map(ascii, names))}")
        first = 1
        for batch in table.iter_batches(batch_size=BATCH, columns=[column]):
            rows = range(first, first + len(batch))
            values = zip(batch.column(0).to_pylist(), rows, strict=True)
            yield [v if isinstance(v, str) else _text(v, f"{column!a} in {source!a}: row {n}") for v, n in values], rows
            first += len(batch)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise SourceError(f"{source!a} is no Parquet file, or is damaged: {error}") from None


def _text(value: object, where: str) -> str:
    """Returns what is in a cell; null is an empty text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SourceError(f"{where} must be a string, got {type(value).__name__}")
    return value
