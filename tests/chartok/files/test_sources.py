"""Files, folders, patterns, URLs and archives name the same files everywhere, in an order that never changes."""

import gzip
import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chartok import SourceError, Vocabulary, encode_file, read_records, read_text
from chartok.files.reading import ReadingSettings
from chartok.files.records import batched_records
from chartok.files.sources import expand_sources, open_source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files in it and below it, some of them hidden, in which archives of two files lie too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus" / "more" / ".git").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "more/c.md", "more/d.txt", ".hidden", "more/.git/config"):
        (tmp_path / "corpus" / name).write_text(Path(name).stem + "\n", encoding="utf-8")
    with zipfile.ZipFile("texts.zip", "w") as archive:
        archive.writestr("b.txt", "b\n")
        archive.writestr("in/a.txt", gzip.compress(b"a\n"))
        archive.writestr("names.csv", "name\nada\nbob\n")
    with zipfile.ZipFile("mac.zip", "w") as archive:
        for name, text in (("b.txt", "b"), ("in/a.txt", "a"), (".hid.txt", "hidden"), (".g/c", "git")):
            archive.writestr(name, f"{text}\n")
        archive.writestr("__MACOSX/._b.txt", bytes(9))
    with zipfile.ZipFile("odd.zip", "w") as archive:
        archive.writestr("d/c[1].txt", "odd\n")
    for mode, name in (("w", "texts.tar"), ("w:gz", "texts.tar.gz")):
        with tarfile.open(name, mode) as tar:  # type: ignore[call-overload]
            for inside in ("a.txt", "b.txt"):
                tar.add(f"corpus/{inside}", inside)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "pattern", "files"),
    [
        ("corpus", "*", ["a.txt", "b.txt", "more/c.md", "more/d.txt"]),
        ("corpus/", "*.txt", ["a.txt", "b.txt", "more/d.txt"]),
        ("corpus", "more/*", ["more/c.md", "more/d.txt"]),
        (Path("corpus"), "[ac]*", ["a.txt", "more/c.md"]),
        ("corpus", "**/*.txt", ["a.txt", "b.txt", "more/d.txt"]),
        ("corpus", "**/more/**", ["more/c.md", "more/d.txt"]),
        ("corpus", "mo*/**/d.txt", ["more/d.txt"]),
        (["corpus/more", "corpus/a.txt"], "*.[tm]*", ["more/c.md", "more/d.txt", "a.txt"]),
        ("corpus/**", "[ac].*", ["a.txt", "more/c.md"]),
        ("corpus/*.txt", "*", ["a.txt", "b.txt"]),
        ("corpus/*", "*.txt", ["a.txt", "b.txt", "more/d.txt"]),
        ("corpus/**", "*", ["a.txt", "b.txt", "more/c.md", "more/d.txt"]),
        ("corpus/**/*.txt", "*", ["a.txt", "b.txt", "more/d.txt"]),
        (["corpus/b.txt", Path("corpus/a.txt"), "corpus/b.txt"], "*", ["b.txt", "a.txt", "b.txt"]),
    ],
)
def test_folders_and_patterns_name_files_in_order(folder: Path, source: Any, pattern: str, files: list[str]) -> None:
    assert [os.path.relpath(name, "corpus") for name in expand_sources(source, pattern)] == files
    assert read_text(source, pattern=pattern) == "".join(f"{Path(name).stem}\n" for name in files)
    assert read_records(source, pattern=pattern) == [Path(name).stem for name in files]
    assert Vocabulary.from_file(source, pattern=pattern) == Vocabulary.from_text(
        "\n" + "".join(Path(name).stem for name in files)
    )


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("zip://b.txt::texts.zip", "b\n"),
        ("zip://*.txt::texts.zip", "b\n"),
        ("zip://**/*.txt::texts.zip", "b\na\n"),
        ("zip://in/::texts.zip", "a\n"),
        ("zip://*.txt::mac.zip", "b\n"),
        ("zip://**/*.txt::mac.zip", "b\na\n"),
        ("zip://**::mac.zip", "b\na\n"),
        ("zip://*::mac.zip", "b\na\n"),
        ("zip://::mac.zip", "b\na\n"),
        ("zip://.h*::mac.zip", "hidden\n"),
        ("zip://.g/*::mac.zip", "git\n"),
        ("zip://d/c[1].txt::odd.zip", "odd\n"),
        ("zip://d/c[[]1].txt::odd.zip", "odd\n"),
        ("zip://*::odd.zip", "odd\n"),
        ("tar://*::texts.tar.gz", "a\nb\n"),
        ("tar://*.txt::texts.tar", "a\nb\n"),
        ("file://{}/corpus/*", "a\nb\nc\nd\n"),
        ("file://{}/corpus/mo*", "c\nd\n"),
        ("file://{}/corpus/more", "c\nd\n"),
        ("local://{}/corpus/more", "c\nd\n"),
        ("file://{}/corpus/.hidden", ".hidden\n"),
        ("tar://::texts.tar.gz", "a\nb\n"),
        ("file://{}/corpus/*.txt", "a\nb\n"),
        ("file://{}/corpus/more/", "c\nd\n"),
        ("simplecache::file://{}/corpus/[ab].txt", "a\nb\n"),
        ("simplecache::zip://b.txt::file://{}/texts.zip", "b\n"),
        ("memory://texts/*.txt", "m\n"),
        ("memory://texts/", "m\n"),
    ],
)
def test_urls_reach_into_archives_and_other_file_systems(folder: Path, url: str, text: str) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/texts/m.txt", b"m\n")
    url = url.format(folder)
    assert read_text(url) == text
    assert read_records(url) == text.split()
    assert all(read_text(name) for name in expand_sources(url))
    with encode_file(url, folder / "a.tokens") as tokens:
        assert tokens.vocabulary.decode(tokens.read(0, len(tokens))) == text


def test_a_table_in_an_archive_is_read_by_its_column(folder: Path) -> None:
    pytest.importorskip("fsspec")
    assert read_records("zip://*.csv::texts.zip", column="name") == ["ada", "bob"]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("missing.txt", FileNotFoundError, r"No such file or directory: 'missing\.txt'"),
        ("corpus/*.csv", FileNotFoundError, "no file matches this pattern"),
        (["corpus", "corpus/more/.git/[x]"], FileNotFoundError, "no file matches this pattern"),
        ([], ValueError, "sources is empty: give at least one file"),
        (["once upon a time\n"], ValueError, r"sources\[0\] is a text, not the name of a file"),
        (["corpus/a.txt", "x" * 5000], ValueError, r"sources\[1\] is a text, not the name of a file"),
        ("a\0b", ValueError, r"sources\[0\] is a text, not the name of a file"),
        ([Path("corpus/a.txt"), 3], TypeError, r"sources\[1\] must be a path or a URL, got int"),
        ("zip://*.csv::missing.zip", FileNotFoundError, r"missing\.zip"),
        ("zip://missing.txt::texts.zip", FileNotFoundError, r"No such file or directory: 'zip://missing\.txt::texts"),
        (
            "tar://missing.txt::texts.tar.gz",
            FileNotFoundError,
            r"No such file or directory: 'tar://missing\.txt::texts",
        ),
        ("zip://*.html::texts.zip", FileNotFoundError, r"no file matches this pattern: 'zip://\*\.html::texts"),
        ("zip://a.txt::corpus/a.txt", SourceError, r"'zip://a\.txt::corpus/a\.txt' cannot be read: File is not a zip"),
        ("texts.zip", SourceError, r"texts\.zip' is a zip archive.*zip://\*\.txt::texts\.zip"),
        ("texts.tar.gz", SourceError, r"texts\.tar\.gz' is a tar archive.*tar://\*\.txt::texts\.tar\.gz"),
    ],
)
def test_sources_that_cannot_be_read_are_named(folder: Path, source: Any, error: type[Exception], message: str) -> None:
    for read in (read_text, read_records, Vocabulary.from_file):
        with pytest.raises(error, match=message):
            read(source)
    with pytest.raises(error, match=message):
        encode_file(source, folder / "a.tokens")
    assert not (folder / "a.tokens").exists()


def test_a_folder_without_such_a_file_is_named_with_the_pattern(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file of the folder matches \*\.csv: 'corpus'"):
        read_text("corpus", pattern="*.csv")


def test_damage_inside_an_archive_is_an_error_that_names_it(folder: Path) -> None:
    pytest.importorskip("fsspec")
    content = (folder / "texts.zip").read_bytes()
    (folder / "damaged.zip").write_bytes(content.replace(b"b\n", b"q\n", 1))
    with pytest.raises(SourceError, match=r"zip://b\.txt::damaged\.zip' cannot be read: Bad CRC-32"):
        read_text("zip://b.txt::damaged.zip")


def test_without_fsspec_a_url_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ModuleNotFoundError, match=r"'s3://bucket/a\.txt' needs fsspec: pip install 'chartok\[urls\]'"):
        read_text("s3://bucket/a.txt")


def test_a_link_that_leads_back_into_its_folder_is_not_followed(folder: Path) -> None:
    (folder / "corpus" / "back").symlink_to(folder / "corpus")
    (folder / "corpus" / "link.txt").symlink_to(folder / "corpus" / "a.txt")
    os.mkfifo(folder / "corpus" / "pipe")
    assert expand_sources("corpus", "*.txt") == [f"corpus/{name}.txt" for name in ("a", "b", "link", "more/d")]
    assert "corpus/pipe" not in expand_sources("corpus")


@pytest.mark.parametrize("source", ["corpus/*", "file://{}/corpus/*", "file://{}/corpus", "file://{}/corpus/"])
def test_a_pipe_that_nobody_named_is_left_out(folder: Path, source: str) -> None:
    os.mkfifo(folder / "corpus" / "a pipe")
    if "://" in source:
        pytest.importorskip("fsspec")
    assert read_text(source.format(folder)) == "a\nb\nc\nd\n"


@pytest.mark.parametrize("source", ["corpus/a.txt", "-", "zip://b.txt::texts.zip", "file://{}/corpus/a.txt"])
def test_a_file_that_does_not_match_the_pattern_is_refused(folder: Path, source: str) -> None:
    if "://" in source:
        pytest.importorskip("fsspec")
    for read in (read_text, read_records):
        with pytest.raises(ValueError, match=r"does not match the pattern '\*\.md': leave out one of them"):
            read(["corpus", source.format(folder)], pattern="*.md")


def test_a_file_with_the_name_of_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "[ab].txt").write_text("both")
    assert read_text("[ab].txt") == "both"


def test_a_dash_is_standard_input_and_a_path_of_that_name_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "-").write_text("file")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"one\ntwo\n"))))
    assert read_records("-") == ["one", "two"]
    assert read_text(Path("-")) == read_text("./-") == "file"
    with pytest.raises(ValueError, match=r"standard input is a pipe or a device, which can only be read once"):
        encode_file("-", folder / "a.tokens")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ab\ncaf\xe9\n")))
    with pytest.raises(ValueError, match=r"'standard input' is not UTF-8: 0xE9 at byte offset 6 in line 2"):
        read_text("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ValueError, match="standard input is closed: name a file"):
        read_text("-")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("zip://b.txt::texts.zip", "texts.zip"),
        ("zip://b.txt::local://{}/texts.zip", "texts.zip"),
        ("file://{}/corpus/a.txt", "corpus/a.txt"),
        ("local://{}/corpus/a.txt", "corpus/a.txt"),
        ("simplecache::local://{}/corpus/../corpus/a.txt", "corpus/a.txt"),
    ],
)
def test_a_source_behind_a_url_is_never_written_over(folder: Path, url: str, name: str) -> None:
    pytest.importorskip("fsspec")
    before = (folder / name).read_bytes()
    with pytest.raises(ValueError, match="is both a source and the destination"):
        encode_file(url.format(folder), folder / name)
    assert (folder / name).read_bytes() == before


@pytest.mark.parametrize("column", [None, "name"])
def test_a_source_that_changes_while_it_is_read_is_an_error(folder: Path, column: str | None) -> None:
    path = folder / "grows.csv"
    size = path.write_bytes(b"name\n" + b"ada\n" * 900_000)

    def grow(_: int, __: int | None) -> None:
        if path.stat().st_size == size:
            with path.open("ab") as file:
                file.write(b"bob\n")

    with pytest.raises(SourceError, match=r"grows\.csv' changed while it was read"):
        encode_file(path, folder / "a.tokens", Vocabulary("abdemno\n"), progress=grow, column=column)
    assert not (folder / "a.tokens").exists()


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs /proc")
def test_a_file_that_the_system_makes_as_it_is_read_has_no_size(tmp_path: Path) -> None:
    text = Path("/proc/version").read_text(encoding="utf-8")
    assert read_text("/proc/version") == text
    assert read_records("/proc/version") == [text.removesuffix("\n")]
    with encode_file("/proc/version", tmp_path / "a.tokens") as tokens:
        assert tokens.vocabulary.decode(tokens.read(0, len(tokens))) == text


def test_an_empty_file_that_grows_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    path.write_bytes(b"")

    def read_as_it_grows() -> None:
        with open_source(str(path)) as file:
            path.write_bytes(b"more")
            while file.read():
                pass

    with pytest.raises(SourceError, match=r"grows' changed while it was read"):
        read_as_it_grows()


@pytest.mark.parametrize("column", [None, "name"])
def test_a_file_that_may_grow_is_read_to_its_end(tmp_path: Path, column: str | None) -> None:
    path = tmp_path / "grows.csv"
    size = path.write_bytes(b"name\n" + b"ada\n" * 900_000)
    found = []
    for batch in batched_records(path, ReadingSettings(column=column), may_grow=True):
        found += batch.texts
        if path.stat().st_size == size:
            with path.open("ab") as file:
                file.write(b"bob\n")
    assert found.count("ada") == 900_000
    assert found[-1] == "bob"
