"""Lines that are encoded a piece at a time are those that are cut one by one."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import UnknownCharacterError, Vocabulary
from chartok.files.lines import batched_lines
from chartok.record_lines import LineEncoder, unix_lines, vocabulary_of_lines
from strategies import costly

lines_in_pieces = st.lists(st.text("ab\n\r\ufeff\u4e2d", max_size=6), max_size=6)


def lines_of(pieces: list[str]) -> list[str]:
    return [line for lines in batched_lines(pieces) for line in lines]


def encoded(encoder: LineEncoder, pieces: list[str]) -> list[list[int]]:
    """Each record, from ``bos`` to ``eos``."""
    ids, ends, length = list[int](), [0], 0
    for some_ids, some_ends in encoder.encode(unix_lines(pieces)):
        ids += some_ids.tolist()
        ends += (some_ends + length).tolist()
        length += len(some_ids)
    assert ends[-1] == len(ids)
    return [ids[start:stop] for start, stop in pairwise(ends)]


@pytest.mark.parametrize("size", [4, 252, 254])
@costly()
@given(lines_in_pieces)
def test_records_are_the_lines_however_the_text_is_cut(size: int, pieces: list[str]) -> None:
    vocabulary = Vocabulary(
        ["a", "b", "\r", "\ufeff", "\u4e2d", *map(chr, range(0x5000, 0x5000 + size))], special_tokens=["bos", "eos"]
    )
    bos, eos = vocabulary.special_tokens["bos"], vocabulary.special_tokens["eos"]
    lines = lines_of(pieces)
    framed = [[bos, *vocabulary.encode(line).tolist(), eos] for line in lines]
    assert encoded(LineEncoder(vocabulary, blank_lines="keep", name="it"), pieces) == framed
    skipping = LineEncoder(vocabulary, name="it")
    assert encoded(skipping, pieces) == [record for record in framed if len(record) > 2]
    assert skipping.blank == lines.count("")
    strict = LineEncoder(vocabulary, blank_lines="error", name="it")
    if "" in lines:
        message = f"'it': line {lines.index('') + 1} is empty: leave empty lines out"
        with pytest.raises(ValueError, match=message):
            encoded(strict, pieces)
    else:
        assert encoded(strict, pieces) == framed


@costly()
@given(lines_in_pieces)
def test_a_character_without_an_id_is_named_with_its_line(pieces: list[str]) -> None:
    vocabulary = Vocabulary("a\r\ufeff\u4e2d", special_tokens=["bos", "eos", "unk"])
    lines = lines_of(pieces)
    number = next((number for number, line in enumerate(lines) if "b" in line), None)
    if number is None:
        encoded(LineEncoder(vocabulary, name="a.txt"), pieces)
        return
    with pytest.raises(UnknownCharacterError) as refused:
        encoded(LineEncoder(vocabulary, name="a.txt"), pieces)
    assert (refused.value.text_index, refused.value.position) == (number, lines[number].index("b"))
    assert f"line {number + 1} of 'a.txt'" in str(refused.value)
    bos, eos = vocabulary.special_tokens["bos"], vocabulary.special_tokens["eos"]
    expected = [[bos, *vocabulary.encode(line, "replace").tolist(), eos] for line in lines if line]
    assert encoded(LineEncoder(vocabulary, "replace", name="a.txt"), pieces) == expected
    expected = [[bos, *vocabulary.encode(line, "ignore").tolist(), eos] for line in lines if line]
    assert encoded(LineEncoder(vocabulary, "ignore", name="a.txt"), pieces) == expected


def test_a_line_end_that_is_a_symbol_of_the_vocabulary_still_ends_lines() -> None:
    vocabulary = Vocabulary("\nab", special_tokens=["bos", "eos"])
    assert encoded(LineEncoder(vocabulary, name="it"), ["a\nb"]) == [[3, 1, 4], [3, 2, 4]]


def test_the_vocabulary_of_lines_has_their_characters_and_special_tokens() -> None:
    found = vocabulary_of_lines(["ba\n", "\nac"], "it")
    assert found == Vocabulary("abc", special_tokens=["bos", "eos", "unk"])
    assert vocabulary_of_lines(["ba\n", "\nac"], "it", ["eos"], min_count=2) == Vocabulary("a", special_tokens=["eos"])
    with pytest.raises(ValueError, match="it: text is empty"):
        vocabulary_of_lines(["\n\n"], "it")


@pytest.mark.parametrize("blank_lines", ["drop", None, True])
def test_what_is_not_to_be_done_with_blank_lines_is_refused(blank_lines: Any) -> None:
    with pytest.raises(ValueError, match="blank_lines must be 'skip', 'keep' or 'error', got"):
        LineEncoder(Vocabulary("a", special_tokens=["bos", "eos"]), blank_lines=blank_lines, name="it")


def test_one_long_line_in_many_pieces_is_one_record() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["bos", "eos"])
    pieces = ["ab"] * 1000
    (record,) = encoded(LineEncoder(vocabulary, name="it"), pieces)
    assert np.array_equal(record, [2, *[0, 1] * 1000, 3])
