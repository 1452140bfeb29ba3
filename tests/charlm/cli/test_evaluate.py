"""Lines are scored as they come, in whatever pieces, and each of their characters is touched a few times."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from charlm.cli.app import main
from charlm.cli.evaluate import _batched_lines
from charlm.cli.output import lines_of

pieces = st.lists(st.text("aé\n"))


class Piece(str):
    """A piece of a text that counts the characters among which newlines are looked for, in itself and what it joins."""

    __slots__ = ()
    searched = 0

    def split(self, *arguments: Any) -> Any:
        Piece.searched += len(self)
        return super().split(*arguments)

    def __radd__(self, before: str) -> "Piece":
        return Piece(before + str(self))


@given(pieces)
def test_lines_are_those_of_the_whole_text_whatever_its_pieces(several: list[str]) -> None:
    assert [line for lines in _batched_lines(several) for line in lines] == lines_of("".join(several))


@given(pieces)
def test_a_line_is_there_once_its_newline_is(several: list[str]) -> None:
    arrived: list[str] = []
    for lines in _batched_lines(arrived.append(piece) or piece for piece in several):  # type: ignore[func-returns-value]
        assert arrived[-1].count("\n") == len(lines) or (arrived == several and "".join(arrived)[-1] != "\n")
    assert arrived == several


@given(st.lists(st.text("ab\n").map(Piece)))
def test_no_character_is_looked_at_for_a_newline_twice(several: list[Piece]) -> None:
    Piece.searched = 0
    list(_batched_lines(several))
    assert Piece.searched == sum(map(len, several))


def test_a_text_that_comes_byte_by_byte_is_scored_as_one_that_comes_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(io.RawIOBase):
        left = "the cät\nsat on\n\n\u4e00 the mat".encode()

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            byte, Slow.left = Slow.left[:1], Slow.left[1:]
            buffer[: len(byte)] = byte
            return len(byte)

    model = str(tmp_path / "model.safetensors")
    CharLM.fit("the cat sat on the mat. " * 50, order=4).save(model)
    (tmp_path / "text.txt").write_bytes(Slow.left)
    assert main(["score", model, str(tmp_path / "text.txt")]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Slow())))
    assert main(["score", model]) == 0
    assert capsys.readouterr().out == whole
    assert whole.count("\n") == 4
