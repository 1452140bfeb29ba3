import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import FileDecodeError, read_text
from chartok.files import decoding
from chartok.files.pieces import text_pieces
from chartok.files.reading import ReadingSettings, say_nothing
from chartok.files.sources import CountedFile


@given(st.text(), st.integers(1, 7))
def test_a_file_is_read_exactly_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, text: str, chunk_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "exact.txt"
    path.write_bytes(("\ufeff" + text + "\r\n\r").encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "CHUNK_BYTES", chunk_bytes)
        assert read_text(path) == "\ufeff" + text + "\r\n\r"


@given(st.text(), st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98"]), st.integers(1, 7))
def test_invalid_utf8_is_named_with_its_byte_offset(
    tmp_path_factory: pytest.TempPathFactory, text: str, invalid: bytes, chunk_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "invalid.txt"
    before = text.encode()
    path.write_bytes(before + invalid + b"\n and more")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "CHUNK_BYTES", chunk_bytes)
        with pytest.raises(FileDecodeError, match=f"at byte offset {len(before)} ") as caught:
            read_text(path)
    assert caught.value.path == str(path)
    assert isinstance(caught.value, UnicodeDecodeError)


def test_a_file_cut_inside_a_character_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "cut.txt").write_bytes("caf\u00e9".encode()[:-1])
    with pytest.raises(FileDecodeError, match=r"byte offset 3 in line 1 .unexpected end of data"):
        read_text(tmp_path / "cut.txt")


class Pipe(io.RawIOBase):
    """Gives one part a read, as a pipe does that is written to meanwhile."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self.parts.pop(0) if self.parts else b""
        buffer[: len(part)] = part
        return len(part)


def test_what_a_pipe_has_given_is_there_before_the_rest_has_come() -> None:
    pipe = Pipe([b"one\n", "two\n\u00e9".encode()[:-1], "\u00e9".encode()[-1:]])
    pieces = text_pieces(CountedFile(io.BufferedReader(pipe), "-"), "-", ReadingSettings(), say_nothing)
    assert [(piece, len(pipe.parts)) for piece in pieces] == [("one\n", 2), ("two\n", 1), ("\u00e9", 0)]


def test_a_missing_file_and_a_folder_stay_os_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        read_text(tmp_path / "missing.txt")
    assert missing.value.filename == str(tmp_path / "missing.txt")
    with pytest.raises(FileNotFoundError, match="no file of the folder matches") as folder:
        read_text(tmp_path)
    assert folder.value.filename == str(tmp_path)
