import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm import BigramLanguageModel, CharLM, Evaluation, classify
from chartok import UnknownCharacterError, Vocabulary
from strategies import any_text

TEXT = "the quick brown fox jumps over the lazy dog. " * 20
NAMES = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "amelia", "harper", "evelyn", "abigail"]
FAMILIES: list[Any] = ["ngram", "bigram"]

every_model = pytest.mark.parametrize(
    "lm",
    [CharLM.fit(source, family) for family in FAMILIES for source in (TEXT, NAMES)],
    ids=[f"{family} of {kind}" for family in FAMILIES for kind in ("text", "records")],
)


@every_model
@settings(max_examples=20)
@given(texts=st.lists(any_text | st.text("aeimno .", max_size=30)))
def test_texts_score_the_same_side_by_side_and_one_by_one(lm: CharLM, texts: list[str]) -> None:
    together = lm.score_samples(texts)
    assert together.shape == (len(texts),)
    for text, score in zip(texts, together, strict=True):
        characters = lm.log_probabilities(text)
        assert len(characters) == len(text) + lm.is_of_records
        assert (characters < 0).all()
        assert np.isfinite(characters).all()
        assert score == lm.score_samples([text])[0] == pytest.approx(characters.sum())


@every_model
def test_scores_are_the_probabilities_of_the_next_characters(lm: CharLM) -> None:
    text = "emma"
    for position, score in enumerate(lm.log_probabilities(text)[:4]):
        probabilities = dict(lm.next_characters(text[:position], k=100))
        assert math.log(probabilities[text[position]]) == pytest.approx(score, rel=1e-4)
        assert sum(probabilities.values()) <= 1 + 1e-6


def test_the_probabilities_of_all_short_records_and_their_ends_sum_to_less_than_one() -> None:
    lm = CharLM.fit(["ab", "b"], order=2)
    texts = ["", *"ab", *(a + b for a in "ab" for b in "ab")]
    total = np.exp(lm.score_samples(texts)).sum()
    assert 0.3 < total < 1


def test_an_empty_passage_is_certain_and_an_empty_record_is_not() -> None:
    assert CharLM.fit(TEXT).score_samples([""])[0] == 0
    assert CharLM.fit(NAMES).score_samples([""])[0] < 0
    assert CharLM.fit(TEXT).score_samples([]).shape == (0,)


def test_units_agree_and_bytes_are_those_of_utf_8() -> None:
    lm = CharLM.fit("na\u00efve caf\u00e9 \U0001f600 " * 9)
    text = "caf\u00e9 \U0001f600"
    evaluation = lm.evaluate(text)
    assert evaluation.nats == pytest.approx(-lm.log_probabilities(text).mean())
    assert lm.bits_per_character(text) == evaluation.bits_per_character == evaluation.nats / math.log(2)
    assert lm.perplexity(text) == evaluation.perplexity == math.exp(evaluation.nats)
    assert evaluation.bits_per_byte == pytest.approx(evaluation.bits_per_character * 6 / 10)
    with pytest.raises(ValueError, match="number of UTF-8 bytes is not known"):
        _ = Evaluation(nats=1.0, characters=1).bits_per_byte
    with pytest.raises(ValueError, match="text is empty"):
        lm.evaluate("")


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_character_is_rare_and_not_impossible(family: Any) -> None:
    lm = CharLM.fit(TEXT, family)
    known, unknown = lm.score_samples(["a", "\u4e00"])
    assert -math.inf < unknown < known
    plain = CharLM(Vocabulary("ab"), BigramLanguageModel(2))
    assert plain.score_samples(["ab"])[0] == pytest.approx(2 * math.log(1 / 2))
    with pytest.raises(UnknownCharacterError):
        plain.score_samples(["ax"])


@every_model
def test_what_is_generated_starts_with_the_prompt_and_the_seed_decides(lm: CharLM) -> None:
    text = lm.generate("a", max_new_tokens=30, seed=3)
    assert text.startswith("a")
    assert (
        text == lm.generate("a", max_new_tokens=30, seed=3) == "a" + "".join(lm.stream("a", max_new_tokens=30, seed=3))
    )
    assert len({lm.generate("", max_new_tokens=30, seed=seed) for seed in range(5)}) > 1
    assert len(text) == 31 or lm.is_of_records
    assert set(text) <= set(lm.vocabulary.characters)


def test_streaming_gives_characters_as_they_come() -> None:
    endless = CharLM.fit(TEXT).stream("the", max_new_tokens=10**9)
    assert len(list(islice(endless, 5))) == 5


@every_model
def test_a_model_comes_back_from_its_file(lm: CharLM, tmp_path: Path) -> None:
    lm.save(tmp_path / "model.safetensors")
    copy = CharLM.load(tmp_path / "model.safetensors")
    assert copy.vocabulary == lm.vocabulary
    assert np.array_equal(copy.score_samples(["emma", "fox"]), lm.score_samples(["emma", "fox"]))
    assert copy.generate("a", seed=1) == lm.generate("a", seed=1)
    assert repr(copy) == repr(lm)


def test_samples_keep_to_what_is_asked_of_them() -> None:
    lm = CharLM.fit(NAMES, order=3)
    names = lm.sample(8, prefix="a", min_length=3, max_length=7, exclude=NAMES, allowed="abeilmv", seed=1)
    assert len(set(names)) == 8
    for name in names:
        assert name.startswith("a")
        assert 3 <= len(name) <= 7
        assert name not in NAMES
        assert set(name) <= set("abeilmv")
    assert lm.sample(3, seed=2) == lm.sample(6, seed=2)[:3]
    assert lm.sample(3, seed=2) != lm.sample(3, seed=3)
    repeated = CharLM.fit(["ab"] * 50).sample(20, unique=False)
    assert len(set(repeated)) < len(repeated) == 20


def test_records_end_where_the_model_says() -> None:
    lm = CharLM.fit(["ab"] * 100)
    assert lm.generate(temperature=0) == "ab"
    assert lm.sample(1, temperature=0) == ["ab"]


def test_each_text_is_given_to_the_model_that_explains_it_best() -> None:
    models = {"fox": CharLM.fit(TEXT), "digits": CharLM.fit("0123456789 " * 50)}
    assert classify(models, ["the lazy", "789 012", "brown"]) == ["fox", "digits", "fox"]
    with pytest.raises(ValueError, match="models is empty"):
        classify({}, ["a"])


def test_a_path_is_a_file_a_str_a_text_and_anything_else_records(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_bytes(TEXT.encode())
    assert not CharLM.fit(tmp_path / "input.txt").is_of_records
    assert CharLM.fit(tmp_path / "input.txt").score_samples(["fox"]) == CharLM.fit(TEXT).score_samples(["fox"])
    assert CharLM.fit(iter(NAMES)).is_of_records


def test_a_text_model_scores_as_its_n_gram_does(shakespeare: str) -> None:
    cut = int(0.9 * len(shakespeare))
    lm = CharLM.fit(shakespeare[:cut], order=7)
    assert lm.evaluate(shakespeare[cut:]).nats == pytest.approx(1.5144, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CharLM.fit(""), ValueError, "nothing to learn from"),
        (lambda: CharLM.fit([]), ValueError, "nothing to learn from"),
        (lambda: CharLM.fit(["a", ""]), ValueError, "nothing to learn from"),
        (lambda: CharLM.fit([b"a"]), TypeError, "must be a str"),  # type: ignore[list-item]  # the promise under test
        (lambda: CharLM.fit("abc", "gru"), ValueError, "model must be"),  # type: ignore[arg-type]  # likewise
        (lambda: CharLM.fit("abc", order=0), ValueError, "order must be at least 1"),
        (lambda: CharLM.fit("abc", "bigram", smoothing=math.nan), ValueError, "smoothing"),
        (lambda: CharLM.fit("abc", "bigram", smoothing=-1), ValueError, "smoothing"),
        (lambda: CharLM.fit(Path("missing.txt")), FileNotFoundError, r"missing\.txt"),
        (lambda: CharLM(Vocabulary("ab"), BigramLanguageModel(3)), ValueError, "3 ids and the vocabulary 2"),
        (lambda: CharLM.fit(TEXT).score_samples("abc"), TypeError, "put it in a list"),
        (lambda: CharLM.fit(TEXT).next_characters("a", k=0), ValueError, "k must be at least 1"),
        (lambda: CharLM.fit(TEXT).generate(max_new_tokens=0), ValueError, "max_new_tokens"),
        (lambda: CharLM.fit(TEXT).generate(temperature=-1), ValueError, "temperature"),
        (lambda: CharLM.fit(TEXT).sample(1), ValueError, "model of text"),
        (lambda: CharLM.fit(NAMES).sample(0), ValueError, "n_samples"),
        (lambda: CharLM.fit(["ab"] * 9).sample(9, temperature=0), ValueError, "only 1 of 9 came up"),
        (lambda: CharLM.fit(NAMES).sample(1, prefix="ava", max_length=2), ValueError, "exceed max_length 2"),
        (lambda: CharLM.fit(NAMES).sample(1, min_length=9, max_length=8), ValueError, "exceed max_length 8"),
        (lambda: CharLM.fit(NAMES).sample(1, allowed="\u4e00"), ValueError, "allowed holds no character"),
        (lambda: CharLM.fit(NAMES).sample(1, allowed=""), ValueError, "allowed holds no character"),
    ],
)
def test_bad_input_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_short_text_is_enough_for_a_long_order() -> None:
    lm = CharLM.fit("ab", order=12)
    assert torch.isfinite(torch.tensor(lm.log_probabilities("abababababababab"))).all()


def test_an_unknown_character_of_a_prompt_is_refused() -> None:
    for call in (CharLM.fit(TEXT).generate, CharLM.fit(NAMES).generate):
        with pytest.raises(UnknownCharacterError):
            call("\u4e00")
