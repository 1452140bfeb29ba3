"""One n-gram model of several, from Python and from the command line."""

import json
import math
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, GPTConfig, NGramLanguageModel, NGramTable
from charlm.cli.app import main
from charlm.models.gpt.model import GPT
from chartok import UnknownCharacterError, Vocabulary

RECORDS = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=8)
OTHERS = st.lists(st.text("abxyé", min_size=1, max_size=6), min_size=1, max_size=8)
CAT, DOG = "the cat sat on the mat. " * 60, "ein hund läuft über den hof. " * 60
HELD_OUT = "the cat sat on the hof. " * 12


def table_of(lm: CharLM) -> NGramTable:
    assert isinstance(lm.stored, NGramTable)
    return lm.stored


smoothings: Any = st.sampled_from(["learned", "kneser-ney"])


@given(RECORDS, OTHERS, OTHERS, st.tuples(*[st.integers(1, 4)] * 3), smoothings)
def test_a_merged_model_is_that_of_all_records(
    first: list[str], second: list[str], third: list[str], orders: tuple[int, int, int], smoothing: Any
) -> None:
    parts = [
        CharLM.fit(texts, order=order, smoothing=smoothing)
        for texts, order in zip((first, second, third), orders, strict=True)
    ]
    merged = parts[0].merge(*parts[1:])
    fitted = CharLM.fit([*first, *second, *third], order=min(orders), smoothing=smoothing)
    assert set(merged.vocabulary.symbols) == set(fitted.vocabulary.symbols)
    assert merged.settings["order"] == min(orders)
    assert table_of(merged).smoothing == smoothing
    texts = [*first, *second, *third, "abx", "q"]
    assert merged.score_samples(texts) == pytest.approx(fitted.score_samples(texts), abs=1e-9)
    assert reduce(CharLM.merge, parts).score_samples(texts) == pytest.approx(fitted.score_samples(texts), abs=1e-9)


def test_a_model_merged_with_itself_has_counted_all_twice() -> None:
    lm = CharLM.fit(CAT, order=3)
    assert np.array_equal(table_of(lm.merge(lm)).counts, 2 * table_of(lm).counts)


@given(st.text("abc", min_size=2), st.text("abxé", min_size=1), st.integers(1, 4))
def test_merged_models_of_texts_count_both_apart(first: str, second: str, order: int) -> None:
    parts = [CharLM.fit(text, order=order, smoothing="learned") for text in (first, second)]
    merged, updated = parts[0].merge(parts[1]), parts[0].update(second)
    assert merged.vocabulary == updated.vocabulary
    for name, array in table_of(updated).arrays().items():
        assert np.allclose(table_of(merged).arrays()[name], array, equal_nan=True)


def test_merged_and_interpolated_models_are_not_changed() -> None:
    cat, dog = CharLM.fit(CAT, order=3), CharLM.fit(DOG, order=4)
    before = [cat.score_samples([HELD_OUT]), dog.score_samples([HELD_OUT])]
    cat.merge(dog)
    cat.interpolate(dog, held_out=HELD_OUT)
    assert [cat.score_samples([HELD_OUT]), dog.score_samples([HELD_OUT])] == before
    assert "ä" not in cat.vocabulary


@pytest.mark.parametrize("weights", ["static", "by-context"])
def test_a_mixture_predicts_better_than_each_of_its_models(weights: Any) -> None:
    cat, dog = CharLM.fit(CAT, order=4), CharLM.fit(DOG, order=6)
    mixed = cat.interpolate(dog, held_out=HELD_OUT, weights=weights)
    assert set(mixed.vocabulary.symbols) == {*CAT, *DOG}
    assert mixed.settings["order"] == 6
    text = "the cat sat on the hof. the hund sat. "
    assert mixed.bits_per_character(text) < min(lm.bits_per_character(text) for lm in (cat, dog))
    assert mixed.validation_nats == pytest.approx(mixed.evaluate(HELD_OUT).nats_per_character, abs=0.05)
    total = sum(math.exp(mixed.score_samples([a + b])[0]) for a in mixed.vocabulary.symbols for b in "tqä")
    assert total < 1
    assert mixed.generate("the ", max_new_tokens=8, seed=1)


def test_a_mixture_of_records_ends_them_and_may_be_of_pruned_models(tmp_path: Path) -> None:
    names, places = CharLM.fit(["anna", "hanna", "johanna"] * 9, order=3), CharLM.fit(["rom", "oslo", "köln"] * 9)
    pruned = CharLM(NGramLanguageModel.of(table_of(names)).prune(2), names.vocabulary)
    mixed = pruned.interpolate(places, held_out={"anna": 30, "oslo": 10})
    mixed.save(tmp_path / "mixed.safetensors")
    loaded = CharLM.load(tmp_path / "mixed.safetensors")
    assert loaded.score_samples(["anna", "köln", "q"]).tolist() == mixed.score_samples(["anna", "köln", "q"]).tolist()
    assert mixed.score_samples(["anna"])[0] > mixed.score_samples(["köln"])[0] > mixed.score_samples(["aaaa"])[0]
    assert mixed.is_of_records
    with pytest.raises(ValueError, match=r"this model has no counts: it was pruned .*; interpolate the models"):
        mixed.merge(names)


def test_a_mixture_says_that_it_has_no_counts_because_it_was_interpolated() -> None:
    cat, dog = CharLM.fit(CAT, order=3), CharLM.fit(DOG, order=2)
    mixed = cat.interpolate(dog, held_out=HELD_OUT)
    changes: tuple[Any, ...] = (
        lambda: mixed.update(CAT),
        lambda: mixed.prune(2),
        lambda: mixed.merge(cat),
        lambda: cat.merge(mixed),
    )
    for change in changes:
        with pytest.raises(
            ValueError, match=r"^(this model|others\[0\]) has no counts: it was pruned or interpolated, "
        ):
            change()


def test_what_is_made_of_models_is_of_float32_like_what_is_fitted() -> None:
    exact = NGramTable.fit([0, 1, 2, 0, 1] * 30, vocab_size=4, order=3)
    lms = [CharLM(exact, Vocabulary("abc", special_tokens=["unk"])), CharLM.fit("cabab" * 30, order=3)]
    for lm in (lms[0].merge(lms[1]), lms[0].interpolate(lms[1], held_out="abcab" * 30)):
        assert table_of(lm).log_probabilities.dtype == table_of(lm).log_backoffs.dtype == np.float32
    assert table_of(lms[0]).log_backoffs.dtype == np.float64


def gpt() -> CharLM:
    vocabulary = Vocabulary("abc")
    return CharLM(GPT(GPTConfig(vocab_size=3, block_size=4, n_layers=1, n_heads=1, width=4)), vocabulary)


@pytest.mark.parametrize(
    ("others", "error", "message"),
    [
        ([], ValueError, "others is empty: give at least one other model"),
        (["model.safetensors"], TypeError, r"others\[0\] must be a CharLM, got str"),
        ([CharLM.fit(["ab"])], ValueError, r"this model is a model of text and others\[0\] one of records"),
        ([CharLM.fit("abab", "bigram")], ValueError, r"others\[0\] is a bigram, .* fit an n-gram model of order 2"),
        ([CharLM.fit("abab"), gpt()], ValueError, r"others\[1\] is a gpt, and only n-gram models are combined"),
    ],
    ids=str,
)
def test_what_cannot_be_combined_is_named(others: list[Any], error: type[Exception], message: str) -> None:
    lm = CharLM.fit(CAT, order=3)
    with pytest.raises(error, match=message):
        lm.merge(*others)
    with pytest.raises(error, match=message):
        lm.interpolate(*others, held_out=HELD_OUT)


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        ("the cat " * 5, "what is held out has 39 symbols that a model knows and can predict: give at least 100"),
        ("ш" * 500 + "ab", "what is held out has 2 symbols that .* predict, besides 499 that none knows: give"),
        (["the cat sat"] * 50, "the models are of a text, and what is held out is records"),
        ("", "held_out is empty"),
    ],
    ids=["short", "unknown", "records", "empty"],
)
def test_held_out_text_must_tell_something_of_the_models(held_out: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CharLM.fit(CAT, order=3).interpolate(CharLM.fit(DOG, order=3), held_out=held_out)


def test_weights_that_do_not_exist_and_characters_without_a_share_are_refused() -> None:
    cat = CharLM.fit(CAT, order=3)
    with pytest.raises(
        ValueError, match="weights must be one of by-context, static, got 'statik': did you mean static"
    ):
        cat.interpolate(cat, held_out=HELD_OUT, weights="statik")  # type: ignore[arg-type]  # the promise
    table = NGramTable.fit([0, 1] * 90, vocab_size=2, order=2)
    without_unk = CharLM(table, Vocabulary("ab"))
    with pytest.raises(UnknownCharacterError):
        without_unk.interpolate(without_unk, held_out="abc" * 90)


# ----------------------------------------------------------------------------------------------- on the command line


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text, order in (("cat", CAT, 3), ("dog", DOG, 4)):
        Path(f"{name}.txt").write_text(text, encoding="utf-8", newline="")
        assert main(["train", f"{name}.txt", "--order", str(order), "--smoothing", "learned", "--out", name]) == 0
    Path("dev.txt").write_text(HELD_OUT, encoding="utf-8", newline="")
    capsys.readouterr()
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    written = capsys.readouterr()
    return written.err if code else written.out


@pytest.mark.usefixtures("runs")
def test_models_are_merged_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "merge", "cat", "dog", "--out", "both.safetensors")
    assert "dog: its order is 4, of which the n-grams up to order 3 are taken" in shown
    assert "smoothed (learned)\nsaved to both.safetensors\n" in shown
    expected = CharLM.load("cat").merge(CharLM.load("dog")).score_samples([HELD_OUT])
    assert CharLM.load("both.safetensors").score_samples([HELD_OUT]).tolist() == expected.tolist()
    found = json.loads(said(capsys, "merge", "cat", "dog", "--out", "both.safetensors", "--json"))
    symbols = len({*CAT, *DOG})
    assert found == {"out": "both.safetensors", "order": 3, "n_grams": found["n_grams"], "symbols": symbols}


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("weights", ["static", "by-context"])
def test_models_are_interpolated_on_the_command_line(capsys: pytest.CaptureFixture[str], weights: Any) -> None:
    flags = ["--held-out", "dev.txt", "--out", "mixed.safetensors", "--weights", weights]
    shown = said(capsys, "interpolate", "cat", "dog", *flags)
    assert "held out: 287 symbols to predict\ncat: " in shown
    assert "saved to mixed.safetensors" in shown
    expected = CharLM.load("cat").interpolate(CharLM.load("dog"), held_out=HELD_OUT, weights=weights)
    loaded = CharLM.load("mixed.safetensors")
    assert loaded.score_samples([HELD_OUT]).tolist() == expected.score_samples([HELD_OUT]).tolist()
    found = json.loads(said(capsys, "interpolate", "cat", "dog", *flags, "--json"))
    assert [model["model"] for model in found["models"]] == ["cat", "dog"]
    assert sum(model["weight"] for model in found["models"]) == pytest.approx(1)
    assert found["bits_per_symbol"] < min(model["bits_per_symbol"] for model in found["models"])
    assert expected.validation_nats == pytest.approx(found["bits_per_symbol"] * math.log(2))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("merge cat --out x", 2, "give at least two models to combine, got 1"),
        ("merge --out x", 2, "merge needs MODEL: two or more"),
        ("merge cat dog", 2, "--out"),
        ("merge cat none --out x", 1, "none: No such file or directory"),
        ("merge cat dog.txt --out x", 1, "dog.txt"),
        ("merge cat/model.safetensors dog --out cat/model.safetensors", 1, "is both a source and the destination"),
        ("interpolate cat dog --out x", 2, "interpolate needs --held-out: text of the kind"),
        ("interpolate cat dog --held-out dev.txt --out dev.txt", 1, "is both a source and the destination"),
        ("interpolate cat dog --held-out none.txt --out x", 1, "none.txt: No such file or directory"),
        ("interpolate cat dog --held-out dev.txt --out x --weight static", 2, "did you mean --weights"),
        ("interpolate cat dog --held-out dev.txt --out x --records", 2, "interpolate has no flag --records"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said_in_one_line(
    runs: Path, capsys: pytest.CaptureFixture[str], arguments: str, code: int, message: str
) -> None:
    before = (runs / "cat" / "model.safetensors").read_bytes()
    shown = said(capsys, *arguments.split(), code=code)
    assert shown.count("\n") == 1
    assert message in shown
    assert not Path("x").exists()
    assert Path("dev.txt").read_text("utf-8") == HELD_OUT
    assert (runs / "cat" / "model.safetensors").read_bytes() == before
