"""Lines are what an editor shows, in whatever pieces a text comes, and each character is looked at once."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import FileDecodeError, SourceError, read_records
from chartok.files.lines import batched_lines, split_lines

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
    assert read_records(path, blank_lines="keep") == split_lines(text) == reference(text)


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
