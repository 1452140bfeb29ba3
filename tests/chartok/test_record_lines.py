"""Records that are encoded a piece at a time are those that are read one by one."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chartok import ReadingSettings, SourceError, UnknownCharacterError, Vocabulary, read_records
from chartok.files.lines import batched_lines
from chartok.files.records import LONG
from chartok.record_lines import LinePiece, RecordEncoder, characters_of, record_pieces, unix_lines
from strategies import costly

files_in_pieces = st.lists(st.lists(st.text("ab\n\r\ufeff\u4e2d", max_size=6), max_size=5), max_size=3)


def lines_of(pieces: list[str]) -> list[str]:
    return [line for lines in batched_lines(pieces) for line in lines]


def encoded(encoder: RecordEncoder, files: list[list[str]]) -> list[list[int]]:
    """Each record, from ``bos`` to ``eos``."""
    return records_of(encoder, (LinePiece(t, f"{n}.txt") for n, pieces in enumerate(files) for t in unix_lines(pieces)))


def records_of(encoder: RecordEncoder, pieces: Any) -> list[list[int]]:
    ids, ends, length = list[int](), [0], 0
    for some_ids, some_ends in encoder.encode(pieces):
        ids += some_ids.tolist()
        ends += (some_ends + length).tolist()
        length += len(some_ids)
    assert ends[-1] == len(ids)
    return [ids[start:stop] for start, stop in pairwise(ends)]


@pytest.mark.parametrize("size", [4, 252, 254])
@costly()
@given(files_in_pieces)
def test_records_are_the_lines_however_the_text_is_cut(size: int, files: list[list[str]]) -> None:
    vocabulary = Vocabulary(
        ["a", "b", "\r", "\ufeff", "\u4e2d", *map(chr, range(0x5000, 0x5000 + size))], special_tokens=["bos", "eos"]
    )
    bos, eos = vocabulary.special_tokens["bos"], vocabulary.special_tokens["eos"]
    lines = [line for pieces in files for line in lines_of(pieces)]
    framed = [[bos, *vocabulary.encode(line).tolist(), eos] for line in lines]
    assert encoded(RecordEncoder(vocabulary, settings=ReadingSettings(blank_lines="keep")), files) == framed
    told: list[str] = []
    assert encoded(RecordEncoder(vocabulary, note=told.append), files) == [
        record for record in framed if len(record) > 2
    ]
    blank = lines.count("")
    assert told == [f"{blank} blank record{'s' * (blank > 1)} skipped"] * (blank > 0)
    strict = RecordEncoder(vocabulary, settings=ReadingSettings(blank_lines="error"))
    if not blank:
        assert encoded(strict, files) == framed
        return
    number, line = next((n, own.index("")) for n, own in enumerate(map(lines_of, files)) if "" in own)
    with pytest.raises(SourceError, match=f"^line {line + 1} of '{number}.txt' is blank: leave it out"):
        encoded(strict, files)


@costly()
@given(files_in_pieces)
@example([["aa", "ab"]])
def test_a_character_without_an_id_is_named_with_its_line(files: list[list[str]]) -> None:
    vocabulary = Vocabulary("a\r\ufeff\u4e2d", special_tokens=["bos", "eos", "unk"])
    found = [
        (number, line, text.index("b"))
        for number, pieces in enumerate(files)
        for line, text in enumerate(lines_of(pieces))
        if "b" in text
    ]
    if found:
        number, line, position = found[0]
        with pytest.raises(UnknownCharacterError) as refused:
            encoded(RecordEncoder(vocabulary), files)
        assert (refused.value.text_index, refused.value.position) == (line, position)
        assert f"line {line + 1} of '{number}.txt'" in str(refused.value)
    bos, eos = vocabulary.special_tokens["bos"], vocabulary.special_tokens["eos"]
    lines = [line for pieces in files for line in lines_of(pieces) if line]
    policies: tuple[Any, ...] = ("replace", "ignore")
    for errors in policies:
        expected = [[bos, *vocabulary.encode(line, errors).tolist(), eos] for line in lines]
        assert encoded(RecordEncoder(vocabulary, errors), files) == expected


@pytest.mark.parametrize("settings", [{}, {"delimiter": "--"}, {"column": "name"}], ids=str)
def test_records_of_every_kind_are_those_that_read_records_returns(tmp_path: Path, settings: dict[str, Any]) -> None:
    (tmp_path / "a.csv").write_text("name,x\r\nada--b,1\n\nbob,2", "utf-8")
    (tmp_path / "b.csv").write_text("name\neve\n", "utf-8")
    names = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    reading = ReadingSettings(**settings)
    texts = read_records(names, reading)
    vocabulary = Vocabulary.from_text(texts, special_tokens=["bos", "eos"])
    assert Vocabulary.from_text(characters_of(record_pieces(names, reading, print))).symbols == vocabulary.symbols
    records = records_of(RecordEncoder(vocabulary), record_pieces(names, reading, print))
    bos, eos = vocabulary.special_tokens["bos"], vocabulary.special_tokens["eos"]
    assert records == [[bos, *vocabulary.encode(text).tolist(), eos] for text in texts]
    if settings:
        with pytest.raises(UnknownCharacterError, match=r"texts\[0\]\[0\]|character"):
            records_of(
                RecordEncoder(Vocabulary("x", special_tokens=["bos", "eos"])), record_pieces(names, reading, print)
            )


def test_a_file_that_is_one_long_line_is_noted() -> None:
    told: list[str] = []
    encoder = RecordEncoder(Vocabulary("a", special_tokens=["bos", "eos"]), note=told.append)
    assert len(encoded(encoder, [["a" * LONG], ["a\n"]])) == 2
    assert told == ["the delimiter '\\n' never occurs in '0.txt', which is one record of 1,000,000 characters"]


@costly()
@given(st.lists(st.lists(st.text("Clab\n\r", max_size=6), max_size=5), max_size=3))
def test_symbols_of_several_characters_are_found_across_pieces_but_not_across_lines(files: list[list[str]]) -> None:
    vocabulary = Vocabulary(["C", "l", "Cl", "a", "b", "ab", "\r", "b\na"], special_tokens=["bos", "eos"])
    bos, eos = vocabulary.special_tokens["bos"], vocabulary.special_tokens["eos"]
    lines = [line for pieces in files for line in lines_of(pieces) if line]
    expected = [[bos, *vocabulary.encode(line).tolist(), eos] for line in lines]
    assert encoded(RecordEncoder(vocabulary), files) == expected


def test_a_line_end_that_is_a_symbol_of_the_vocabulary_still_ends_lines() -> None:
    vocabulary = Vocabulary("\nab", special_tokens=["bos", "eos"])
    assert encoded(RecordEncoder(vocabulary), [["a\nb"]]) == [[3, 1, 4], [3, 2, 4]]


def test_one_long_line_in_many_pieces_is_one_record() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["bos", "eos"])
    (record,) = encoded(RecordEncoder(vocabulary), [["ab"] * 1000])
    assert np.array_equal(record, [2, *[0, 1] * 1000, 3])
