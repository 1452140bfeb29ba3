"""Lines are what an editor shows, in whatever pieces a text comes, and each character is looked at once."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import FileDecodeError, SourceError, Vocabulary, encode_file, read_records, read_text
from chartok.files.lines import batched_lines

pieces = st.lists(st.text("aé\r\n\ufeff\u2028"))


class Piece(str):
    """A piece of a text that counts the characters among which newlines are looked for, in itself and what it joins."""

    __slots__ = ()
    searched = 0

    def split(self, *arguments: Any) -> Any:
        Piece.searched += len(self)
        return super().split(*arguments)

    def removeprefix(self, prefix: str, /) -> "Piece":
        return Piece(super().removeprefix(prefix))

    def __radd__(self, before: str) -> "Piece":
        return Piece(before + str(self))


def reference(text: str) -> list[str]:
    *lines, rest = re.split(r"\r?\n", text.removeprefix("\ufeff"))
    return [*lines, rest] if rest else lines


@given(pieces)
def test_lines_are_those_of_the_whole_text_whatever_its_pieces(several: list[str]) -> None:
    assert [line for lines in batched_lines(several) for line in lines] == reference("".join(several))


@given(pieces)
def test_a_line_is_there_once_its_newline_is(several: list[str]) -> None:
    arrived: list[str] = []
    for lines in batched_lines(arrived.append(piece) or piece for piece in several):  # type: ignore[func-returns-value]
        assert arrived[-1].count("\n") == len(lines) or (arrived == several and "".join(arrived)[-1] != "\n")
    assert arrived == several


@given(st.lists(st.text("ab\n").map(Piece)))
def test_no_character_is_looked_at_for_a_newline_twice(several: list[Piece]) -> None:
    Piece.searched = 0
    list(batched_lines(several))
    assert Piece.searched == sum(map(len, several))


@given(text=st.text("aé\r\n\ufeff\u2028\x85\x0c"))
def test_the_lines_of_a_text_and_of_its_file_are_the_same(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes(text.encode())
    assert read_records(path, blank_lines="keep") == reference(text)


def test_a_file_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"a\r\n\xe9")
    with pytest.raises(FileDecodeError, match=r"latin\.txt.*byte offset 3"):
        read_records(tmp_path / "latin.txt")


def test_an_empty_record_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(b"ada\r\nbob\r\n")
    assert read_records(path) == ["ada", "bob"]
    path.write_bytes(b"ada\r\n\r\nbob\r\n")
    with pytest.raises(SourceError, match=r"^line 2 of '.*names\.txt' is blank"):
        read_records(path, blank_lines="error")


@pytest.mark.parametrize(
    ("text", "delimiter", "records"),
    [
        ("a\nb\n\nc\n", "\n\n", ["a\nb", "c"]),
        ("a\r\nb\r\n\r\nc\r\n", "\n\n", ["a\nb", "c"]),
        ("a<|end|>\nb<|end|>\n", "<|end|>\n", ["a", "b"]),
        ("a<|end|>\nb<|end|>", "<|end|>\n", ["a", "b"]),
        ("a<|end|>b<|end|>\n", "<|end|>", ["a", "b"]),
        ("New York\nYork\n", "\n", ["New York", "York"]),
        ("New York\nYork\n", "", ["New York\nYork\n"]),
        ("a\0b\0", "\0", ["a", "b"]),
    ],
)
def test_another_delimiter_ends_records(tmp_path: Path, text: str, delimiter: str, records: list[str]) -> None:
    (tmp_path / "records").write_bytes(text.encode())
    assert read_records(tmp_path / "records", delimiter=delimiter) == records


def test_settings_that_would_change_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\n")
    with pytest.raises(ValueError, match="separator is for a text, and this reads records"):
        read_records(tmp_path / "a.txt", separator="\n")
    with pytest.raises(ValueError, match="delimiter is for records, and this reads a text"):
        read_text(tmp_path / "a.txt", delimiter="\n\n")
    with pytest.raises(ValueError, match="blank_lines is for records, and this reads a text"):
        read_text(tmp_path / "a.txt", blank_lines="error")


@pytest.mark.parametrize(
    ("content", "is_noted"),
    [("one\rtwo\r", True), ("one\rtwo\n", False), ("one\r\ntwo\r\n", False), ("one\r", False), ("", False)],
)
def test_lines_that_end_in_cr_alone_are_noted(tmp_path: Path, content: str, is_noted: bool) -> None:
    path = tmp_path / "mac.txt"
    path.write_bytes(content.encode())
    vocabulary = Vocabulary("oentw\r", special_tokens=["bos", "eos"])
    message = f"{str(path)!a} has no LF, but 2 CR, and is one record: if CR ends a line in it, give --delimiter '\\r'"
    notes: list[str] = []
    read_records(path, note=notes.append)
    encode_file(path, tmp_path / "a.tokens", vocabulary, records=True, note=notes.append).close()
    read_records(path, delimiter="\r", blank_lines="keep", note=notes.append)
    assert notes == [message] * 2 * is_noted


def test_a_delimiter_that_never_occurs_is_noted_in_a_long_file_and_in_one_of_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    for length, end, delimiter, is_noted in (
        (9, "\n", "<|end|>", True),
        (9, "", "<|end|>", False),
        (9, "\n<|end|>", "<|end|>", False),
        (1_000_000, "", "\n", True),
        (1_000_000, "\n", "\n", False),
        (999_999, "", "\n", False),
    ):
        path.write_bytes(b"x" * length + end.encode())
        notes: list[str] = []
        assert len(read_records(path, delimiter=delimiter, note=notes.append)) == 1
        assert len(notes) == is_noted
        assert all(f"the delimiter {delimiter!a} never occurs in {str(path)!a}" in note for note in notes)
