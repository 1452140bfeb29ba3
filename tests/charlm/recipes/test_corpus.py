import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, RecordDataset
from charlm.data.dataset import JoinedTexts
from charlm.recipes.corpus import Corpus, roles_of_text
from chartok import encode_file

NAMES = ["anna", "hanna", "joanna", "susanna", "johanna"]

weighted = st.dictionaries(st.text("abc\u4e00", min_size=1, max_size=5), st.integers(1, 4), min_size=1, max_size=6)


def repeated(records: dict[str, int]) -> list[str]:
    return [record for record, count in records.items() for _ in range(count)]


def joined(corpus: Corpus) -> JoinedTexts:
    (texts,) = corpus.parts(10**6)
    return texts


def tables(lm: CharLM) -> dict[str, Any]:
    stored: Any = lm.stored
    return {name: array.tolist() for name, array in stored.arrays().items()}


@pytest.mark.parametrize("family", ["ngram", "bigram"])
@given(weighted)
def test_how_often_a_record_counts_is_how_often_it_might_be_there(family: Any, records: dict[str, int]) -> None:
    found, expected = CharLM.fit(records, family), CharLM.fit(repeated(records), family)
    assert found.vocabulary == expected.vocabulary
    assert tables(found) == tables(expected)


@given(weighted)
def test_a_data_set_has_a_record_as_often_as_it_counts(records: dict[str, int]) -> None:
    corpus = Corpus.of_records(records)
    found = corpus.dataset(corpus.needed(64))
    expected = RecordDataset(repeated(records), corpus.vocabulary)
    assert isinstance(found, RecordDataset)
    assert len(found) == sum(records.values())
    assert found.block_size == expected.block_size
    assert found.fingerprint() == expected.fingerprint()
    everything, cpu = torch.arange(len(found)), torch.device("cpu")
    for ours, theirs in zip(found.batch(everything, cpu), expected.batch(everything, cpu), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (-1, ValueError, "must be at least 1, got -1"),
        (0, ValueError, "must be at least 1, got 0"),
        (math.nan, TypeError, "must be an integer, got float"),
        (math.inf, TypeError, "must be an integer, got float"),
        (2.0, TypeError, "must be an integer, got float"),
        ("3", TypeError, "must be an integer, got str"),
        (None, TypeError, "must be an integer, got NoneType"),
        (np.float64(1), TypeError, "must be an integer, got float64"),
    ],
)
@pytest.mark.parametrize("family", ["ngram", "bigram", "gpt"])
def test_a_record_counts_a_whole_number_of_times_and_the_one_that_does_not_is_named(
    family: Any, weight: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(f"source['j\\xf6'] {message}")):
        CharLM.fit({"anna": 2, "j\u00f6": weight, "hanna": -3}, family)


def test_a_number_of_numpy_counts_as_one() -> None:
    assert tables(CharLM.fit({"anna": np.int64(2)})) == tables(CharLM.fit(["anna", "anna"]))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("", ValueError, "text is empty: give at least one character to train on"),
        ([], ValueError, "source is empty: give at least one record to train on"),
        ({}, ValueError, "source is empty: give at least one record to train on"),
        (["a", ""], ValueError, r"source\[1\] is empty: leave empty records out"),
        ({"a": 1, "": 2}, ValueError, r"source\[1\] is empty: leave empty records out"),
        (["a", 7], TypeError, r"source\[1\] must be a str, got int"),
        ({"a": 1, 7: 2}, TypeError, r"source\[1\] must be a str, got int"),
        (b"abc", TypeError, "source must be a str, got bytes; decode the bytes first"),
        (7, TypeError, "source must be a str, got int"),
        (None, TypeError, "source must be a str, got NoneType"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CharLM.fit(source)


def test_a_str_that_names_a_file_is_refused_and_told_what_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names.txt").write_text("anna\nhanna\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("names.txt", str(tmp_path / "names.txt")):
        with pytest.raises(ValueError, match="is the name of a file or a folder: ") as refused:
            CharLM.fit(name)
        assert f"use Path({name!a}) or CharLM.fit_file({name!a})" in str(refused.value)
    assert CharLM.fit("names.txd").family == "ngram"  # no file: a text


def test_a_file_is_learned_from_as_its_text_is(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("anna\nhanna\n", encoding="utf-8", newline="")
    text = tables(CharLM.fit("anna\nhanna\n", order=3))
    assert tables(CharLM.fit(path, order=3)) == tables(CharLM.fit_file(path, order=3)) == text
    assert tables(CharLM.fit_file(str(path), order=3)) == text
    records = CharLM.fit_file(path, records=True, order=3)
    assert records.is_of_records
    assert tables(records) == tables(CharLM.fit(["anna", "hanna"], order=3))


@pytest.mark.parametrize("records", [False, True])
def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: bool) -> None:
    (tmp_path / "text.txt").write_bytes(b"one\ntwo\n")
    read, really_open = list[Path](), Path.open

    def noting(path: Path, *arguments: Any) -> Any:
        read.append(path)
        return really_open(path, *arguments)

    monkeypatch.setattr(Path, "open", noting)
    CharLM.fit_file(tmp_path / "text.txt", records=records)
    assert read == [tmp_path / "text.txt"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.txt"):
        for fit in (CharLM.fit, CharLM.fit_file):
            with pytest.raises(OSError) as failed:  # noqa: PT011 - which error depends on the system
                fit(path)
            assert failed.value.filename == str(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_parts_of_a_text_are_its_beginning_and_its_end(share: float) -> None:
    text = "the quick brown fox" * 9
    corpus = Corpus.of_text(text, ["unk"])
    first, rest = corpus.split(share)
    end = int(len(text) * share)
    decoded = [corpus.vocabulary.decode(joined(part).ids) for part in (first, rest)]
    assert decoded == [text[:end], text[end:]]


@given(weighted.filter(lambda records: len(records) > 1), st.integers(0, 9))
def test_the_parts_of_records_have_each_once_with_what_it_counts(records: dict[str, int], seed: int) -> None:
    corpus = Corpus.of_records(records)
    parts = corpus.split(0.5, seed=seed)
    assert [len(part) for part in parts] == [len(records) // 2, len(records) - len(records) // 2]
    found: Counter[str] = Counter()
    for part in parts:
        texts = joined(part)
        assert texts.weights is not None
        records_of_part = np.split(texts.ids, np.cumsum(texts.lengths)[:-1])
        for record, count in zip(records_of_part, texts.weights.tolist(), strict=True):
            found[corpus.vocabulary.decode(record[1:-1])] += count
    assert found == records


def test_the_parts_of_a_token_file_are_those_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("the quick brown fox", encoding="utf-8")
    with encode_file(tmp_path / "input.txt", tmp_path / "input.tokens") as tokens:
        first, rest = Corpus.of_tokens(tokens).split(0.5)
        decoded = [tokens.vocabulary.decode(joined(part).ids) for part in (first, rest)]
        assert decoded == ["the quick", " brown fox"]
        assert (rest.excerpt(), len(rest), rest.characters) == (" brown fox", 10, 10)


def test_an_excerpt_of_records_has_a_line_for_each() -> None:
    assert Corpus.of_records(NAMES).excerpt() == "\n".join(NAMES)
    assert Corpus.of_records(NAMES).characters == sum(map(len, NAMES))


def test_an_excerpt_is_short_however_long_the_records() -> None:
    assert Corpus.of_records(["b", "a" * 100_000]).excerpt() == "b\n" + "a" * 998


def test_a_model_that_counts_knows_the_start_of_a_text_and_one_that_is_trained_does_not() -> None:
    assert [roles_of_text(family) for family in ("ngram", "bigram", "trained-bigram", "gpt", "mixture")] == [
        ["bos", "unk"],
        ["bos", "unk"],
        ["unk"],
        ["unk"],
        ["unk"],
    ]
