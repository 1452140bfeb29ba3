"""Compressed data is recognized, read to its true end, and named where it is damaged or truncated."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chartok import SourceError, read_text
from chartok.files.reading import Compression

TEXT = "banana\n" * 400
KINDS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def compressed(kind: str, text: str) -> bytes:
    if kind == "zstd":
        zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
        data: bytes = zstd.compress(text.encode())
        return data
    return KINDS[kind](text.encode())


@pytest.fixture(params=[*KINDS, "zstd"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_it_is_recognized_by_its_bytes_and_not_by_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(compressed(kind, TEXT))
    assert read_text(path) == TEXT
    (tmp_path / "plain.txt.gz").write_bytes(TEXT.encode())
    assert read_text(tmp_path / "plain.txt.gz") == TEXT


def test_several_streams_are_one_text(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "several"
    path.write_bytes(compressed(kind, "one\n") + compressed(kind, "") + compressed(kind, "two\n"))
    assert read_text(path) == "one\ntwo\n"
    path.write_bytes(compressed(kind, ""))
    assert not read_text(path)


def test_zeros_may_fill_up_the_end_of_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "padded"
    path.write_bytes(gzip.compress(b"one") + bytes(512))
    assert read_text(path) == "one"


def test_truncation_is_an_error_that_names_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cut"
    sound = compressed(kind, TEXT)
    for length in {12, len(sound) // 2, len(sound) - 1}:
        path.write_bytes(sound[:length])
        with pytest.raises(SourceError, match=r"cut' is truncated: its \w+ data has no end"):
            read_text(path)
        path.write_bytes(compressed(kind, "one") + sound[:length])
        with pytest.raises(SourceError, match="cut' is truncated"):
            read_text(path)


def test_what_follows_a_stream_and_is_none_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "two"
    path.write_bytes(compressed(kind, "one") + b"damaged, once a second stream")
    with pytest.raises(SourceError, match=rf"two' is not {kind} data, or is damaged"):
        read_text(path)


def test_other_data_than_was_announced_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "plain"
    path.write_text(TEXT)
    with pytest.raises(SourceError, match=rf"plain' is not {kind} data, or is damaged"):
        read_text(path, compression=kind)  # type: ignore[arg-type]


def test_compressed_data_is_not_read_as_text(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(compressed(kind, TEXT))
    with pytest.raises(SourceError, match=rf"data' is compressed by {kind}: leave compression out"):
        read_text(path, compression="none")
    assert len(read_text(path, compression="none", encoding="latin-1")) == path.stat().st_size


@pytest.mark.parametrize("compression", ["auto", "gzip"])
def test_data_compressed_twice_is_refused_with_what_helps(tmp_path: Path, kind: str, compression: Compression) -> None:
    (tmp_path / "twice").write_bytes(gzip.compress(compressed(kind, TEXT)))
    with pytest.raises(SourceError, match=rf"twice' is compressed by {kind} once more: decompress it once before"):
        read_text(tmp_path / "twice", compression=compression)


def test_a_missing_module_for_zstd_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd rest")
    for name in ("compression", "compression.zstd", "backports", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"a\.zst' is compressed by zstd.*pip install 'chartok\[zstd\]'"):
        read_text(path)


def test_a_small_file_that_unpacks_to_a_large_text_is_read_in_pieces(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "large"
    path.write_bytes(compressed(kind, "x" * 5_000_001))
    assert read_text(path) == "x" * 5_000_001
