import contextlib
import errno
import gzip
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import (
    FileDecodeError,
    SourceError,
    UnknownCharacterError,
    Vocabulary,
    count_characters,
    encode_file,
    encode_files,
    read_text,
)
from chartok.encode import find_characters
from chartok.files import decoding, pieces, sources
from chartok.files.text import Piece, iterate_pieces
from strategies import costly

scalar_text = st.text(st.characters(exclude_categories=["Cs"]))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@costly()
@given(st.lists(scalar_text, min_size=1).filter(any), st.booleans())
def test_a_token_file_decodes_to_its_sources(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], compressed: bool
) -> None:
    folder = tmp_path_factory.mktemp("sources")
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "CHUNK_BYTES", 5)
        patch.setattr(pieces, "CHUNK_BYTES", 5)
        tokens = encode_file(paths, folder / "a.tokens", compression="gzip" if compressed else "none")
    assert tokens.vocabulary == Vocabulary.from_text(texts)
    assert tokens.vocabulary.decode(tokens.read(0, len(tokens))) == "".join(texts)
    tokens.verify()


@costly()
@given(st.lists(st.text(st.sampled_from("CBlrO\u00e9"))), st.booleans())
def test_no_symbol_is_cut_where_a_piece_or_a_source_ends(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], has_unknown: bool
) -> None:
    folder = tmp_path_factory.mktemp("sources")
    texts = [*texts, "CCl", "lBr", "Cl!" * has_unknown]
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(text.encode())
    vocabulary = Vocabulary.from_text("CBlrO\u00e9", symbols=["Cl", "ClBr", "Br", "lO", "CBlr"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "CHUNK_BYTES", 2)
        patch.setattr(pieces, "CHUNK_BYTES", 2)
        if not has_unknown:
            with encode_file(paths, folder / "a.tokens", vocabulary) as tokens:
                assert tokens.read(0, len(tokens)).tolist() == vocabulary.encode("".join(texts)).tolist()
                assert tokens.vocabulary == vocabulary
            return
        with pytest.raises(UnknownCharacterError) as caught:
            encode_file(paths, folder / "a.tokens", vocabulary)
    assert (caught.value.path, caught.value.position) == (str(paths[-1]), 2)


def test_patterns_and_urls_name_several_files_in_order(tmp_path: Path) -> None:
    for name, text in (("b", "2"), ("a", "1"), ("c", "3")):
        (tmp_path / f"{name}.txt").write_bytes(text.encode())
    sources: list[Any] = [
        tmp_path / "*.txt",
        f"file://{tmp_path}/*.txt",
        [f"file://{tmp_path}/a.txt", tmp_path / "[bc].txt"],
    ]
    for source in sources:
        tokens = encode_file(source, tmp_path / "all.tokens")
        assert tokens.vocabulary.decode(tokens.read(0, 3)) == "123"


def test_a_url_of_another_file_system_is_read(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/corpus/a.txt", b"banana")
    tokens = encode_file("memory://corpus/a.txt", tmp_path / "a.tokens")
    assert tokens.vocabulary.decode(tokens.read(0, 6)) == "banana"
    with pytest.raises(FileNotFoundError):
        encode_file("memory://corpus/missing.txt", tmp_path / "b.tokens")


@pytest.mark.parametrize("name", ["a.txt", "link.txt", "./a.txt"])
@pytest.mark.parametrize("is_url", [False, True])
def test_a_source_is_never_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_url: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"text")
    (tmp_path / "link.txt").symlink_to("a.txt")
    before = contents(tmp_path)
    source = f"file://{tmp_path}/a.txt" if is_url else "a.txt"
    for sources_given, destination in (([source], name), (["link.txt", source], name)):
        with pytest.raises(ValueError, match="is both a source and the destination"):
            encode_file(sources_given, destination)
    assert contents(tmp_path) == before


def test_a_token_file_is_not_written_into_a_pipe_or_a_device(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    with pytest.raises(ValueError, match=f"{os.devnull}' is a pipe or a device"):
        encode_file(tmp_path / "a.txt", os.devnull)


@pytest.mark.parametrize("compression", ["none", "auto", "gzip"])
def test_a_pipe_is_read_once_and_two_readings_of_it_are_refused(tmp_path: Path, compression: Any) -> None:
    os.mkfifo(tmp_path / "pipe")
    content = b"banana" if compression == "none" else gzip.compress(b"banana")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content], daemon=True)
    for encode in (encode_file, encode_files):
        with pytest.raises(ValueError, match=r"pipe' is a pipe or a device, which can only be read once"):
            encode(tmp_path / "pipe", tmp_path / "out", compression=compression)
    writer.start()
    seen: list[tuple[int, int | None]] = []
    tokens = encode_file(
        tmp_path / "pipe",
        tmp_path / "a.tokens",
        Vocabulary("abn"),
        compression=compression,
        progress=lambda *state: seen.append(state),
    )
    writer.join(timeout=60)
    assert tokens.vocabulary.decode(tokens.read(0, 6)) == "banana"
    assert seen == [(len(content), None)]


def test_progress_rises_to_the_total_over_both_passes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 3_000_000)
    seen: list[tuple[int, int | None]] = []
    encode_file(tmp_path / "a.txt", tmp_path / "a.tokens", progress=lambda *state: seen.append(state))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (6_000_000, 6_000_000)
    encode_file(tmp_path / "a.txt", tmp_path / "a.tokens", Vocabulary("x"), progress=lambda *state: seen.append(state))
    assert seen[-1] == (3_000_000, 3_000_000)


def test_an_unknown_character_is_named_with_its_file_and_nothing_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "CHUNK_BYTES", 4)
    (tmp_path / "a.txt").write_bytes(b"aaaaaaaa")
    (tmp_path / "b.txt").write_bytes(b"aaaaaaaaax")
    before = contents(tmp_path)
    with pytest.raises(UnknownCharacterError, match=r"character 9 of '.*b\.txt' is U\+0078 'x'"):
        encode_file(tmp_path / "*.txt", tmp_path / "c.tokens", Vocabulary("a"))
    assert contents(tmp_path) == before
    tokens = encode_file(tmp_path / "*.txt", tmp_path / "c.tokens", Vocabulary("a"), errors="ignore")
    assert len(tokens) == 17


def test_a_position_is_that_in_the_source_where_one_is_named_twice(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes(b"aaaa")

    def replace(_: int, __: int | None) -> None:
        (tmp_path / "new.txt").write_bytes(b"ax")
        (tmp_path / "new.txt").replace(source)

    with pytest.raises(UnknownCharacterError, match=r"character 1 of '.*a\.txt' is U\+0078 'x'"):
        encode_file([source, source], tmp_path / "a.tokens", Vocabulary("a"), progress=replace)


def test_a_source_that_changes_while_it_is_read_fails_and_publishes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes(b"x" * 3_000_000)

    def grow(done: int, _: int | None) -> None:
        if done < 3_000_000:
            with source.open("ab") as file:
                file.write(b"y")

    with pytest.raises(SourceError, match="changed while it was read"):
        encode_file(source, tmp_path / "a.tokens", Vocabulary("xy"), progress=grow)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_compressed_data_is_recognized_and_refused_where_it_is_to_be_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(gzip.compress(b"text"))
    assert len(encode_file(tmp_path / "a.txt", tmp_path / "a.tokens")) == 4
    with pytest.raises(SourceError, match="compressed by gzip"):
        read_text(tmp_path / "a.txt", compression="none")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"text" * 1000)[:-4])
    with pytest.raises(SourceError, match="is truncated"):
        encode_file(tmp_path / "cut.gz", tmp_path / "a.tokens", compression="gzip")


@pytest.mark.parametrize("vocabulary", [None, Vocabulary("tex")], ids=["two passes", "one pass"])
def test_text_that_is_not_the_gzip_data_it_is_said_to_be_is_named(
    tmp_path: Path, vocabulary: Vocabulary | None
) -> None:
    (tmp_path / "plain").write_bytes(b"text")
    with pytest.raises(SourceError, match=r"plain' is not gzip data, or is damaged"):
        encode_file(tmp_path / "plain", tmp_path / "a.tokens", vocabulary, compression="gzip")
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


def test_a_source_that_cannot_be_read_is_named_and_not_the_destination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")

    @contextlib.contextmanager
    def opened(source: str) -> Iterator[Any]:
        with Path(source).open("rb") as file:
            yield FailingFile(file)

    class FailingFile:
        def __init__(self, file: Any) -> None:
            self.fileno = file.fileno

        def read(self, _: int) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sources, "_open", opened)
    with pytest.raises(OSError, match=r"Input/output error: '.*a\.txt'$"):
        encode_file(tmp_path / "a.txt", tmp_path / "a.tokens", Vocabulary("tex"))


def test_every_damage_to_gzip_data_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    sound = gzip.compress(b"a" * 9 + b"banana", mtime=0)
    for place in range(10, len(sound)):  # before that stand a date and the like
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        with pytest.raises(SourceError, match=r"a\.gz"):
            encode_file(path, tmp_path / "a.tokens", compression="gzip")
    for length in range(1, len(sound)):
        path.write_bytes(sound[:length])
        with pytest.raises(SourceError, match=r"a\.gz"):
            encode_file(path, tmp_path / "a.tokens", compression="gzip")
    assert not (tmp_path / "a.tokens").exists()


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("missing.txt", FileNotFoundError, r"missing\.txt"),
        ("*.missing", FileNotFoundError, "no file matches this pattern"),
        (".", ValueError, r"'\./empty\.txt': text is empty"),
        ([], ValueError, "sources is empty"),
        ("empty.txt", ValueError, r"'empty\.txt': text is empty"),
        (["empty.txt", "empty.txt"], ValueError, r"'empty\.txt' and 1 more: text is empty"),
    ],
)
def test_sources_that_are_not_there_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Any, error: type[Exception], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    with pytest.raises(error, match=message):
        encode_file(source, "a.tokens")
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


def test_a_failing_system_call_keeps_its_errno_and_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    encode_file(tmp_path / "a.txt", tmp_path / "a.tokens")
    before = contents(tmp_path)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"a\.tokens") as caught:
        encode_file(tmp_path / "a.txt", tmp_path / "a.tokens")
    assert caught.value.errno == errno.EIO
    assert contents(tmp_path) == before


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for number, text in enumerate(["banana", "", "cherry\u4e00", "date"]):
        (folder / f"{number}.txt").write_bytes(text.encode())
    return folder


def check_shards(shards: Path, folder: Path, executor: Executor | None) -> None:
    files = encode_files(shards / "*.txt", folder, executor=executor)
    assert [Path(file.path).name for file in files] == [f"0000{n}-{n}.tokens" for n in range(4)]
    assert {file.vocabulary for file in files} == {Vocabulary.from_text("bananacherry\u4e00date")}
    texts = [file.vocabulary.decode(file.read(0, len(file))) for file in files]
    assert texts == ["banana", "", "cherry\u4e00", "date"]


@pytest.mark.parametrize("kind", [None, ThreadPoolExecutor, ProcessPoolExecutor])
def test_shards_are_the_same_on_any_executor(shards: Path, tmp_path: Path, kind: Any) -> None:
    if kind is None:
        check_shards(shards, tmp_path, None)
        return
    context = {"mp_context": __import__("multiprocessing").get_context("spawn")} if kind is ProcessPoolExecutor else {}
    with kind(2, **context) as executor:
        check_shards(shards, tmp_path, executor)


@pytest.mark.filterwarnings("ignore")  # not ours to mend
def test_shards_are_made_on_a_dask_cluster(shards: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    )
    with cluster, distributed.Client(cluster) as client:
        check_shards(shards, tmp_path, client.get_executor())


def test_where_one_source_fails_no_shard_is_left(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownCharacterError, match=r"character 0 of .*2\.txt"):
        encode_files(shards / "*.txt", tmp_path, Vocabulary("abn"))
    assert not list(tmp_path.iterdir())


def test_where_one_source_fails_no_shard_that_a_running_worker_writes_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    (tmp_path / "good.txt").write_bytes(b"ab")
    is_writing, has_failed = threading.Event(), threading.Event()

    def iterate(names: list[str], *settings: Any) -> Iterator[Piece]:
        if "bad" in names[0]:
            is_writing.wait()
            has_failed.set()
        else:
            is_writing.set()
            has_failed.wait()
        yield from iterate_pieces(names, *settings)

    monkeypatch.setattr("chartok.encode.iterate_pieces", iterate)
    with ThreadPoolExecutor(2) as executor, pytest.raises(FileDecodeError):
        encode_files(tmp_path / "*.txt", tmp_path / "shards", Vocabulary("ab"), executor=executor)
    assert not list((tmp_path / "shards").iterdir())


def test_shards_that_are_there_are_never_overwritten(shards: Path, tmp_path: Path) -> None:
    encode_files(shards / "*.txt", tmp_path)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match="already exists"):
        encode_files(shards / "*.txt", tmp_path)
    assert contents(tmp_path) == before


@costly()
@given(st.lists(scalar_text, min_size=3, max_size=3).filter(all))
def test_vocabularies_and_counts_of_parts_merge_in_any_grouping(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    found = []
    for number, text in enumerate(texts):
        (folder / str(number)).write_bytes(text.encode())
        found.append(find_characters(str(folder / str(number))))
    a, b, c = found
    assert a | b | c == (a | c) | b == Counter({character: 1 for text in texts for character in text})
    left = Vocabulary.from_counts((a + b) + c)
    assert left == Vocabulary.from_counts(a + (b + c)) == Vocabulary.from_text(texts)
    x, y, z = map(count_characters, texts)
    assert (x + y) + z == x + (y + z) == count_characters(texts) == Counter("".join(texts))
    assert Vocabulary.from_counts(x + y + z) == left


def test_threads_encode_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"banana" * 1000)
    threads = [
        threading.Thread(target=encode_file, args=(tmp_path / "a.txt", tmp_path / f"{n}.tokens")) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(tmp_path / f"{n}.tokens").read_bytes() for n in range(4)}) == 1


@pytest.mark.parametrize("encode", [encode_file, encode_files])
def test_a_compression_that_cannot_be_read_is_refused_before_anything_is_written(tmp_path: Path, encode: Any) -> None:
    (tmp_path / "a.zip").write_bytes(b"text")
    with pytest.raises(ValueError, match="compression must be one of auto, gzip, bz2, xz, zstd, none, got 'zip'"):
        encode(tmp_path / "a.zip", tmp_path / "out", compression="zip")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_compressed_source_without_text_is_an_empty_shard(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(ValueError, match=r"a\.gz': text is empty"):
        encode_files(tmp_path / "a.gz", tmp_path / "shards", compression="gzip")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"banana"))
    shards = encode_files(tmp_path / "*.gz", tmp_path / "shards", compression="gzip")
    assert [len(shard) for shard in shards] == [0, 6]


@pytest.mark.parametrize("records", [False, True])
def test_shards_are_what_encode_file_makes_with_the_vocabulary_of_all(tmp_path: Path, records: bool) -> None:
    texts = ["ana\n\nbob\r\n", "anna\nzoe"]
    paths = [tmp_path / f"{number}.txt" for number in range(2)]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(text.encode())
    asked: Any = {"records": records, "min_count": 2, "special_tokens": ["unk", "pad"], "errors": "replace"}
    shards = encode_files(paths, tmp_path / "shards", **asked)
    with encode_file(paths, tmp_path / "all.tokens", **asked) as whole:
        assert {shard.vocabulary for shard in shards} == {whole.vocabulary}
        read = np.concatenate([shard.read(0, len(shard)) for shard in shards]).tolist()
        assert read == whole.read(0, len(whole)).tolist()
    assert [shard.records for shard in shards] == ([2, 2] if records else [None, None])
    with pytest.raises(ValueError, match="min_count and max_size are for a vocabulary that is built"):
        encode_files(paths, tmp_path / "other", shards[0].vocabulary, max_size=3)
