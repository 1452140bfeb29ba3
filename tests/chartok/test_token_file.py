import errno
import hashlib
import json
import os
import pickle
import resource
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chartok.files.fixed
import chartok.token_file
from chartok import TokenFile, TokenFileError, TokenFileWriter, Vocabulary, encode_file
from chartok.files.pread import seek_and_read
from chartok.token_file import PREFIX, is_token_file
from open_files import open_below, tells_open_files
from strategies import costly, vocabularies
from token_files import write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "a.tokens", [0, 1, 2, 1, 0], Vocabulary("ab\ud800"))


@costly()
@given(st.lists(st.lists(st.integers(0, 299), max_size=20), max_size=4), st.sampled_from([200, 300, 70_000]))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, pieces: list[list[int]], size: int) -> None:
    path = tmp_path_factory.getbasetemp() / "round.tokens"
    vocabulary = Vocabulary(map(chr, range(size)), special_tokens=["unk"])
    pieces = [[i % size for i in piece] for piece in pieces]
    with TokenFileWriter(path, vocabulary) as writer:
        for piece in pieces:
            writer.write(np.array(piece, dtype=vocabulary.dtype))
    ids = [i for piece in pieces for i in piece]
    with TokenFile(path) as tokens:
        assert len(tokens) == len(ids)
        assert tokens.vocabulary == vocabulary
        assert tokens.read(0, len(ids)).tolist() == ids
        assert tokens.read(0, len(ids)).dtype == vocabulary.dtype
        for width in range(1, len(ids)):
            starts = np.arange(len(ids) - width + 1)[::-1]
            expected = [ids[start : start + width] for start in starts]
            assert tokens.windows(starts, width).tolist() == expected
            assert tokens.windows(starts, width).dtype == vocabulary.dtype
        tokens.verify()


@contextmanager
def threads_that_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_a_system_without_pread_reads_the_same_from_several_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = np.random.default_rng(0).integers(0, 300, size=5000)
    path = write(tmp_path / "a.tokens", ids, Vocabulary(map(chr, range(300))))
    monkeypatch.setattr(chartok.files.fixed, "pread", seek_and_read)
    starts = np.random.default_rng(1).integers(0, 5000 - 20, size=(200, 64))
    with TokenFile(path) as tokens, ThreadPoolExecutor(8) as threads, threads_that_take_turns_often():
        tokens.verify()
        windows = list(threads.map(lambda row: tokens.windows(row, 20), starts))
    assert np.array_equal(windows, ids[starts[..., None] + np.arange(20)])


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 6), (6, 6)])
def test_reading_outside_the_file_is_refused(path: Path, start: int, stop: int) -> None:
    with TokenFile(path) as tokens, pytest.raises(IndexError, match="has 5 ids"):
        tokens.read(start, stop)


@pytest.mark.parametrize("start", [-1, 4, 2**40])
def test_windows_outside_the_file_are_refused(path: Path, start: int) -> None:
    with TokenFile(path) as tokens, pytest.raises(IndexError, match="has 5 ids"):
        tokens.windows(np.array([0, start]), 2)


@pytest.mark.parametrize(
    "starts", [[0, 3], np.array([0, 3], dtype=np.uint8), np.array([0, 3], dtype=">i2"), np.array([0, 3], np.uint64)]
)
def test_windows_begin_at_integers_of_any_kind(path: Path, starts: Any) -> None:
    with TokenFile(path) as tokens:
        assert tokens.windows(starts, 2).tolist() == [[0, 1], [1, 0]]
        assert tokens.windows([], 2).shape == (0, 2)


@pytest.mark.parametrize(
    ("starts", "width", "error", "message"),
    [
        ([0], -1, ValueError, "width must be at least 0, got -1"),
        ([0], 2.0, TypeError, "width must be an integer, got float"),
        ([0.5], 2, TypeError, "starts must be integers, got float64 values"),
        (["0"], 2, TypeError, "starts must be integers"),
        ([[0]], 2, ValueError, r"starts must be one-dimensional, got shape \(1, 1\)"),
        (0, 2, ValueError, r"starts must be one-dimensional, got shape \(\)"),
        ([0], 6, IndexError, "has 5 ids"),
    ],
)
def test_windows_that_are_none_are_refused(
    path: Path, starts: Any, width: Any, error: type[Exception], message: str
) -> None:
    with TokenFile(path) as tokens, pytest.raises(error, match=message):
        tokens.windows(starts, width)


def test_a_read_that_fails_names_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TokenFile(path)

    def fail(*_: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(chartok.files.fixed, "pread", fail)
    for read in (lambda: tokens.read(0, 1), lambda: tokens.windows([0], 1), lambda: TokenFile(path)):
        with pytest.raises(OSError, match=r"Input/output error: '.*a\.tokens'$"):
            read()


def test_every_flipped_bit_is_noticed(path: Path) -> None:
    sound = path.read_bytes()
    for position in range(8 * len(sound)):
        damaged = bytearray(sound)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(TokenFileError, match=r"a\.tokens"):
            TokenFile(path).verify()


def test_a_file_cut_anywhere_or_made_longer_is_refused_when_opened(path: Path) -> None:
    sound = path.read_bytes()
    for damaged in [*(sound[:length] for length in range(len(sound))), sound + b"\0"]:
        path.write_bytes(damaged)
        with pytest.raises(TokenFileError, match="not a valid token file"):
            TokenFile(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2 is newer than version 1"),
        ({"version": True}, "the version of a token file must be a positive integer, got True"),
        ({"dtype": "<u2"}, "its dtype is '<u2', but a vocabulary of its size needs"),
        ({"length": 6}, "its ids take 5 bytes, not the 6 recorded in its header"),
        ({"length": -1}, "its length must be a non-negative integer, got -1"),
        ({"length": 5.0}, "its length must be a non-negative integer, got 5.0"),
        ({"vocabulary": {}}, "not the description of a vocabulary"),
        ({"vocabulary": None}, "not the description of a vocabulary"),
    ],
)
def test_a_header_that_is_wrong_but_whole_is_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    sound = path.read_bytes()
    length = int.from_bytes(sound[8:16], "little")
    header = json.loads(sound[PREFIX : PREFIX + length]) | changes
    encoded = json.dumps(header).encode().ljust(length)
    path.write_bytes(
        sound[:8] + len(encoded).to_bytes(8, "little") + hashlib.sha256(encoded).digest() + encoded + sound[-5:]
    )
    with pytest.raises(TokenFileError, match=message):
        TokenFile(path)


def test_the_message_says_which_part_is_damaged(path: Path) -> None:
    sound = path.read_bytes()
    no_json = b"{" * int.from_bytes(sound[8:16], "little")
    for damaged, message in (
        (b"\0" + sound[1:], "it does not start with the marker of one"),
        (sound[: PREFIX - 1], "it does not start with the marker of one"),
        (sound[:PREFIX] + b" " + sound[PREFIX + 1 :], "its header does not match its SHA-256"),
        (sound[:16] + hashlib.sha256(no_json).digest() + no_json + sound[-5:], "its header cannot be read: not JSON"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(TokenFileError, match=f"is not a valid token file: {message}"):
            TokenFile(path)


def test_a_token_file_is_told_from_a_text_by_how_it_starts(path: Path, tmp_path: Path) -> None:
    assert is_token_file(path)
    for number, start in enumerate([b"", b"CHARTOK", b"chartok\n", b" CHARTOK\n"]):
        (tmp_path / f"{number}.txt").write_bytes(start)
        assert not is_token_file(tmp_path / f"{number}.txt")


@pytest.mark.parametrize("length", [0, 101, 2**63])
def test_an_impossible_header_length_allocates_nothing(path: Path, length: int) -> None:
    path.write_bytes(b"CHARTOK\n" + length.to_bytes(8, "little") + bytes(32) + bytes(100))
    with pytest.raises(TokenFileError, match=f"impossible length, {length} bytes"):
        TokenFile(path)


def test_a_header_longer_than_any_vocabulary_needs_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    length = int.from_bytes(path.read_bytes()[8:16], "little")
    monkeypatch.setattr(chartok.token_file, "LONGEST", length)
    TokenFile(path).verify()
    monkeypatch.setattr(chartok.token_file, "LONGEST", length - 1)
    with pytest.raises(TokenFileError, match=f"impossible length, {length} bytes"):
        TokenFile(path)


@tells_open_files
def test_a_file_that_is_refused_is_closed(path: Path) -> None:
    sound = path.read_bytes()
    kept = []
    for damaged in (sound[:40], sound + b"\0"):
        path.write_bytes(damaged)
        with pytest.raises(TokenFileError) as caught:
            TokenFile(path)
        kept.append(caught)  # the half-made object lives as long as its traceback
    assert open_below(path.parent) == []


@given(vocabularies, st.lists(st.integers(0, 10**6)))
def test_the_layout_is_the_one_that_is_described(
    tmp_path_factory: pytest.TempPathFactory, vocabulary: Vocabulary, numbers: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "layout.tokens"
    ids = [number % vocabulary.size for number in numbers] if vocabulary.size else []
    content = write(path, ids, vocabulary).read_bytes()
    length = int.from_bytes(content[8:16], "little")
    header, stored = content[48 : 48 + length], content[48 + length :]
    dtype = vocabulary.dtype.newbyteorder("<")
    assert content[:8] == b"CHARTOK\n"
    assert content[16:48] == hashlib.sha256(header).digest()
    assert stored == np.array(ids, dtype=dtype).tobytes()
    assert json.loads(header) == {
        "version": 1,
        "dtype": dtype.str,
        "length": len(ids),
        "records": None,
        "sha256": hashlib.sha256(stored).hexdigest(),
        "vocabulary": vocabulary.to_dict(),
    }
    room_for_numbers = len(header) - len(header.rstrip()) + len(str(len(ids)))
    assert (48 + length) % 64 == 0
    assert 40 <= room_for_numbers < 40 + 65


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i8"])
def test_ids_are_stored_alike_however_they_lie_in_memory(tmp_path: Path, dtype: str) -> None:
    vocabulary = Vocabulary(map(chr, range(300)))
    with TokenFileWriter(tmp_path / "a.tokens", vocabulary) as writer:
        writer.write(np.array([299, 0, 1, 0, 258, 0], dtype=dtype)[::2])
    assert (tmp_path / "a.tokens").read_bytes().endswith(b"\x2b\x01\x01\x00\x02\x01")
    assert TokenFile(tmp_path / "a.tokens").read(0, 3).tolist() == [299, 1, 258]


def test_every_piece_of_a_long_file_is_verified(tmp_path: Path) -> None:
    ids = np.zeros((1 << 20) + 1, dtype=np.uint8)
    path = write(tmp_path / "long.tokens", ids, Vocabulary("ab"))
    TokenFile(path).verify()
    sound = path.read_bytes()
    for position in (-1, -2, -len(ids)):
        damaged = bytearray(sound)
        damaged[position] = 1
        path.write_bytes(damaged)
        with pytest.raises(TokenFileError, match=r"long\.tokens' is damaged"):
            TokenFile(path).verify()


def test_no_windows_are_an_empty_array(path: Path) -> None:
    with TokenFile(path) as tokens:
        assert tokens.windows(np.array([], dtype=np.int64), 3).shape == (0, 3)


def test_a_missing_file_and_a_folder_stay_os_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        TokenFile(tmp_path / "missing")
    with pytest.raises(OSError, match=r".") as caught:
        TokenFile(tmp_path)
    assert (caught.value.errno, caught.value.filename) == (errno.EISDIR, str(tmp_path))


def test_a_file_cut_short_while_in_use_is_an_error(path: Path) -> None:
    tokens = TokenFile(path)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(TokenFileError, match="replaced, removed or changed"):
        tokens.read(0, 5)
    with pytest.raises(TokenFileError, match="replaced, removed or changed"):
        tokens.windows(np.array([0]), 2)


def test_a_file_cut_short_between_the_check_and_the_reading_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = TokenFile(path)
    monkeypatch.setattr(chartok.files.fixed, "pread", lambda *_: b"")
    with pytest.raises(TokenFileError, match="replaced, removed or changed"):
        tokens.read(0, 5)
    with pytest.raises(TokenFileError, match="replaced, removed or changed"):
        tokens.windows(np.array([0]), 2)


def test_what_the_system_reads_in_several_calls_is_put_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TokenFile(path)
    monkeypatch.setattr(
        chartok.files.fixed, "pread", lambda descriptor, count, offset: os.pread(descriptor, min(count, 2), offset)
    )
    assert tokens.read(0, 5).tolist() == [0, 1, 2, 1, 0]
    assert tokens.windows([1, 0], 4).tolist() == [[1, 2, 1, 0], [0, 1, 2, 1]]
    assert tokens.spans(np.array([2, 0]), np.array([3, 1])).tolist() == [2, 1, 0, 0]


def test_a_file_stays_readable_when_the_program_changes_its_folder(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    tokens = TokenFile(path.name)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert tokens.read(0, 5).tolist() == [0, 1, 2, 1, 0]
    path.unlink()
    with pytest.raises(TokenFileError, match=f"'{path.name}' was replaced, removed or changed"):
        tokens.read(0, 5)


def test_the_repr_shows_the_file_and_its_length(path: Path) -> None:
    assert repr(TokenFile(path)) == f"TokenFile({os.fspath(path)!a}, 5 ids)"


def test_a_file_replaced_or_removed_while_in_use_is_an_error(path: Path) -> None:
    tokens = TokenFile(path)
    write(path, [0, 0, 0, 0, 0], tokens.vocabulary)
    with pytest.raises(TokenFileError, match="replaced, removed or changed"):
        tokens.windows(np.array([0]), 2)
    tokens = TokenFile(path)
    path.unlink()
    with pytest.raises(TokenFileError, match="replaced, removed or changed"):
        tokens.read(0, 1)


def test_a_copy_that_was_pickled_is_the_same_file_or_an_error(path: Path) -> None:
    tokens = TokenFile(path)
    pickled = pickle.dumps(tokens)
    assert pickle.loads(pickled).read(0, 5).tolist() == [0, 1, 2, 1, 0]  # noqa: S301 - our own bytes
    write(path, [0], tokens.vocabulary)
    with pytest.raises(TokenFileError, match="is not the file that was pickled"):
        pickle.loads(pickled)  # noqa: S301 - our own bytes


def test_a_closed_file_says_so(path: Path) -> None:
    tokens = TokenFile(path)
    tokens.close()
    tokens.close()
    with pytest.raises(ValueError, match="has been closed"):
        tokens.read(0, 1)


def test_a_full_disk_keeps_errno_and_the_old_file_and_leaves_nothing(path: Path) -> None:
    text = path.with_name("long.txt")
    text.write_bytes(b"ab" * 200_000)
    before = path.read_bytes()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"a\.tokens") as caught:
            encode_file(text, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["a.tokens", "long.txt"]


def test_a_very_large_file_is_read_in_little_memory(tmp_path: Path, path: Path) -> None:
    sparse = tmp_path / "sparse.tokens"
    length = 10**10
    sound = path.read_bytes()
    header_length = int.from_bytes(sound[8:16], "little")
    header = json.loads(sound[PREFIX : PREFIX + header_length]) | {"length": length}
    encoded = json.dumps(header).encode().ljust(header_length)
    sparse.write_bytes(sound[:8] + sound[8:16] + hashlib.sha256(encoded).digest() + encoded)
    os.truncate(sparse, PREFIX + header_length + length)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with TokenFile(sparse) as tokens:
        starts = np.random.default_rng(0).integers(0, length - 257, size=(200, 64))
        for row in starts:
            assert not tokens.windows(row, 257).any()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert shutil.disk_usage(tmp_path).free > 0
