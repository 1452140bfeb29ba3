"""Files are read as Python's own ``open`` reads them, whatever their encoding, line ends, compression and pieces."""

import bz2
import gzip
import lzma
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import FileDecodeError, ReadingSettings, encode_file, read_records, read_text
from chartok.files import compression, decoding, pieces
from chartok.files.text import iterate_text
from strategies import costly

LETTERS = {
    "utf-8": "aé\u4e00\U0001f600\ufeff\x00\x85\u2028",
    "utf-8-sig": "aé\u4e00\ufeff",
    "utf-16": "aé\u4e00\U0001f600",
    "utf-16-le": "aé\u4e00\U0001f600",
    "utf-32": "aé\U0001f600",
    "utf-7": "aé+\u4e00",
    "latin-1": "aéÿ\x85",
    "cp1252": "aé€",
    "shift_jis": "a日本ｱ",
    "euc_jp": "a日本",
    "iso2022_jp": "a日本",
    "gb18030": "a中\U0001f600",
    "cp037": "aé",
}
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes, str]:
    """Returns an encoding, the bytes of a text in it, and how they are compressed, in one stream or in two."""
    encoding = draw(st.sampled_from(sorted(LETTERS)))
    text = "".join(draw(st.lists(st.sampled_from([*LETTERS[encoding], "b", "\n", "\r\n", "\r", " "]))))
    kind = draw(st.sampled_from(sorted(COMPRESSED)))
    content = text.encode(encoding)
    cut = draw(st.integers(0, len(content))) if kind != "none" else 0
    parts = [content[:cut], content[cut:]] if cut else [content]
    return encoding, b"".join(map(COMPRESSED[kind], parts)), kind


def read_in_pieces(patch: pytest.MonkeyPatch, size: int) -> None:
    """Lets whatever is read come in pieces of so many bytes."""
    patch.setattr(decoding, "CHUNK_BYTES", size)
    patch.setattr(pieces, "CHUNK_BYTES", size)
    patch.setattr(compression, "COMPRESSED_BYTES", size)


def reference(path: Path, encoding: str, kind: str, errors: str = "strict") -> str:
    opened: Any = {"none": open, "gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[kind]
    with opened(path, "rt", encoding=encoding, errors=errors, newline="") as file:
        text: str = file.read()
        return text


def cut_by_hand(text: str, delimiter: str) -> list[str]:
    """Returns the records of a text, slowly."""
    text = text.removeprefix("\ufeff")
    if "\r" not in delimiter:
        text = re.sub("\r\n", "\n", text)
    if not delimiter:
        return [text]
    *records, rest = text.split(delimiter)
    if delimiter != "\n" and delimiter.endswith("\n"):
        rest = rest.removesuffix(delimiter[:-1])
    return [*records, rest] if rest else records


@costly()
@given(file=files(), size=st.sampled_from([1, 2, 3, 7, 1 << 20]))
def test_a_text_is_what_open_reads(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[str, bytes, str], size: int
) -> None:
    encoding, content, kind = file
    path = tmp_path_factory.getbasetemp() / "text"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        read_in_pieces(patch, size)
        expected = reference(path, encoding, kind)
        assert read_text(path, encoding=encoding) == expected
        assert read_text(path, encoding=encoding, compression=kind) == expected  # type: ignore[arg-type]


@costly()
@given(
    file=files(),
    size=st.sampled_from([1, 2, 3, 7, 1 << 20]),
    delimiter=st.sampled_from(["\n", "\n\n", "\r\n", "a", "ab", "b\n", "\nb", "aba", ""]),
    blank=st.sampled_from(["skip", "keep", "error"]),
)
def test_records_are_what_open_reads_cut_by_hand(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[str, bytes, str], size: int, delimiter: str, blank: Any
) -> None:
    encoding, content, kind = file
    path = tmp_path_factory.getbasetemp() / "records"
    path.write_bytes(content)
    expected = cut_by_hand(reference(path, encoding, kind), delimiter)
    is_blank = [not record.strip("\n") for record in expected]
    settings = ReadingSettings(encoding=encoding, delimiter=delimiter, blank_lines=blank)
    with pytest.MonkeyPatch.context() as patch:
        read_in_pieces(patch, size)
        if blank == "error" and any(is_blank):
            before = delimiter.join([*expected[: is_blank.index(True)], ""])
            where = f"record {is_blank.index(True) + 1}"
            if "\n" in delimiter:
                the_record_in = "" if delimiter == "\n" else "the record in "
                where = f"{the_record_in}line {before.count(chr(10)) + 1}"
            with pytest.raises(ValueError, match=rf"^{where} of '.*records' is blank"):
                read_records(path, settings)
            return
        notes: list[str] = []
        read = read_records(path, settings, note=notes.append)
    if blank == "skip":
        expected = [record for record, blank in zip(expected, is_blank, strict=True) if not blank]
        assert notes == [f"{sum(is_blank)} blank record{'s' * (sum(is_blank) > 1)} skipped"] * any(is_blank)
    assert read == expected


@costly()
@given(
    text=st.text("ab\n"),
    invalid=st.sampled_from([b"\xff", b"\xe9", b"\xc3\xc3", b"\xe4\xb8"]),
    size=st.sampled_from([1, 2, 3, 1 << 20]),
    handler=st.sampled_from(["replace", "ignore", "backslashreplace", "surrogateescape"]),
)
def test_bytes_that_are_invalid_are_an_error_with_place_or_what_open_makes_of_them(
    tmp_path_factory: pytest.TempPathFactory, text: str, invalid: bytes, size: int, handler: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "invalid"
    path.write_bytes(text.encode() + invalid + b"\nend")
    with pytest.MonkeyPatch.context() as patch:
        read_in_pieces(patch, size)
        assert read_text(path, decode_errors=handler) == reference(path, "utf-8", "none", handler)
        read: list[str] = []
        with pytest.raises(FileDecodeError) as caught:
            read.extend(iterate_text(path))
    assert "".join(read) == text
    assert caught.value.offset == len(text)
    assert caught.value.line == text.count("\n") + 1
    assert f"at byte offset {len(text)} in line {text.count(chr(10)) + 1} (" in str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "sound", "invalid"),
    [
        ("utf-16", "ab\ncd".encode("utf-16"), b"\x00\xd8\x41\x00"),
        ("shift_jis", "ab\n日".encode("shift_jis"), b"\xff\xff"),
        ("gb18030", b"ab\n", b"\x81\x30\x81"),
        ("cp1252", b"ab\n", b"\x81"),
        ("utf-7", b"ab\n", b"\xff"),
        ("utf-8-sig", b"\xef\xbb\xbfab\n", b"\xff"),
        ("ascii", b"ab\n", b"\xe9"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1 << 20])
def test_what_comes_before_an_invalid_byte_is_there_in_every_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, sound: bytes, invalid: bytes, size: int
) -> None:
    path = tmp_path / "invalid"
    path.write_bytes(sound + invalid)
    read_in_pieces(monkeypatch, size)
    read: list[str] = []
    with pytest.raises(FileDecodeError) as caught:
        read.extend(iterate_text(path, ReadingSettings(encoding=encoding)))
    assert "".join(read) == sound.decode(encoding)
    assert (caught.value.offset, caught.value.line, caught.value.encoding) == (len(sound), 2, encoding)
    assert encoding.upper() in str(caught.value)


@costly()
@given(texts=st.lists(st.text("ab\r\n"), min_size=1, max_size=4), separator=st.sampled_from(["", "\n", "<|end|>"]))
def test_a_separator_stands_between_files_and_records_never_join_across_them(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], separator: str
) -> None:
    folder = tmp_path_factory.mktemp("several")
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(text.encode())
    joined = separator.join(texts)
    assert read_text(paths, separator=separator) == read_text(folder, separator=separator) == joined
    assert read_records(paths, blank_lines="keep") == [record for text in texts for record in cut_by_hand(text, "\n")]
    if joined:
        with encode_file(paths, folder / "all.tokens", separator=separator) as tokens:
            assert tokens.vocabulary.decode(tokens.read(0, len(tokens))) == joined
