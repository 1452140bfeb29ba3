"""Texts that are added to a model that counts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, NGramTable
from charlm.cli.app import main
from chartok import Vocabulary

RECORDS = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=8)
WITH_NEW = st.lists(st.text("abcxyé", min_size=1, max_size=6), min_size=1, max_size=8)


def table_of(lm: CharLM) -> NGramTable:
    assert isinstance(lm.stored, NGramTable)
    return lm.stored


@given(first=RECORDS, second=WITH_NEW, order=st.integers(1, 4))
def test_an_updated_model_is_that_of_all_records(first: list[str], second: list[str], order: int) -> None:
    updated = CharLM.fit(first, order=order).update(second)
    fitted = CharLM.fit(first + second, order=order)
    assert set(updated.vocabulary.symbols) == set(fitted.vocabulary.symbols)
    texts = [*first, *second, "abx", "q"]
    assert updated.score_samples(texts) == pytest.approx(fitted.score_samples(texts), abs=1e-9)


@given(first=st.text("abc", min_size=2), second=st.text("abxé", min_size=1), order=st.integers(1, 4))
def test_an_updated_model_of_texts_counts_both_apart(first: str, second: str, order: int) -> None:
    before = CharLM.fit(first, order=order)
    updated = before.update(second)
    vocabulary = updated.vocabulary
    assert np.array_equal(vocabulary.remap(before.vocabulary), np.arange(before.vocabulary.size))
    never = table_of(updated).context_only
    texts = [vocabulary.encode(text) for text in (first, second)]
    both = NGramTable.fit(texts, vocab_size=vocabulary.size, order=order, context_only=never)
    assert np.array_equal(table_of(updated).keys, both.keys)
    assert np.array_equal(table_of(updated).counts, both.counts)
    assert np.allclose(table_of(updated).log_probabilities, both.log_probabilities, equal_nan=True)


def test_the_model_that_is_updated_is_not_changed() -> None:
    lm = CharLM.fit("abcab" * 9, order=3)
    before, counts = lm.vocabulary, table_of(lm).counts.copy()
    lm.update("xyz" * 9)
    assert lm.vocabulary == before
    assert np.array_equal(table_of(lm).counts, counts)


def test_weights_of_records_are_added() -> None:
    updated = CharLM.fit({"ava": 3}, order=2).update({"emma": 2})
    fitted = CharLM.fit({"ava": 3, "emma": 2}, order=2)
    assert updated.score_samples(["ava", "emma"]) == pytest.approx(fitted.score_samples(["ava", "emma"]))


def test_a_model_that_is_a_module_is_updated_too() -> None:
    lm = CharLM.fit("abcab" * 9, order=3)
    expected = lm.update("xab" * 9).score_samples(["abx"])
    assert lm.model.family == "ngram"
    assert lm.update("xab" * 9).score_samples(["abx"]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("family", "why"),
    [("bigram", r"a bigram keeps no counts, only probabilities: fit an n-gram model of order 2")],
)
def test_a_model_without_counts_is_refused(family: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        CharLM.fit("abcab" * 9, family).update("xyz")


def test_a_setting_of_training_is_refused(tmp_path: Path) -> None:
    lm, of_training = CharLM.fit("abcab", order=3), dict[str, Any](order=2)
    (tmp_path / "new.txt").write_text("xyz", encoding="utf-8")
    ways: list[tuple[Any, Any]] = [(lm.update, "xyz"), (lm.update_file, tmp_path / "new.txt")]
    for update, source in ways:
        with pytest.raises(TypeError, match="there is no setting order"):
            update(source, **of_training)


def test_a_pruned_model_is_refused() -> None:
    lm = CharLM.fit("abcab" * 9, order=3)
    with pytest.raises(ValueError, match="has no counts"):
        CharLM(table_of(lm).prune(2), lm.vocabulary).update("xyz")


def test_what_is_added_is_of_the_same_kind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the model is one of text, and this is records"):
        CharLM.fit("abcab").update(["abc"])
    with pytest.raises(ValueError, match="eos"):
        CharLM.fit(["abc"]).update("abc")
    (tmp_path / "new.txt").write_text("abx\nxab\n", encoding="utf-8")
    updated = CharLM.fit(["abc"]).update_file(tmp_path / "new.txt")
    assert updated.score_samples(["abx"]) == pytest.approx(CharLM.fit(["abc", "abx", "xab"]).score_samples(["abx"]))


def test_a_command_updates_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.txt").write_text("anna\nhanna\n" * 9, encoding="utf-8")
    Path("new.txt").write_text("zoé\r\nanna\r\n", encoding="utf-8")
    assert main(["train", "old.txt", "--records", "--order", "3", "--out", "run"]) == 0
    run = Path("run/model.safetensors").read_bytes()
    capsys.readouterr()
    assert main(["update", "run", "new.txt", "--out", "next", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"run": "next", "family": "ngram", "symbols": 6, "new_symbols": 3}
    assert "new symbols: 3 ('o' 'z' '\\xe9')" in printed.err
    assert Path("run/model.safetensors").read_bytes() == run
    expected = CharLM.load("run").update(["zoé", "anna"])
    assert CharLM.load("next").score_samples(["zoé"]) == pytest.approx(expected.score_samples(["zoé"]))
    assert main(["report", "next"]) == 0
    assert main(["update", "run", "new.txt", "--out", "next"]) == 1
    assert "choose another --out" in capsys.readouterr().err


def test_a_token_file_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new.txt").write_text("xyab" * 9, encoding="utf-8")
    assert main(["prepare", "new.txt", "--out", "new.tokens"]) == 0
    lm = CharLM.fit("abcab" * 9, order=3)
    updated = lm.update(Path("new.tokens"))
    assert set(updated.vocabulary.symbols) == set("abcxy")
    assert updated.score_samples(["abxy"]) == pytest.approx(lm.update("xyab" * 9).score_samples(["abxy"]))


def test_a_vocabulary_of_another_model_is_no_obstacle() -> None:
    lm = CharLM.fit("abab" * 5, order=2)
    assert lm.update("Cl" * 9, symbols=["Cl"]).vocabulary.symbols[:3] == ("a", "b", "C")
    assert isinstance(lm.update("é" * 3).vocabulary, Vocabulary)
