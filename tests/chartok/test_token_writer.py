"""Token files that a program writes a text at a time, and the files of records among them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import (
    TokenFile,
    TokenFileError,
    TokenFileWriter,
    TokenIdError,
    UnknownCharacterError,
    Vocabulary,
    encode_file,
    encode_texts,
)
from chartok.token_file import PREFIX
from strategies import any_text, costly

VOCABULARY = Vocabulary("abc", special_tokens=["bos", "eos", "unk"])
BOS, EOS = 3, 4


def records_of(tokens: TokenFile) -> list[list[int]]:
    assert tokens.records is not None
    starts, lengths = tokens.bounds_from(0, tokens.records)
    return [tokens.read(start, start + length).tolist() for start, length in zip(starts, lengths, strict=True)]


@costly()
@given(st.lists(st.text("abc", max_size=5)), st.data())
def test_records_are_what_was_appended_as_text_or_as_ids(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "appended.tokens"
    with TokenFileWriter(path, VOCABULARY, records=True) as writer:
        for text in texts:
            writer.append(text if data.draw(st.booleans()) else VOCABULARY.encode(text))
    with TokenFile(path) as tokens:
        tokens.verify()
        expected = [[BOS, *VOCABULARY.encode(text).tolist(), EOS] for text in texts]
        assert records_of(tokens) == expected
        places = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1)))) if texts else np.zeros(0)
        starts, lengths = tokens.bounds(places.astype(np.int64))
        assert tokens.spans(starts, lengths).tolist() == [i for place in places for i in expected[int(place)]]
        assert repr(tokens) == f"TokenFile({str(path)!a}, {len(tokens)} ids of {len(texts)} records)"


@costly()
@given(st.lists(any_text, max_size=6).filter(any), st.booleans())
def test_texts_become_the_same_file_from_a_list_or_an_iterator(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], records: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    roles: Any = ["bos", "eos", "unk"] if records else []
    vocabulary = Vocabulary.from_text(texts, special_tokens=roles)
    given_ways: list[tuple[Any, Any]] = [(texts, None), (iter(texts), None), (iter(texts), vocabulary)]
    found = []
    for number, (source, known) in enumerate(given_ways):
        with encode_texts(source, folder / f"{number}.tokens", known, records=records) as tokens:
            assert tokens.vocabulary == vocabulary
            assert (tokens.records is not None) == records
            found.append(Path(tokens.path).read_bytes())
            if records:
                assert [vocabulary.decode(record) for record in records_of(tokens)] == texts
            else:
                assert vocabulary.decode(tokens.read(0, len(tokens))) == "".join(texts)
    assert found[0] == found[1] == found[2]
    assert not list(folder.glob(".chartok-*")), "a temporary file is left"


@costly()
@given(st.lists(st.text("ab\u4e2d", min_size=1, max_size=4), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_the_lines_of_files_are_records(tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("one.txt", "two.txt"):
        (folder / name).write_bytes(end.join(lines).encode())
    vocabulary = Vocabulary.from_text(lines, special_tokens=["bos", "eos", "unk"])
    for known in (None, vocabulary):
        with encode_file([folder / "one.txt", folder / "two.txt"], folder / "a.tokens", known, records=True) as tokens:
            assert [vocabulary.decode(record) for record in records_of(tokens)] == lines * 2
            assert tokens.vocabulary == vocabulary


def test_a_file_of_text_says_that_it_has_no_records(tmp_path: Path) -> None:
    with encode_texts(["a", "b"], tmp_path / "a.tokens") as tokens:
        assert tokens.records is None
        with pytest.raises(TokenFileError, match="holds one text, not records"):
            tokens.bounds(np.array([0]))
        with pytest.raises(TokenFileError, match="holds one text, not records"):
            tokens.bounds_from(0, 1)


@pytest.mark.parametrize("places", [[-1], [2], [0, 5]])
def test_records_that_are_not_there_are_refused(tmp_path: Path, places: list[int]) -> None:
    with encode_texts(["a", "b"], tmp_path / "a.tokens", records=True) as tokens:
        with pytest.raises(IndexError, match=r"out of range: .* has 2 records"):
            tokens.bounds(np.array(places))
        with pytest.raises(IndexError, match="has 2 records"):
            tokens.bounds_from(1, 3)
        with pytest.raises(IndexError, match=r"spans are out of range: .* has 6 ids"):
            tokens.spans(np.array([5]), np.array([2]))


def rewritten(path: Path, offsets: list[int], **changes: Any) -> None:
    """Replaces where the records of a file begin, under a hash that is right."""
    content = path.read_bytes()
    length = int.from_bytes(content[8:16], "little")
    header = json.loads(content[PREFIX : PREFIX + length])
    ids = content[PREFIX + length :][: header["length"]]
    body = ids + np.array(offsets, dtype="<i8").tobytes()
    header |= {"sha256": hashlib.sha256(body).hexdigest()} | changes
    encoded = json.dumps(header).encode().ljust(length)
    path.write_bytes(content[:16] + hashlib.sha256(encoded).digest() + encoded + body)


@pytest.mark.parametrize(
    "offsets", [[0, 3, 7], [0, 3, 2**62], [0, -3, 6], [0, 7, 6], [0, 6, 6], [0, 5, 6], [-(2**63), 3, 6]]
)
def test_records_that_make_no_sense_are_refused_wherever_they_are_read(tmp_path: Path, offsets: list[int]) -> None:
    encode_texts(["a", "b"], tmp_path / "a.tokens", records=True).close()
    rewritten(tmp_path / "a.tokens", offsets)
    with TokenFile(tmp_path / "a.tokens") as tokens:
        for ask in (tokens.verify, lambda: tokens.bounds(np.array([0, 1])), lambda: tokens.bounds_from(0, 2)):
            with pytest.raises(TokenFileError, match="where its records begin makes no sense"):
                ask()


@pytest.mark.parametrize("offsets", [[1, 3, 6], [0, 3, 5]])
def test_ids_outside_all_records_are_found_by_verifying(tmp_path: Path, offsets: list[int]) -> None:
    encode_texts(["a", "b"], tmp_path / "a.tokens", records=True).close()
    rewritten(tmp_path / "a.tokens", offsets)
    with TokenFile(tmp_path / "a.tokens") as tokens, pytest.raises(TokenFileError, match="makes no sense"):
        tokens.verify()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"records": -1}, "its number of records must be null or a non-negative integer, got -1"),
        ({"records": 2.0}, "its number of records must be null or a non-negative integer, got 2.0"),
        ({"records": True}, "its number of records must be null or a non-negative integer, got True"),
        ({"records": 10**15}, "its ids take 30 bytes, not the 8000000000000014 recorded in its header"),
        ({"records": None}, "its ids take 30 bytes, not the 6 recorded in its header"),
        ({"vocabulary": Vocabulary("ab", special_tokens=["bos"]).to_dict()}, "its vocabulary has no eos token"),
    ],
)
def test_a_header_that_lies_about_records_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    encode_texts(["a", "b"], tmp_path / "a.tokens", records=True).close()
    rewritten(tmp_path / "a.tokens", [0, 3, 6], **changes)
    with pytest.raises(TokenFileError, match=message):
        TokenFile(tmp_path / "a.tokens")


def test_every_flipped_bit_of_where_records_begin_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.tokens"
    encode_texts(["a", "b"], path, records=True).close()
    sound = path.read_bytes()
    for position in range(8 * len(sound) - 8 * 30, 8 * len(sound)):
        damaged = bytearray(sound)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(TokenFileError, match=r"a\.tokens"):
            TokenFile(path).verify()


def test_the_writer_leaves_an_existing_file_alone_when_something_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.tokens"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), TokenFileWriter(path, VOCABULARY, records=True) as writer:
        writer.append("abc" * (1 // len(path.read_bytes()) // 0))
    with pytest.raises(UnknownCharacterError, match=r"texts\[1\]\[2\] is U\+0078"):
        encode_texts(["a", "abx"], path, VOCABULARY)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tokens"]


def test_texts_that_wait_behind_one_that_is_refused_never_go_missing_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "a.tokens"
    with (  # noqa: PT012 - the block goes on after the first error
        pytest.raises(UnknownCharacterError, match=r"texts\[1\]\[0\] is U\+0078"),
        TokenFileWriter(path, VOCABULARY, records=True) as writer,
    ):
        writer.append("ab")
        writer.append("x")
        with pytest.raises(UnknownCharacterError, match=r"texts\[1\]\[0\] is U\+0078"):
            writer.append([0])
        writer.append("c")
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ([6], TokenIdError, r"ids\[0\] is 6: this vocabulary has ids 0 to 5"),
        ([-1], TokenIdError, r"ids\[0\] is -1"),
        ([[0]], ValueError, r"must be one-dimensional, got shape \(1, 1\)"),
        (b"abc", TypeError, "text must be a str, got bytes; decode the bytes first"),
        ([0.5], TypeError, r"ids\[0\] must be an integer, got float"),
        (5, TypeError, "ids must be integers in an array or an iterable, got int"),
    ],
)
def test_what_is_neither_text_nor_ids_is_refused(
    tmp_path: Path, text: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message), TokenFileWriter(tmp_path / "a.tokens", VOCABULARY) as writer:
        writer.append(np.array(text) if text == [[0]] else text)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["bos", "eos"])
def test_records_need_a_start_and_an_end(tmp_path: Path, missing: str) -> None:
    vocabulary = Vocabulary("a", special_tokens=[role for role in ("bos", "eos") if role != missing])
    (tmp_path / "a.txt").write_text("a\n")
    for write in (
        lambda: TokenFileWriter(tmp_path / "a.tokens", vocabulary, records=True),
        lambda: encode_texts(["a"], tmp_path / "a.tokens", vocabulary, records=True),
        lambda: encode_file(tmp_path / "a.txt", tmp_path / "a.tokens", vocabulary, records=True),
    ):
        with pytest.raises(ValueError, match=f"records need a {missing} token"):
            write()


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("abc", TypeError, "texts must be an iterable of str, got a single str: put it in a list"),
        (5, TypeError, "texts must be an iterable of str, got int"),
        (["a", b"b"], TypeError, r"texts\[1\] must be a str, got bytes"),
        (iter(["a", 5]), TypeError, r"texts\[1\] must be a str, got int"),
        ([], ValueError, "texts: text is empty"),
        (["", ""], ValueError, "texts: text is empty"),
    ],
)
def test_what_is_no_texts_is_refused(tmp_path: Path, texts: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        encode_texts(texts, tmp_path / "a.tokens", records=True)
    assert not list(tmp_path.iterdir())


def test_an_iterator_is_read_once_and_never_held_whole(tmp_path: Path) -> None:
    held = 0

    def texts() -> Iterator[str]:
        nonlocal held
        for number in range(20_000):
            held += 1
            yield f"{number}"

    with encode_texts(texts(), tmp_path / "a.tokens", records=True) as tokens:
        assert (tokens.records, held) == (20_000, 20_000)


def test_a_vocabulary_that_is_none_and_an_unknown_policy_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="vocabulary must be a Vocabulary, got str"):
        TokenFileWriter(tmp_path / "a.tokens", "abc")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match="errors must be 'strict', 'replace' or 'ignore', got 'drop'"):
        TokenFileWriter(tmp_path / "a.tokens", VOCABULARY, errors="drop")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match="errors='replace' needs an unk token"):
        encode_texts(["a"], tmp_path / "a.tokens", Vocabulary("a"), errors="replace")


def test_a_writer_writes_within_its_block_and_one_file(tmp_path: Path) -> None:
    writer = TokenFileWriter(tmp_path / "a.tokens", VOCABULARY, records=True)
    for text in ("a", [0]):
        with pytest.raises(ValueError, match="the writer is not open: append and write within its with block"):
            writer.append(text)
    with pytest.raises(ValueError, match="the writer is not open"):
        writer.write([0], np.array([1]))
    with writer:
        writer.append("a")
    before = (tmp_path / "a.tokens").read_bytes()
    with pytest.raises(ValueError, match="not open"):
        writer.append("b")
    with pytest.raises(ValueError, match="a writer writes one file: make another one"), writer:
        pass
    assert (tmp_path / "a.tokens").read_bytes() == before


def test_what_is_written_as_it_is_comes_in_its_turn_and_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.tokens"
    with TokenFileWriter(path, VOCABULARY, records=True) as writer:
        writer.append("ab")
        writer.write([BOS, 1, EOS, BOS], np.array([3]))
        writer.write([0, EOS], np.array([2]))
        with pytest.raises(ValueError, match="have its start or its end among them"):
            writer.append([0, EOS])
        with pytest.raises(TokenIdError):
            writer.write([900], np.array([1]))
        with pytest.raises(ValueError, match="ends must ascend, from 1 to at most the 1 ids"):
            writer.write([0], np.array([2]))
        with pytest.raises(ValueError, match="ends are those of records"):
            writer.write([0])
    with TokenFile(path) as tokens:
        assert tokens.records == 3
        assert VOCABULARY.decode(tokens.read(0, len(tokens))) == "abba"
        assert tokens.read(0, len(tokens)).tolist() == [BOS, 0, 1, EOS, BOS, 1, EOS, BOS, 0, EOS]
    before = path.read_bytes()
    with (
        pytest.raises(ValueError, match="the last record has no end: 2 ids come after the last one"),
        TokenFileWriter(path, VOCABULARY, records=True) as writer,
    ):
        writer.write([BOS, 0], np.array([], dtype=np.int64))
    assert path.read_bytes() == before


@given(st.lists(any_text, min_size=1).filter(any))
def test_an_iterator_gives_the_file_that_a_list_gives(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    encode_texts(texts, folder / "list.tokens").close()
    encode_texts(iter(texts), folder / "iterator.tokens").close()
    assert (folder / "list.tokens").read_bytes() == (folder / "iterator.tokens").read_bytes()
