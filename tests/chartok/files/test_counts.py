"""A list of frequencies is records with counts, whatever else is in a line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import ReadingSettings, SourceError, read_counts, read_records, read_text

RECORDS = st.text("aé \t", min_size=1, max_size=5)


@given(pairs=st.lists(st.tuples(RECORDS, st.integers(1, 10**12)), max_size=6))
def test_counts_of_a_record_add_up_and_a_tab_in_it_stays(
    pairs: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("counts") / "list.tsv"
    path.write_bytes("".join(f"{record}\t{count}\r\n" for record, count in pairs).encode())
    expected = dict[str, int]()
    for record, count in pairs:
        expected[record] = expected.get(record, 0) + count
    assert read_counts(path) == expected


def test_several_files_are_one_list_and_blank_records_are_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("\ufeffthe\t3\n\n\t7\nof\t2")
    (tmp_path / "b.tsv").write_text("the\t1\n")
    notes = list[str]()
    assert read_counts(tmp_path, note=notes.append) == {"the": 4, "of": 2}
    assert notes == ["2 blank records skipped"]


@pytest.mark.parametrize(
    "line", ["the", "120", "the 3", "the\t0", "the\t-3", "the\t3.5", "the\t", "the\t٣", "the\t1_000"]
)
def test_a_line_without_a_count_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.tsv").write_text(f"of\t2\n\n{line}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"line 3 of '.*a\.tsv' must end in a tab and a count from 1 on"):
        read_counts(tmp_path / "a.tsv")


@pytest.mark.parametrize("line", ["", "\t7"])
def test_a_blank_record_can_be_an_error(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.tsv").write_text(f"of\t2\n{line}\nto\t1\n")
    with pytest.raises(SourceError, match=r"line 2 of '.*a\.tsv' is blank"):
        read_counts(tmp_path / "a.tsv", blank_lines="error")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"column": "word"}, "column is for tables, whose cells have no counts"),
        ({"blank_lines": "keep"}, "blank_lines must be 'skip' or 'error' where lines have counts"),
        ({"separator": ","}, "separator is for a text"),
    ],
)
def test_settings_of_other_files_are_refused(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_counts(tmp_path / "a.tsv", **settings)  # type: ignore[arg-type]  # one at a time


def test_counts_are_refused_where_records_have_none(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("of\t2\n")
    with pytest.raises(ValueError, match="counts is for what a model learns from, or is evaluated on"):
        read_records(tmp_path / "a.tsv", counts=True)
    with pytest.raises(ValueError, match="counts is for records, and this reads a text"):
        read_text(tmp_path / "a.tsv", counts=True)
    with pytest.raises(TypeError, match="counts must be True or False, got 'yes'"):
        ReadingSettings(counts="yes")  # type: ignore[arg-type]  # that is the mistake
