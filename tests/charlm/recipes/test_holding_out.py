"""What is held out to calibrate a model is like what will come."""

from collections import Counter
from pathlib import Path

import pytest

from charlm.recipes.corpus import Corpus
from charlm.recipes.holding_out import split_as_they_come, texts_of
from chartok import TokenFile, Vocabulary, encode_file

RECORDS = [*(f"{number:03}" for number in range(500)), *["same"] * 500]


def test_records_that_are_the_same_land_on_both_sides_and_none_is_lost() -> None:
    corpus = Corpus.of_records(RECORDS)
    first, rest = split_as_they_come(corpus, 0.9, seed=0)
    assert (len(first), len(rest)) == (900, 100)
    parts = [*texts_of(first), *texts_of(rest)]
    assert Counter(parts) == Counter(RECORDS)
    assert 35 < Counter(texts_of(rest))["same"] < 65
    assert texts_of(split_as_they_come(corpus, 0.9, seed=0)[1]) == texts_of(rest)
    assert texts_of(split_as_they_come(corpus, 0.9, seed=1)[1]) != texts_of(rest)


def test_of_a_text_the_tail_is_held_out() -> None:
    corpus = Corpus.of_text("to be\nor not\n\n to be\r\nthat is\n" * 5)
    assert texts_of(corpus)[:4] == ["to be", "or not", " to be", "that is"]
    assert texts_of(split_as_they_come(corpus, 0.8, seed=0)[1]) == texts_of(corpus.split(0.8)[1])


def test_a_token_file_gives_its_texts_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ada\neva\nx\n")
    vocabulary = Vocabulary("adev", special_tokens=["bos", "eos", "unk"])
    encode_file(tmp_path / "a.txt", tmp_path / "a.tokens", vocabulary, records=True, errors="replace").close()
    with TokenFile(tmp_path / "a.tokens") as tokens:
        assert texts_of(Corpus.of_tokens(tokens)) == ["ada", "eva", "\ufffd"]


def test_records_with_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="records with counts do not come one by one"):
        split_as_they_come(Corpus.of_records({"ada": 5, "eva": 3}), 0.5, seed=0)


@pytest.mark.parametrize(("records", "share"), [(["a"], 0.5), (["a", "b"], 0.4)])
def test_no_part_may_be_empty(records: list[str], share: float) -> None:
    with pytest.raises(ValueError, match=f"a fraction of {share} of .* leaves a part empty: give more"):
        split_as_they_come(Corpus.of_records(records), share, seed=0)
    with pytest.raises(ValueError, match="train_fraction must be above 0 and below 1"):
        split_as_they_come(Corpus.of_records(RECORDS), 1.5, seed=0)
