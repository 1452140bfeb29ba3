"""Whether a text is unusual, and where."""

import json
import math
import random
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import Calibration, CharLM, CheckpointCorruptError, UnusualSpan
from charlm.files.calibrating import write_calibration
from chartok import UnknownCharacterError, Vocabulary
from lively_gpt import TINY, lively


def log(n_lines: int, seed: int) -> list[str]:
    generator = random.Random(seed)  # noqa: S311 - made-up lines
    return [
        f"{generator.randrange(24):02}:{generator.randrange(60):02} "
        + generator.choice(["backup done", "GET /index 200", f"user {generator.randrange(999)} came"])
        for _ in range(n_lines)
    ]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return log(4000, 0)


@pytest.fixture(scope="module")
def of_records(lines: list[str]) -> CharLM:
    return CharLM.fit(lines[:2000], order=5).calibrate(lines[2000:])


@pytest.fixture(scope="module")
def of_text(lines: list[str]) -> CharLM:
    return CharLM.fit("\n".join(lines[:2000]), order=5).calibrate(lines[2000:])


@pytest.mark.parametrize("kind", ["of_records", "of_text"])
def test_unusual_lines_are_found_and_usual_ones_are_not(kind: str, request: pytest.FixtureRequest) -> None:
    lm: CharLM = request.getfixturevalue(kind)
    new = log(3000, 1)
    assert lm.is_unusual(new, 0.01).mean() == pytest.approx(0.01, abs=0.008)
    odd = ["Traceback (most recent call last):", "07:15 backup dome", "07:15 ERROR", "\u4e00", "07:15 GET /admin 200"]
    assert lm.is_unusual(odd, 0.01).all()
    assert (lm.p_values(odd) <= 0.01).all()


@pytest.mark.parametrize("kind", ["of_records", "of_text"])
def test_the_unusual_part_is_located_in_characters(kind: str, request: pytest.FixtureRequest) -> None:
    lm: CharLM = request.getfixturevalue(kind)
    text = "07:15 user \U0001f600\U0001f600 came"
    spans = lm.unusual_spans(text, 0.01)
    assert any(span.start <= 11 < span.end for span in spans)
    bits = lm.log_probabilities(text) / -math.log(2)
    for span in spans:
        assert span.text == text[span.start : span.end]
        assert 0 < span.p_value <= 0.01
        last = span.end + (span.bits > bits[span.start : span.end].sum() + 1e-9)  # the end of the record
        assert span.bits == pytest.approx(bits[span.start : last].sum())
    assert [span.start for span in spans] == sorted(span.start for span in spans)


def test_few_usual_lines_have_an_unusual_part(of_records: CharLM) -> None:
    with_any = [bool(of_records.unusual_spans(line, 0.02)) for line in log(1500, 2)]
    assert np.mean(with_any) == pytest.approx(0.02, abs=0.012)


def test_a_record_that_ends_too_early_has_a_span_at_its_end(of_records: CharLM) -> None:
    (span,) = of_records.unusual_spans("07:15 backup do", 0.01)
    assert (span.start, span.end, span.text) == (15, 15, "")


def test_spans_are_counted_in_characters_where_symbols_have_several() -> None:
    generator = random.Random(0)  # noqa: S311 - made-up formulas
    formulas = ["".join(generator.choices(["C", "Cl", "O", "(C)"], k=8)) for _ in range(1500)]
    lm = CharLM.fit(formulas[:700], order=3, symbols=["Cl"]).calibrate(formulas[700:])
    text = "ClCClCXYZOCl"
    spans = lm.unusual_spans(text, 0.01)
    assert spans
    assert all(text[span.start : span.end] == span.text for span in spans)
    assert any("X" in span.text for span in spans)


def test_calibrating_changes_nothing_but_the_calibration_and_returns_the_model(lines: list[str]) -> None:
    lm = CharLM.fit(lines[:2000], order=4)
    before = lm.score_samples(lines[:10])
    assert lm.calibration is None
    assert lm.calibrate(iter(lines[2000:])) is lm
    assert np.array_equal(lm.score_samples(lines[:10]), before)
    first = lm.calibration
    lm.calibrate(lines[3000:])
    assert lm.calibration is not first
    assert lm.calibration is not None
    assert lm.calibration.n_texts == 1000


def test_answers_are_the_same_after_a_file_and_compact_ones_keep_the_calibration(
    of_records: CharLM, tmp_path: Path
) -> None:
    new = [*log(50, 3), "odd", ""]
    of_records.save(tmp_path / "model")
    of_records.save(tmp_path / "compact", compact=True)
    again = CharLM.load(tmp_path / "model")
    assert np.array_equal(again.p_values(new), of_records.p_values(new))
    assert again.unusual_spans("07:15 backup dome") == of_records.unusual_spans("07:15 backup dome")
    assert CharLM.load(tmp_path / "compact").is_unusual(["07:15 backup dome", new[0]]).tolist() == [True, False]
    assert again.facts()["calibrated_on"] == 2000


def test_a_model_that_is_made_from_another_is_not_calibrated(of_records: CharLM) -> None:
    assert of_records.update(["new"]).calibration is None
    assert of_records.prune(2).calibration is None
    assert of_records.merge(of_records).calibration is None
    assert of_records.calibration is not None


@pytest.mark.filterwarnings("error")
def test_texts_that_the_model_has_counted_are_warned_of(lines: list[str]) -> None:
    lm = CharLM.fit(lines[:1500], order=7)
    lm.calibrate(lines[2000:])
    with pytest.warns(UserWarning, match=r"held_out_texts have 0 n-grams .* it has learned from most of them"):
        lm.calibrate(lines[:1000])
    with pytest.warns(UserWarning, match="has learned from most of them"):
        CharLM.fit("\n".join(lines[:1500]), order=7).calibrate(lines[:1000])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lm.prune(2).calibrate(lines[:1000])  # without counts, this cannot be told


@pytest.mark.parametrize("call", ["p_values", "is_unusual", "unusual_spans"])
def test_a_model_that_is_not_calibrated_says_what_to_do(call: str) -> None:
    lm = CharLM.fit(["ada", "eva"])
    with pytest.raises(ValueError, match=r"the model is not calibrated: call calibrate\(held_out_texts\)"):
        getattr(lm, call)("ada" if call == "unusual_spans" else ["ada"])


@pytest.mark.parametrize(("texts", "got"), [("abc", "a single str"), (b"abc", "bytes"), (5, "int")])
def test_several_texts_are_not_one(of_records: CharLM, texts: Any, got: str) -> None:
    with pytest.raises(TypeError, match=f"held_out_texts must be an iterable of str, got {got}"):
        of_records.calibrate(texts)
    for call in (of_records.p_values, of_records.is_unusual):
        with pytest.raises(TypeError, match=f"texts must be an iterable of str, got {got}"):
            call(texts)
    with pytest.raises(TypeError, match=r"texts\[1\] must be a str, got int"):
        of_records.p_values(["a", 5])  # type: ignore[list-item]  # the mistake under test
    with pytest.raises(TypeError, match="text must be a str, got list"):
        of_records.unusual_spans(["a"])  # type: ignore[arg-type]  # the mistake under test


def test_too_few_texts_say_how_many_are_needed(lines: list[str]) -> None:
    lm = CharLM.fit(lines[:2000], order=4)
    for texts in ([], ["ada"], [*map(str, range(19))]):
        with pytest.raises(ValueError, match=f"at least 20 texts with something to score, got {len(texts)}"):
            lm.calibrate(texts)
    assert lm.calibration is None
    lm.calibrate(lines[2000:2500])
    with pytest.raises(ValueError, match=r"false_alarm_rate 0\.001 takes at least 999 held-out texts, .* on 500"):
        lm.is_unusual(lines[:2])
    with pytest.raises(ValueError, match="takes at least 999"):
        lm.unusual_spans(lines[0])
    assert len(lm.p_values([])) == len(lm.is_unusual([], 0.01)) == 0


def test_an_empty_passage_is_usual_and_does_not_count_and_an_empty_record_is_judged(
    of_text: CharLM, of_records: CharLM, lines: list[str]
) -> None:
    assert of_text.p_values([""]).tolist() == [1.0]
    assert of_text.unusual_spans("") == []
    assert of_records.is_unusual([""]).tolist() == [True]
    copy = CharLM(of_text.stored, of_text.vocabulary).calibrate(["", *lines[2000:], ""])
    assert copy.calibration is not None
    assert copy.calibration.n_texts == 2000


def test_texts_that_are_all_the_same_or_of_the_same_length_do() -> None:
    lm = CharLM.fit(["ada", "eva", "ava"] * 5, order=3).calibrate(["ada"] * 30)
    assert lm.p_values(["ada", "eve"]).tolist() == [1.0, pytest.approx(1 / 31)]
    lm.calibrate(["ada", "eva", "ava"] * 10)
    assert lm.p_values(["ava"])[0] > 0.3


def test_an_unknown_character_is_unusual_or_refused() -> None:
    digits = [f"{number:03}" for number in range(1000)]
    lm = CharLM.fit(digits[::2], order=2).calibrate(digits[1::2])
    assert lm.is_unusual(["0\u4e001", "0\ud8001", "007"], 0.01).tolist() == [True, True, False]
    vocabulary = Vocabulary("0123456789", special_tokens=["bos", "eos"])
    strict = CharLM(CharLM.fit(digits[::2], "bigram").stored.resize(lm.vocabulary, vocabulary), vocabulary)
    strict.calibrate(digits[1::2])
    with pytest.raises(UnknownCharacterError):
        strict.p_values(["0\u4e001"])
    with pytest.raises(UnknownCharacterError):
        strict.calibrate(["0\u4e001"] * 30)


def test_a_transformer_is_calibrated_too(tmp_path: Path) -> None:
    vocabulary = Vocabulary("abcd", special_tokens=["bos", "eos", "unk"])
    lm = CharLM(lively(replace(TINY, vocab_size=7, block_size=6, context_only=(4,))), vocabulary)
    texts = lm.sample(300, unique=False, max_length=20, seed=1)
    lm.calibrate(texts[:200])
    assert lm.is_unusual(texts[200:], 0.05).mean() <= 0.15
    assert lm.is_unusual(["abcd" * 75], 0.05).tolist() == [True]
    lm.save(tmp_path / "gpt")
    assert np.array_equal(CharLM.load(tmp_path / "gpt").p_values(texts), lm.p_values(texts))
    write_calibration(tmp_path / "gpt", lm.calibrate(texts[:100]).calibration.to_dict())  # type: ignore[union-attr]  # just made
    assert np.array_equal(CharLM.load(tmp_path / "gpt").p_values(texts), lm.p_values(texts))


def test_a_likelihood_that_is_nan_names_the_text() -> None:
    vocabulary = Vocabulary("abcd", special_tokens=["bos", "eos", "unk"])
    model = lively(replace(TINY, vocab_size=7, block_size=6, context_only=(4,)))
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    with pytest.raises(ValueError, match=r"the likelihood of held_out_texts\[0\] is NaN"):
        CharLM(model, vocabulary).calibrate(["ab"] * 30)


def test_a_file_with_a_damaged_calibration_is_refused(of_records: CharLM, tmp_path: Path) -> None:
    assert of_records.calibration is not None
    sound = of_records.calibration.to_dict()
    of_records.save(tmp_path / "model")
    changes: list[dict[str, Any]] = [{"reference": None}, {"texts": {}}, {"usual": {"trend": 1}}, {"more": 1}]
    for change in changes:
        write_calibration(tmp_path / "model", sound | change)
        with pytest.raises(CheckpointCorruptError, match=r"'.*model' is not a valid model file: "):
            CharLM.load(tmp_path / "model")


def test_a_span_is_a_plain_value() -> None:
    span = UnusualSpan(start=1, end=2, text="a", bits=3.0, p_value=0.1)
    assert span == UnusualSpan(start=1, end=2, text="a", bits=3.0, p_value=0.1)


REPEATED = {
    "two lines": (["ping", "pong"] * 1000, ["ping", "pong"] * 600),
    "one line and another": (["ada", "ava", "eva"] * 10, ["ada"] * 29 + ["avaava"]),
    "few lines and another": ([f"{i % 7} ok" for i in range(300)], [*(f"{i % 7} ok" for i in range(300)), "boom!"]),
    "many the same": (["ok"] * 1000, ["ok"] * 5000 + ["error 5"]),
    "nothing but ends": (["anna", "bob"] * 50, [""] * 30),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_calibration_on_repeated_lines_is_read_back_as_it_was(name: str, tmp_path: Path) -> None:
    learned, held_out = REPEATED[name]
    with warnings.catch_warnings(action="ignore"):  # of lines that were learned
        lm = CharLM.fit(learned).calibrate(held_out)
    lm.save(tmp_path / "model")
    asked = [*dict.fromkeys(held_out), "something else", ""]
    found = lm.p_values(asked)
    assert found.tolist() == CharLM.load(tmp_path / "model").p_values(asked).tolist()
    assert found[0] > 0.5
    assert found[-2] <= 2 / (len(held_out) + 1) or name == "one line and another"


@given(st.lists(st.sampled_from(["a", "ab", "abc", "b" * 30, "zz?"]), min_size=20, max_size=300), st.integers(0, 9))
def test_any_calibration_on_a_few_different_lines_is_read_back(lines: list[str], seed: int) -> None:
    learned = random.Random(seed).choices(["a", "ab", "abc", "b" * 30], k=50)  # noqa: S311 - likewise
    with warnings.catch_warnings(action="ignore"):
        calibration = CharLM.fit(learned, order=3).calibrate(lines).calibration
    assert calibration is not None
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))).to_dict() == calibration.to_dict()


def test_a_mapping_whose_counts_would_be_ignored_is_refused() -> None:
    lm = CharLM.fit(["anna", "bob"] * 9)
    for call in (lm.calibrate, lm.score_samples, lm.evaluate, lm.bits_per_character):
        with pytest.raises(TypeError, match="got a mapping, whose values would be ignored"):
            call({"anna": 3})
