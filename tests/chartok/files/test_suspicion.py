"""What is no text, or is text in another encoding, is refused with what it probably is and what to do."""

import codecs
import io
import json
import pickle
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import FileDecodeError, SourceError, encode_file, read_records, read_text
from strategies import costly

ENGLISH = "To be, or not to be, that is the question\n" * 4
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


def archive(kind: str) -> bytes:
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w") as file:
            file.writestr("a.txt", "text")
    else:
        with tarfile.open(fileobj=data, mode="w:gz" if kind == "tar.gz" else "w") as tar:
            tar.addfile(tarfile.TarInfo("a.txt"))
    return data.getvalue()


def array() -> bytes:
    data = io.BytesIO()
    np.save(data, np.arange(9))
    return data.getvalue()


HEADER = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
BINARY = {
    "a zip archive": (archive("zip"), r"zip://\*\.txt::"),
    "a tar archive": (archive("tar"), r"tar://\*\.txt::"),
    "a tar archive, compressed": (archive("tar.gz"), r"tar://\*\.txt::"),
    "a Parquet file": (b"PAR1\x15\x04" + bytes(9), r"--column"),
    "a PDF file": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "give its text"),
    "a PNG image": (b"\x89PNG\r\n\x1a\n" + bytes(9), "give a file of text"),
    "an SQLite database": (b"SQLite format 3\0" + bytes(9), "export its text"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(9), "give a file of text"),
    "a NumPy array": (array(), "give a file of text"),
    "a pickle": (pickle.dumps({"a": 1}), "nothing is ever unpickled"),
    "a safetensors file": (struct.pack("<Q", len(HEADER)) + HEADER + bytes(4), "a model is not a corpus"),
    "a token file": (b"CHARTOK\n" + bytes(40), "give the text that it was made from"),
    "a binary file": (np.arange(1, 99, dtype="<i4").tobytes(), "--encoding latin-1"),
}


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("encoding", ["utf-8", "auto", "cp1252", "ascii"])
def test_a_binary_file_is_refused_by_what_it_is(tmp_path: Path, kind: str, encoding: str) -> None:
    content, advice = BINARY[kind]
    path = tmp_path / "data"
    path.write_bytes(content)
    what = kind.partition(",")[0]
    for read in (read_text, read_records):
        with pytest.raises(SourceError, match=rf"data' is {what}, not text: .*{advice}"):
            read(path, encoding=encoding)
    with pytest.raises(SourceError, match=what):
        encode_file(path, tmp_path / "a.tokens", encoding=encoding)
    assert [each.name for each in tmp_path.iterdir()] == ["data"]
    if kind != "a tar archive, compressed":
        assert read_text(path, encoding="latin-1").encode("latin-1") == content


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_on_standard_input_is_first_to_be_in_a_file(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(archive(kind))))
    with pytest.raises(SourceError, match=rf"a URL such as {kind}://\*\.txt::FILE, once it is in one$"):
        read_text("-")


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("text", [ENGLISH, "привет, мир\n" * 4, "Ελληνικά γράμματα\n" * 4])
@pytest.mark.parametrize("read_as", ["utf-8", "ascii", "utf-8-sig"])
def test_wide_text_without_a_mark_is_refused_and_its_encoding_named(
    tmp_path: Path, encoding: str, text: str, read_as: str
) -> None:
    path = tmp_path / "wide"
    path.write_bytes(text.encode(encoding))
    message = rf"wide' looks like {encoding}, not {read_as}: \d+% of its bytes are NUL; .*--encoding {encoding}"
    with pytest.raises(ValueError, match=message):
        read_text(path, encoding=read_as)
    assert read_text(path, encoding=encoding) == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize(
    "content", [b"plain text", ENGLISH.encode("utf-16-be"), b"caf\xe9", b"ab\ncd" * 9, b"abcd\0\xd8ab"]
)
@pytest.mark.parametrize("handler", ["strict", "replace"])
def test_wide_text_must_have_a_mark_where_one_is_promised(
    tmp_path: Path, encoding: str, content: bytes, handler: str
) -> None:
    path = tmp_path / "wide"
    path.write_bytes(content)
    message = rf"wide' is not {encoding.upper()}: 0x.* at byte offset .* \(.*\); give its encoding, or 'auto'"
    for read in (read_text, read_records):
        with pytest.raises(FileDecodeError, match=message):
            read(path, encoding=encoding, decode_errors=handler)


@pytest.mark.parametrize("encoding", [*WIDE, "utf-8"])
@pytest.mark.parametrize("has_mark", [False, True])
def test_auto_takes_the_mark_or_the_look(tmp_path: Path, encoding: str, has_mark: bool) -> None:
    path = tmp_path / "any"
    path.write_bytes((("\ufeff" * has_mark) + ENGLISH).encode(encoding))
    notes: list[str] = []
    assert read_text(path, encoding="auto", note=notes.append) == ENGLISH
    assert len(notes) == (has_mark or encoding != "utf-8")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("café", "cp1252"),
        ("José\nRenée\n", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy\n" * 9, "cp1250"),
        ("Съешь же ещё этих мягких французских булок\n" * 9, "cp1251"),
        ("これは日本語のテキストです。\n" * 9, "shift_jis"),
    ],
)
@pytest.mark.parametrize("before", ["", "plain text before it\n" * 9000], ids=["at once", "late"])
def test_auto_guesses_what_is_none_of_unicodes(tmp_path: Path, text: str, encoding: str, before: str) -> None:
    pytest.importorskip("charset_normalizer")
    path = tmp_path / "old"
    path.write_bytes((before + text).encode(encoding))
    notes: list[str] = []
    assert read_text(path, encoding="auto", note=notes.append) == before + text
    assert len(notes) == 1
    assert "old' is read as " in notes[0]


def test_auto_needs_no_package_where_the_text_is_unicode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "charset_normalizer", None)
    path = tmp_path / "text"
    path.write_bytes(b"caf\xc3\xa9")
    assert read_text(path, encoding="auto") == "café"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(ModuleNotFoundError, match=r"text' is not UTF-8.*pip install 'chartok\[encodings\]'"):
        read_text(path, encoding="auto")


def test_auto_is_no_advice_where_it_was_wrong(tmp_path: Path) -> None:
    (tmp_path / "late").write_bytes(b"plain\n" * (1 << 18) + b"caf\xe9\n")
    message = r"late' is not UTF-8 to its end, as its beginning suggested: 0xE9 .* in line 262145 \(.*\); give its enc"
    for read in (read_text, read_records):
        with pytest.raises(FileDecodeError, match=message) as caught:
            read(tmp_path / "late", encoding="auto")
        copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
        assert str(copy) == str(caught.value)


@costly()
@given(st.text("ab\n\0", min_size=1), st.integers(20, 40))
def test_a_text_with_a_few_nul_characters_passes(
    tmp_path_factory: pytest.TempPathFactory, text: str, times: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "few"
    content = ("nothing but letters " * times + text[:4]) * 2
    path.write_bytes(content.encode())
    assert read_text(path) == content


def test_records_that_end_in_nul_are_records(tmp_path: Path) -> None:
    path = tmp_path / "print0"
    path.write_bytes(b"a\0b\0cd\0" * 40)
    assert read_records(path, delimiter="\0") == ["a", "b", "cd"] * 40


def test_a_terminals_colors_and_form_feeds_are_text(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("\x1b[31mred\x1b[0m\f\b\t" * 50)
    assert read_text(path).startswith("\x1b[31m")


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE])
def test_a_mark_alone_is_an_empty_text(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "mark").write_bytes(mark)
    assert not read_text(tmp_path / "mark", encoding="auto")
