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

from charlm import BigramLanguageModel, CharLM, NGramCounts, RecordDataset, evaluate, score
from charlm.cli.app import main
from charlm.recipes.corpus import Corpus
from charlm.recipes.dataset import dataset_of
from charlm.recipes.description import excerpt
from chartok import Vocabulary, encode_file

NAMES = ["anna", "hanna", "joanna", "susanna", "johanna"]

weighted = st.dictionaries(st.text("abc\u4e00", min_size=1, max_size=5), st.integers(1, 4), min_size=1, max_size=6)


def repeated(records: dict[str, int]) -> list[str]:
    return [record for record, count in records.items() for _ in range(count)]


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
    found = dataset_of(corpus, corpus.longest - 1)
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
        ("", ValueError, "source is empty: give at least one character"),
        ([], ValueError, "source is empty: give at least one record"),
        ({}, ValueError, "source is empty: give at least one record"),
        (["a", ""], ValueError, r"source\[1\] is empty: leave empty records out"),
        ({"a": 1, "": 2}, ValueError, r"source\[1\] is empty: leave empty records out"),
        (["a", 7], TypeError, r"source\[1\] must be a str, got int"),
        ({"a": 1, 7: 2}, TypeError, r"source\[1\] must be a str, got int"),
        (b"abc", TypeError, "source must be a text, a path, .* got bytes"),
        (7, TypeError, "source must be a text, a path, .* got int"),
        (None, TypeError, "source must be a text, a path, .* got NoneType"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CharLM.fit(source)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, " is empty: give at least one record"),
        (["a", 7], TypeError, r"\[1\] must be a str, got int"),
        ({"a": 0}, ValueError, r"\['a'\] must be at least 1, got 0"),
        ("ab", ValueError, " is one text, and its vocabulary has eos"),
        (3, TypeError, " must be a text, a path, an iterable of records, or a mapping"),
    ],
)
def test_what_is_held_out_is_named_as_its_argument(given: Any, error: type[Exception], message: str) -> None:
    """Not as the ``source`` beside it."""
    with pytest.raises(error, match="^validation" + message):
        CharLM.fit(NAMES, order=2, validation=given)
    lm = CharLM.fit(NAMES, order=2)
    with pytest.raises(error, match="^held_out" + message):
        lm.interpolate(lm, held_out=given)


def test_a_str_that_names_a_file_is_refused_and_told_what_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names.txt").write_text("anna\nhanna\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("names.txt", str(tmp_path / "names.txt")):
        with pytest.raises(ValueError, match="is the name of a file or a folder: ") as refused:
            CharLM.fit(name)
        assert f"use Path({name!a}) for the text in it; fit_file and update_file read files" in str(refused.value)
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
    assert read == [tmp_path / "text.txt"] * 2  # its first bytes say whether it is a token file


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
    decoded = [corpus.vocabulary.decode(part.joined()[0]) for part in (first, rest)]
    assert decoded == [text[:end], text[end:]]


@given(weighted.filter(lambda records: len(records) > 1), st.integers(0, 9))
def test_the_parts_of_records_have_each_once_with_what_it_counts(records: dict[str, int], seed: int) -> None:
    corpus = Corpus.of_records(records)
    parts = corpus.split(0.5, seed=seed)
    found: list[dict[str, int]] = []
    for part in parts:
        ids, lengths = part.joined()
        assert part.weights is not None
        each = [corpus.vocabulary.decode(record[1:-1]) for record in np.split(ids, np.cumsum(lengths)[:-1])]
        found.append(dict(zip(each, part.weights.tolist(), strict=True)))
        assert [record for record in records if record in found[-1]] == each
    first, rest = found
    assert first | rest == records
    assert not first.keys() & rest.keys()
    assert abs(sum(first.values()) - sum(records.values()) // 2) < max(records.values())


@given(weighted.filter(lambda records: len(records) > 1), st.integers(0, 9))
def test_a_record_that_counts_is_drawn_as_one_that_is_repeated(records: dict[str, int], seed: int) -> None:
    for part, of_repeated in zip(
        Corpus.of_records(records).split(0.5, seed=seed),
        Corpus.of_records(repeated(records)).split(0.5, seed=seed),
        strict=True,
    ):
        assert part.weights is not None
        counted = {(name,): int(weight) for name, weight in zip(texts_of(part), part.weights, strict=True)}
        assert counted == Counter((name,) for name in texts_of(of_repeated))


def texts_of(corpus: Corpus) -> list[str]:
    ids, lengths = corpus.joined()
    return [corpus.vocabulary.decode(text) for text in np.split(ids, np.cumsum(lengths)[:-1])]


TEXT = "".join(f"{number:06}" for number in range(5000))
"""Of 30,000 characters: each six, from a multiple of six on, occur once."""


@pytest.mark.parametrize("how", ["tail", "head", "random-blocks"])
@given(share=st.floats(0.05, 0.95), seed=st.integers(0, 9))
def test_what_is_held_out_of_a_text_is_its_end_its_beginning_or_blocks(how: Any, share: float, seed: int) -> None:
    corpus = Corpus.of_text(TEXT, ["unk"])
    first, held_out = corpus.split(share, how=how, seed=seed)
    pairs = sorted([*first.passages.pairs(), *held_out.passages.pairs()])
    assert [start for start, _ in pairs] == [0, *(stop for _, stop in pairs[:-1])]
    assert pairs[-1][1] == len(TEXT)
    assert texts_of(first) == [TEXT[start:stop] for start, stop in first.passages.pairs()]
    end = int(len(TEXT) * share)
    if how == "tail":
        assert texts_of(first) == [TEXT[:end]]
    elif how == "head":
        assert texts_of(first) == [TEXT[-end:]]
    else:
        blocks = math.ceil(len(TEXT) / min(4096, end, len(TEXT) - end))
        bounds = {number * len(TEXT) // blocks for number in range(blocks + 1)}
        assert all({*pair} <= bounds for pair in held_out.passages.pairs())
        assert abs(len(first) - end) <= len(TEXT) / blocks / 2 + 2
    again = corpus.split(share, how=how, seed=seed)
    assert [part.fingerprint() for part in (first, held_out)] == [part.fingerprint() for part in again]


@pytest.mark.parametrize("records", [False, True])
def test_a_text_has_one_fingerprint_wherever_it_is_read_from(tmp_path: Path, *, records: bool) -> None:
    corpus = Corpus.of_records(NAMES) if records else Corpus.of_text(TEXT, ["unk"])
    content = "".join(f"{name}\n" for name in NAMES) if records else TEXT
    (tmp_path / "text.txt").write_text(content, encoding="utf-8", newline="")
    with encode_file(tmp_path / "text.txt", tmp_path / "text.tokens", corpus.vocabulary, records=records) as tokens:
        on_disk = Corpus.of_tokens(tokens)
        assert on_disk.fingerprint() == corpus.fingerprint()
        halves = [source.split(0.6)[1].fingerprint() for source in (corpus, on_disk)]
    assert halves[0] == halves[1] != corpus.fingerprint()
    if not records:
        alone = Corpus.of_text(TEXT[int(0.6 * len(TEXT)) :], vocabulary=corpus.vocabulary)
        assert alone.fingerprint() == halves[0]


def test_other_seeds_hold_out_other_blocks() -> None:
    corpus = Corpus.of_text(TEXT, ["unk"])
    assert len({corpus.split(0.8, how="random-blocks", seed=seed)[1].fingerprint() for seed in range(20)}) > 5


@pytest.mark.parametrize("source", ["text", "token file"])
def test_no_window_and_no_n_gram_is_partly_in_a_held_out_block(tmp_path: Path, source: str) -> None:
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8")
    corpus = Corpus.of_text(TEXT)
    if source == "token file":
        corpus = Corpus.of_tokens(encode_file(tmp_path / "input.txt", tmp_path / "input.tokens"))
    parts = corpus.split(0.7, how="random-blocks", seed=3)
    assert min(len(part.passages.pairs()) for part in parts) > 1
    for part in parts:
        passages = [TEXT[start:stop] for start, stop in part.passages.pairs()]
        dataset = dataset_of(part, 12)
        windows = dataset.batch(torch.arange(len(dataset)), torch.device("cpu"))
        rows = torch.cat([windows[0], windows[1][:, -1:]], dim=1).numpy()
        decoded = [corpus.vocabulary.decode(row) for row in rows]
        assert decoded == [text[at : at + 13] for text in passages for at in range(len(text) - 12)]
        counted = NGramCounts.from_tokens(part, vocab_size=10, order=4)
        expected = NGramCounts.from_tokens(map(corpus.vocabulary.encode, passages), vocab_size=10, order=4)
        assert counted.keys.tolist() == expected.keys.tolist()
        assert counted.counts.tolist() == expected.counts.tolist()
        model = BigramLanguageModel(10, seed=1)
        scored = score(model, [corpus.vocabulary.encode(text) for text in passages])
        mean = -float(np.concatenate(scored).mean())
        for data in (part, dataset):
            assert evaluate(model, data).nats_per_character == pytest.approx(mean, rel=1e-6)


def test_the_parts_of_a_token_file_are_those_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("the quick brown fox", encoding="utf-8")
    with encode_file(tmp_path / "input.txt", tmp_path / "input.tokens") as tokens:
        first, rest = Corpus.of_tokens(tokens).split(0.5)
        decoded = [tokens.vocabulary.decode(part.joined()[0]) for part in (first, rest)]
        assert decoded == ["the quick", " brown fox"]
        assert (excerpt(rest), len(rest), rest.characters) == (" brown fox", 10, 10)


def test_an_excerpt_of_records_has_each_as_it_is() -> None:
    assert excerpt(Corpus.of_records([*NAMES, "two\nlines"])) == [*NAMES, "two\nlines"]
    assert Corpus.of_records(NAMES).characters == sum(map(len, NAMES))


def test_an_excerpt_is_short_however_long_the_records() -> None:
    assert 9_990 < sum(map(len, excerpt(Corpus.of_records(["a" * 100_000, "b"])))) <= 10_000
    assert excerpt(Corpus.of_records(["b"] * 5_000 + ["a"] * 5_000)) == ["b"] * 150 + ["a"] * 150
    several = excerpt(Corpus.of_records(["ab" * 300] * 400))
    assert several == ["ab" * 300] * 16


def test_a_text_whose_vocabulary_ends_records_is_no_text_to_train_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.txt").write_text("anna\nhanna\n" * 20, encoding="utf-8")
    encode_file("n.txt", "n.tok", special_tokens=["unk", "bos", "eos"])
    message = "'n.tok': this is one text, and its vocabulary has eos, which ends records"
    with pytest.raises(ValueError, match=message):
        CharLM.fit_file("n.tok")
    with pytest.raises(ValueError, match="one text, and its vocabulary has eos"):
        Corpus.of_text("anna", vocabulary=Vocabulary("an", special_tokens=["bos", "eos"]))
    assert main(["train", "n.tok"]) == 1
    assert message in capsys.readouterr().err
    for more in ([], ["--symbols", "nn"]):
        assert main(["prepare", "n.txt", "--out", "new.tok", "--special-tokens", "unk", "bos", "eos", *more]) == 1
        assert "eos ends records, and this is one text: give --records" in capsys.readouterr().err
    assert not Path("new.tok").exists()
    assert main(["prepare", "n.txt", "--records", "--out", "new.tok", "--special-tokens", "eos", "pad"]) == 0
    assert main(["train", "new.tok"]) == 0
