import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import ReadingSettings, read_records, read_text
from chartok.files.line_ends import LineEnds
from chartok.files.reading import say_nothing

cut_texts = st.lists(st.text("a\r\n\ufeff", max_size=6), max_size=6)


def read(pieces: list[str], newlines: Any, note: Any) -> str:
    ends = LineEnds("a.txt", ReadingSettings(newlines=newlines), note)
    return "".join([*map(ends.read, pieces), ends.rest()])


@given(cut_texts)
def test_a_text_is_kept_wherever_it_is_cut_unless_line_ends_are_to_be_lf(pieces: list[str]) -> None:
    text = "".join(pieces)
    notes: list[str] = []
    for note in (say_nothing, notes.append):
        assert read(pieces, "keep", note) == text
        assert read(pieces, "lf", note) == text.replace("\r\n", "\n")


@given(cut_texts)
def test_a_note_is_made_where_every_line_ends_in_cr_lf_and_of_a_mark_at_the_start(pieces: list[str]) -> None:
    text, notes = "".join(pieces), list[str]()
    read(pieces, "keep", notes.append)
    ends = re.findall("\r?\n", text)
    assert any("--newlines lf" in note for note in notes) == (set(ends) == {"\r\n"})
    assert any("--encoding utf-8-sig" in note for note in notes) == text.startswith("\ufeff")
    again: list[str] = []
    read(pieces, "lf", again.append)
    assert not any("--newlines" in note for note in again)


def test_a_file_of_dos_is_noted_and_read_as_asked(tmp_path: Path) -> None:
    path, notes = tmp_path / "dos.txt", list[str]()
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert read_text(path, note=notes.append) == "\ufeffone\r\ntwo\r\n"
    assert len(notes) == 2
    assert all("dos.txt" in note for note in notes)
    del notes[:]
    assert read_text(path, note=notes.append, encoding="utf-8-sig", newlines="lf") == "one\ntwo\n"
    assert not notes
    assert read_records(path, note=notes.append) == ["one", "two"]
    assert not notes


@pytest.mark.parametrize(
    ("settings", "message"), [({"newlines": "crlf"}, "newlines must be one of keep, lf, got 'crlf'")]
)
def test_an_unknown_choice_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReadingSettings(**settings)


def test_records_say_nothing_of_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\r\n")
    with pytest.raises(ValueError, match="newlines is for a text"):
        ReadingSettings(newlines="lf").for_records()
