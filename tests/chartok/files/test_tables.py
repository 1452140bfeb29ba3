"""Each cell of a column is a text or a record, and what is wrong in a table is named with its line."""

import csv
import gzip
import io
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import ReadingSettings, SourceError, encode_file, read_records, read_text
from chartok.files import decoding, tables
from chartok.files.records import batched_records
from strategies import costly

cells = st.text('aé,;"\t\n\r ', max_size=4)


def table(kind: str, values: list[str]) -> bytes:
    """Returns a table with the values in its second column, as Python and Arrow write it."""
    if kind == "parquet":
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        data = io.BytesIO()
        parquet.write_table(pa.table({"n": range(len(values)), "text": pa.array(values, pa.string())}), data)
        return data.getvalue()
    if "json" in kind:
        return "".join(json.dumps({"n": n, "text": value}) + "\n" for n, value in enumerate(values)).encode()
    if kind == "tsv":
        return "".join(f"{n}\t{value}\n" for n, value in [("n", "text"), *enumerate(values)]).encode()
    file = io.StringIO()
    writer = csv.writer(file, delimiter={"csv": ",", "semicolon.csv": ";"}[kind])
    writer.writerows([["n", "text"], *([number, value] for number, value in enumerate(values))])
    return file.getvalue().encode()


@costly()
@given(
    kind=st.sampled_from(["csv", "semicolon.csv", "tsv", "jsonl", "ndjson", "parquet"]),
    values=st.lists(cells),
    is_compressed=st.booleans(),
    separator=st.sampled_from(["", "|"]),
    has_mark=st.booleans(),
    size=st.sampled_from([3, 1 << 20]),
)
def test_cells_are_those_that_were_written(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    values: list[str],
    is_compressed: bool,
    separator: str,
    has_mark: bool,
    size: int,
) -> None:
    if kind == "tsv":
        values = [re.sub(r"[\t\n\r]", "", value) for value in values]
    content = table(kind, values)
    is_compressed = is_compressed and kind != "parquet"
    if has_mark and kind != "parquet":
        content = b"\xef\xbb\xbf" + content
    path = tmp_path_factory.getbasetemp() / f"table.{kind}{'.gz' * is_compressed}"
    path.write_bytes(gzip.compress(content) if is_compressed else content)
    kept = [value for value in values if value.strip("\n")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "CHUNK_BYTES", size)
        patch.setattr(tables, "BATCH", 2)
        assert read_records(path, column="text", blank_lines="keep") == values
        assert read_records(path, column="text") == kept
        assert read_text(path, column="text", separator=separator) == separator.join(kept)
        if "".join(kept):
            with encode_file(path, path.with_name("a.tokens"), column="text", separator=separator) as tokens:
                assert tokens.vocabulary.decode(tokens.read(0, len(tokens))) == separator.join(kept)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "name,n\nada,1\n", r"a\.csv' has no column 'text': its first line has 'name', 'n'"),
        ("a.csv", "text,text\n", r"a\.csv' has 2 columns 'text': rename all but one"),
        ("a.csv", "n,text\n1,a\n\n2\n", r"a\.csv': line 4 has 1 cells, and 'text' is number 2"),
        ("a.csv", 'n,text\n1,"two\nlines"\n2\n', r"a\.csv': line 4 has 1 cells"),
        (
            "a.csv",
            "id,text\n1,Smith, John\n",
            r"a\.csv': line 2 has 3 cells, and the columns are 2: .* ',' in it needs quotes",
        ),
        ("a.csv", "id;text\n1;a\n2;a;b\n", r"a\.csv': line 3 has 3 cells, and the columns are 2: .* ';' in it"),
        ("a.tsv", "id\ttext\n1\ta\tb\n", r"a\.tsv': line 2 has 3 cells, and the columns are 2$"),
        ("a.csv", '"two\nlines",text\n1\n', r"a\.csv': line 3 has 1 cells"),
        ("a.csv", 'text\na\n"never\nclosed\n', r"a\.csv': line 3 is no row of a table"),
        ("a.csv", 'text\n"never closed\n', r"a\.csv': line 2 is no row of a table: unexpected end of data"),
        ("a.tsv", "name\tn\nada\t1\n", r"a\.tsv' has no column 'text'"),
        ("a.csv", "text|n\na|1\n", r"its first line has 'text\|n'; commas, semicolons or tabs separate columns$"),
        ("a.csv", "", r"a\.csv' has no column 'text': its first line is empty, or missing"),
        ("a.csv", "text\ra\rb\r", r"a\.csv': line 1 is no row of a table: it has a CR that no LF follows"),
        ("a.jsonl", '{"text": "a"}\nnope\n', r"a\.jsonl': line 2 is not JSON: Expecting value at character 1$"),
        ("a.jsonl", '{"text": "a"}\n\n{"text": }\n', r"a\.jsonl': line 3 is not JSON"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl': line 1 is nested too deeply to be read$"),
        (
            "a.jsonl",
            '{"text": "a", "text": "b"}\n',
            r"a\.jsonl': line 1 is not JSON: a JSON object repeats the key 'text'",
        ),
        ("a.jsonl", '["a"]\n', r"a\.jsonl': line 1 must be a JSON object, got list"),
        ("a.jsonl", '{"txt": "a"}\n', r"a\.jsonl': line 1 has no field 'text'; it has 'txt'"),
        ("a.ndjson", '{"text": 3}\n', r"'text' in '.*a\.ndjson': line 1 must be a string, got int"),
        ("a.parquet", "text", r"a\.parquet' is no Parquet file, or is damaged"),
        ("a.txt", "text\na\n", r"a\.txt' is no table: a column is of a csv, tsv, jsonl, ndjson or parquet file"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    if "parquet" in name:
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_text(content)
    for read in (read_records, read_text):
        with pytest.raises(SourceError, match=message):
            read(tmp_path / name, column="text")


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("a.csv", 'text,n\n"two\nlines",1\n,2\n', "line 4"),
        ("a.csv", "text\na\n\nb\n", "line 3"),
        ("a.jsonl", '{"text": "a"}\n{"text": null}\n', "line 2"),
        ("a.jsonl", '{"text": "a"}\n\n', "line 2"),
    ],
)
def test_a_blank_cell_is_named_where_it_is_an_error(tmp_path: Path, name: str, content: str, where: str) -> None:
    (tmp_path / name).write_text(content)
    for read in (read_records, read_text):
        with pytest.raises(SourceError, match=rf"^the cell in {where} of '.*{name}' is blank"):
            read(tmp_path / name, column="text", blank_lines="error")


def test_bytes_in_a_parquet_file_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    whole = table("parquet", ["gr\xfcn"])
    assert "\xfc".encode() in whole
    (tmp_path / "a.parquet").write_bytes(whole.replace("\xfc".encode(), b"\xc3\x3f"))
    with pytest.raises(SourceError, match=r"a\.parquet' is no Parquet file, or is damaged: 'utf-8' codec can't decode"):
        read_records(tmp_path / "a.parquet", column="text")


def test_threads_read_long_cells_and_leave_the_limit_of_the_program_as_it_was(tmp_path: Path) -> None:
    path, limit = tmp_path / "wide.csv", csv.field_size_limit()
    cell = "x\n" * 100_000
    path.write_text("id,name\n" + f'1,"{cell}"\n' * 3)
    with ThreadPoolExecutor(8) as executor:
        read = [executor.submit(read_records, path, column="name") for _ in range(24)]
        assert all(future.result() == [cell] * 3 for future in read)
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,n\nada,1\nbob,2\nc,a,b\n"),
        ("a.csv", b"text,n\nada,1\nbob,2\n\xff,3\n"),
        ("a.jsonl", b'{"text": "ada"}\n{"text": "bob"}\nnope\n'),
    ],
)
def test_the_rows_before_a_bad_one_are_read_before_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    monkeypatch.setattr(decoding, "CHUNK_BYTES", 8)
    (tmp_path / name).write_bytes(content)
    batches, read = batched_records(tmp_path / name, ReadingSettings(column="text")), list[str]()
    with pytest.raises(ValueError, match=name):
        read.extend(text for batch in batches for text in batch.texts)
    assert read == ["ada", "bob"]


def test_a_table_has_rows_and_no_delimiter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\na;b\n")
    with pytest.raises(ValueError, match="delimiter ends the records of plain text, and column reads a table"):
        read_records(tmp_path / "a.csv", column="text", delimiter=";")


def test_standard_input_is_no_table() -> None:
    with pytest.raises(SourceError, match="standard input has no name that ends as that of a table does"):
        read_records("-", column="text")


def test_an_empty_cell_of_a_parquet_file_is_named_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(table("parquet", ["a", "", "b"]))
    with pytest.raises(SourceError, match=r"^the cell in row 2 of '.*a\.parquet' is blank"):
        read_records(tmp_path / "a.parquet", column="text", blank_lines="error")
    with pytest.raises(SourceError, match=r"a\.parquet' has no column 'name': it has 'n', 'text'"):
        read_records(tmp_path / "a.parquet", column="name")
    with pytest.raises(SourceError, match=r"'n' in '.*a\.parquet': row 1 must be a string, got int"):
        read_records(tmp_path / "a.parquet", column="n")


def test_a_quote_in_a_tsv_file_is_a_character(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('id\ttext\n1\t"open\n2\tbob\n3\t"close"\n')
    assert read_records(tmp_path / "a.tsv", column="text") == ['"open', "bob", '"close"']


@pytest.mark.parametrize(
    "header", ['"two\nlines",text', '"two\nlines";text', '5" disk,text', '"a;b";text', '"a,b";text']
)
def test_a_header_may_have_quotes(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(header + "\n" + "1,a\n2,b\n".replace(",", ";" if ";t" in header else ","))
    assert read_records(tmp_path / "a.csv", column="text") == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((f"a.csv.{suffix}", "csv") for suffix in ("gz", "gzip", "bz2", "xz", "zst", "ZSTD")),
        ("https://example.org/a.csv?raw=true", "csv"),
        ("https://example.org/a.tsv.gz#top", "tsv"),
        ("simplecache::https://example.org/a.csv", "csv"),
        ("simplecache::zip://a.jsonl::https://example.org/b.zip", "jsonl"),
        ("zip://a.txt::b.csv", None),
        ("https://example.org/a?file=b.csv", None),
        ("a?b.csv", "csv"),
        ("a.csv#1", None),
        ("a.csv::b.txt", None),
        ("csv", None),
        (".csv", None),
    ],
)
def test_the_end_of_a_name_shows_the_kind_of_a_table(name: str, kind: str | None) -> None:
    assert tables.table_kind(name) == kind


def test_a_cell_may_be_longer_than_csv_allows_by_default_and_that_stays_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    (tmp_path / "a.csv").write_text("text\n" + "x" * 300_000 + "\n")
    assert read_records(tmp_path / "a.csv", column="text") == ["x" * 300_000]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.jsonl", "a.ndjson"])
def test_a_table_read_as_plain_text_is_noted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name\nada\n")
    for read, expected in ((read_text, "name\nada\n"), (read_records, ["name", "ada"])):
        notes: list[str] = []
        got: Any = read(tmp_path / name, note=notes.append)
        assert got == expected
        assert len(notes) == 1
        assert "is read as plain text; to read the texts in a column of this" in notes[0]


def test_a_column_of_another_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text\ncafé\n".encode("utf-16"))
    assert read_records(tmp_path / "a.csv", column="text", encoding="utf-16") == ["café"]
    (tmp_path / "a.csv").write_bytes("text\na\ncafé\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"a\.csv' is not UTF-8: 0xE9 at byte offset 10 in line 3"):
        read_records(tmp_path / "a.csv", column="text")


def test_without_pyarrow_a_parquet_file_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ModuleNotFoundError, match=r"a\.parquet'.*pip install 'chartok\[parquet\]'"):
        read_records(tmp_path / "a.parquet", column="text")
