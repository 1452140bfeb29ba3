"""Models of symbols that have several characters."""

import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, NGramLanguageModel, load_arpa, save_arpa
from charlm.cli.app import main
from charlm.data.framing import Framing
from charlm.models.ngram.table import NGramTable
from chartok import Vocabulary
from chartok.ragged import split_joined
from strategies import costly

MOLECULES = ["CCl", "BrCC", "ClCCl", "COCl", "BrCBr", "CCO"]
SYMBOLS = ["Cl", "Br"]


def model_of(texts: list[str], special: Any, order: int = 3) -> CharLM:
    """Returns a model of records, or of one text if there is no end."""
    vocabulary = Vocabulary.from_text(texts, symbols=SYMBOLS, special_tokens=special)
    framing = Framing(vocabulary)
    ids, lengths = framing.to_count(texts)
    return CharLM(fitted(split_joined(ids, lengths), vocabulary, order), vocabulary)


def fitted(texts: list[Any], vocabulary: Vocabulary, order: int) -> NGramTable:
    return NGramTable.fit(texts, vocab_size=vocabulary.size, order=order, context_only=Framing(vocabulary).context_only)


RECORDS = model_of(MOLECULES, {"pad": 0, "bos": 1, "eos": 2, "<mask>": 3, "unk": 4})


def test_scores_are_one_per_symbol_and_evaluations_in_both_units() -> None:
    scores = RECORDS.log_probabilities("CClBr")
    assert len(scores) == 4
    assert RECORDS.counts_of_symbols(["CClBr", ""]).tolist() == [4, 1]
    evaluation = RECORDS.evaluate("CClBr")
    assert (evaluation.symbols, evaluation.characters, evaluation.utf8_bytes) == (4, 6, 6)
    assert evaluation.bits_per_symbol == pytest.approx(-scores.mean() / math.log(2))
    assert evaluation.bits_per_character == pytest.approx(-scores.sum() / 6 / math.log(2))
    assert evaluation.perplexity == pytest.approx(math.exp(-scores.mean()))
    single = CharLM.fit("abcabc" * 9).evaluate("abc")
    assert single.bits_per_symbol == single.bits_per_character


def test_probabilities_of_all_strings_sum_to_at_most_one() -> None:
    alphabet = "CBlrO?"
    strings = ["".join(letters) for length in range(5) for letters in product(alphabet, repeat=length)]
    total = np.exp(RECORDS.score_samples(strings)).sum()
    assert 0.5 < total < 1


def test_what_comes_next_are_symbols() -> None:
    shares = dict(RECORDS.next_symbols("C", k=99))
    assert set(shares) == {*RECORDS.vocabulary.symbols, ""}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["Cl"] > shares["l"]


def test_a_surprise_is_shown_for_each_symbol() -> None:
    scored = RECORDS.inspect("CCl?", k=2)
    assert scored.symbols == ["C", "Cl", "?"]
    assert len(scored.bits) == len(scored.alternatives) == 4
    spans = list(scored.spans())
    assert [">C<" in spans[0], ">Cl<" in spans[1], ">?<" in spans[2], ">end<" in spans[3]] == [True] * 4


def test_special_tokens_without_a_role_are_never_predicted() -> None:
    framing = Framing(RECORDS.vocabulary)
    assert framing.context_only == (0, 1, 3)
    assert framing.symbol_ids() == list(range(5, RECORDS.vocabulary.size))
    with pytest.raises(ValueError, match="could predict special tokens"):
        CharLM(NGramLanguageModel(4, order=2), Vocabulary("abc", special_tokens=["<mask>"]))


@costly()
@given(seed=st.integers(0, 10_000), stop=st.lists(st.text(st.sampled_from("ClBrO"), min_size=1, max_size=3)))
def test_stop_strings_are_found_in_text_and_not_in_symbols(seed: int, stop: list[str]) -> None:
    whole = RECORDS.generate("C", seed=seed, max_new_tokens=12)[1:]
    ends = [(whole.find(string) + len(string), -len(string)) for string in stop if string in whole]
    expected = whole if not ends else whole[: min(ends)[0] + min(ends)[1]]
    assert RECORDS.generate("C", seed=seed, max_new_tokens=12, stop=stop) == "C" + expected
    assert "".join(RECORDS.stream("C", seed=seed, max_new_tokens=12, stop=stop)) == expected


def test_only_allowed_symbols_are_generated() -> None:
    texts = RECORDS.generate("", n_samples=20, allowed=["Cl", "O"], max_new_tokens=5)
    assert set("".join(texts).replace("Cl", "")) <= {"O"}
    assert any("Cl" in text for text in texts)
    assert set("".join(RECORDS.generate("", n_samples=20, allowed="ClO", max_new_tokens=5))) <= set("ClO")
    with pytest.raises(ValueError, match="allowed has no symbol"):
        RECORDS.generate("", allowed=["ClO"])


def test_lengths_of_records_are_in_characters() -> None:
    records = RECORDS.sample(5, min_length=4, max_length=6, unique=False)
    assert all(4 <= len(record) <= 6 for record in records)


def test_files_of_models_carry_symbols_and_names(tmp_path: Path) -> None:
    RECORDS.save(tmp_path / "model.safetensors")
    again = CharLM.load(tmp_path / "model.safetensors")
    assert again.vocabulary == RECORDS.vocabulary
    assert again.score_samples(MOLECULES).tolist() == RECORDS.score_samples(MOLECULES).tolist()
    assert again.facts()["special_tokens"] == ["pad", "bos", "eos", "<mask>", "unk"]


@given(st.permutations(["Cl", "C", "<s>", "a b", "\U0001f469\u200d\U0001f467", " ", "\ud800x", "<U+0041>"]))
def test_an_arpa_file_carries_symbols_and_names(tmp_path_factory: Any, symbols: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "model.arpa"
    special = {"<mask>": 0, "sep <U+0041>": 2, "unk": 5, "eos": 3, "bos": 11}
    vocabulary = Vocabulary(symbols, special_tokens=special)
    never = Framing(vocabulary).context_only
    texts = ["".join(symbols), "ClC"]
    ids, lengths = Framing(vocabulary).to_count(texts)
    table = fitted(split_joined(ids, lengths), vocabulary, 2)
    save_arpa(path, table, vocabulary)
    model, again = load_arpa(path)
    assert again == vocabulary
    assert set(model.context_only) == set(never)
    expected = CharLM(table, vocabulary).score_samples(texts)
    np.testing.assert_allclose(CharLM(model, again).score_samples(texts), expected, atol=1e-8)


def test_the_commands_take_symbols(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "molecules.txt"
    text.write_text("\n".join(MOLECULES * 20), encoding="utf-8")
    run = str(tmp_path / "run")
    assert main(["train", str(text), "--symbols", "Cl", "Br", "--out", run, "--order", "3"]) == 0
    assert CharLM.load(run).vocabulary.symbols[-2:] == ("Cl", "Br")
    assert main(["prepare", str(text), "--symbols", "Cl", "Br", "--out", str(tmp_path / "a.tokens")]) == 0
    capsys.readouterr()
    assert main(["evaluate", run, str(text), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["characters"] == len(text.read_text("utf-8"))
    assert found["symbols"] < found["characters"]
    assert found["bits_per_symbol"] > found["bits_per_character"]
    assert main(["train", str(tmp_path / "a.tokens"), "--symbols", "Cl"]) == 1
    assert "symbols" in capsys.readouterr().err


def test_a_model_is_fitted_with_symbols_of_several_characters(tmp_path: Path) -> None:
    records = ["CCl", "BrCC", "ClCCl"] * 5
    lm = CharLM.fit(records, symbols=["Cl", "Br"], order=3)
    assert {"Cl", "Br"} <= set(lm.vocabulary.symbols)
    (tmp_path / "a.txt").write_text("\n".join(records), encoding="utf-8")
    of_file = CharLM.fit_file(tmp_path / "a.txt", records=True, symbols=["Cl", "Br"], order=3)
    assert of_file.vocabulary == lm.vocabulary
    assert of_file.score_samples(records).tolist() == lm.score_samples(records).tolist()
    assert CharLM.fit("e\u0301e" * 9, unit="grapheme").vocabulary.symbols == ("e", "e\u0301")
