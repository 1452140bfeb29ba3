import json
import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import (
    GPT,
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    Evaluation,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextDataset,
    TrainerConfig,
    classify,
    load_arpa,
    load_model,
    save_arpa,
)
from charlm.data.framing import Framing
from charlm.generation.settings import SamplingSettings
from chartok import UnknownCharacterError, Vocabulary
from chartok.codepoints import CODE_POINTS
from lively_gpt import lively
from strategies import any_text, costly

TEXT = "the quick brown fox jumps over the lazy dog. " * 20
FLOAT32 = 1e-6
"""How far two sums of logarithms in float32, the precision of a counted ``CharLM``, may differ."""
NAMES = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "amelia", "harper", "evelyn", "abigail"]
FAMILIES: list[Any] = ["ngram", "bigram"]

every_model = pytest.mark.parametrize(
    "lm",
    [CharLM.fit(source, family) for family in FAMILIES for source in (TEXT, NAMES)],
    ids=[f"{family} of {kind}" for family in FAMILIES for kind in ("text", "records")],
)


@every_model
@costly(20)
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
@pytest.mark.parametrize("text", ["emma", "e\u4e00ma"])
def test_scores_are_the_probabilities_of_the_next_symbols_beside_those_of_unknown_ones(lm: CharLM, text: str) -> None:
    for position, score in enumerate(lm.log_probabilities(text)[: len(text)]):
        probabilities = dict(lm.next_symbols(text[:position], k=100))
        assert math.fsum(probabilities.values()) == pytest.approx(1, abs=1e-9)
        assert len(probabilities) == len(lm.vocabulary.symbols) + lm.is_of_records
        if text[position] in probabilities:
            share_of_known = 1 - share_of_unknown(lm, text[:position])
            assert probabilities[text[position]] * share_of_known == pytest.approx(math.exp(score), rel=FLOAT32)


def share_of_unknown(lm: CharLM, context: str) -> float:
    """Returns the probability that an unknown character comes next: that of one of them, times their number."""
    one = math.exp(lm.log_probabilities(context + "\U0010ffff")[len(context)])
    return one * (CODE_POINTS - len(lm.vocabulary.symbols))


MODELS_WITHOUT_A_START = [
    CharLM(BigramLanguageModel(7, seed=1), Vocabulary("abcdefg")),
    CharLM(lively(GPTConfig(vocab_size=7, block_size=4, n_layers=1, n_heads=1, width=8)), Vocabulary("abcdefg")),
]


@pytest.mark.parametrize("lm", [*MODELS_WITHOUT_A_START, CharLM.fit("abcdefg" * 9)], ids=repr)
@costly(20)
@given(context=st.text("abcdefg", max_size=12))
def test_the_likeliest_next_character_is_what_generate_would_add(lm: CharLM, context: str) -> None:
    [(character, _)] = lm.next_symbols(context, k=1)
    assert lm.generate(context, max_new_tokens=1, temperature=0) == context + character


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
    assert evaluation.nats_per_character == pytest.approx(-lm.log_probabilities(text).mean())
    assert lm.bits_per_character(text) == evaluation.bits_per_character == evaluation.nats_per_character / math.log(2)
    assert lm.perplexity(text) == evaluation.perplexity == math.exp(evaluation.nats_per_character)
    assert evaluation.bits_per_byte == pytest.approx(evaluation.bits_per_character * 6 / 10)
    with pytest.raises(ValueError, match="number of UTF-8 bytes is unknown"):
        _ = Evaluation(nats_per_character=1.0, characters=1).bits_per_byte
    with pytest.raises(ValueError, match="text is empty"):
        lm.evaluate("")


def test_the_end_of_a_record_is_a_character_of_one_byte() -> None:
    lm = CharLM.fit(NAMES)
    for text in ("", "emma"):
        evaluation = lm.evaluate(text)
        assert (evaluation.characters, evaluation.utf8_bytes) == (len(text) + 1, len(text) + 1)
        assert evaluation.bits_per_byte == evaluation.bits_per_character


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_character_is_rare_and_not_impossible(family: Any) -> None:
    lm = CharLM.fit(TEXT, family)
    known, unknown = lm.score_samples(["a", "\u4e00"])
    assert -math.inf < unknown < known
    plain = CharLM(BigramLanguageModel(2), Vocabulary("ab"))
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
    assert set(text) <= set(lm.vocabulary.symbols)


never_stops = pytest.mark.filterwarnings("ignore:the stop string .* never occurs:UserWarning")


@every_model
@never_stops
@costly(10)
@given(
    stop=st.lists(st.text("aeo ", min_size=1, max_size=3) | st.sampled_from(["the", "mia", "\u4e00"]), max_size=3),
    seed=st.integers(0, 50),
)
def test_a_text_ends_before_the_first_stop_string(lm: CharLM, stop: list[str], seed: int) -> None:
    whole = lm.generate("e", max_new_tokens=40, seed=seed)[1:]
    ends = [(whole.index(string) + len(string), -len(string)) for string in stop if string in whole]
    expected = whole[: sum(min(ends))] if ends else whole
    assert lm.generate("e", max_new_tokens=40, seed=seed, stop=stop) == "e" + expected
    assert "".join(lm.stream("e", max_new_tokens=40, seed=seed, stop=stop)) == expected


def test_a_penalty_counts_the_characters_of_the_text_and_not_what_it_goes_on_from() -> None:
    lm = CharLM(BigramLanguageModel(3), Vocabulary("abc"))
    chosen: Any = {"max_new_tokens": 1, "temperature": 0, "repetition_penalty": 2.0}
    assert lm.generate("", **chosen) == "".join(lm.stream("", **chosen)) == "a"
    assert lm.generate("a", **chosen) == "ab"
    records = CharLM(BigramLanguageModel(3), Vocabulary("ab", special_tokens=["eos"]))
    with torch.no_grad():
        records.model.get_parameter("table").copy_(torch.tensor([1.0, 0.9, 0.95]))
    assert records.sample(1, max_length=1, temperature=0, repetition_penalty=2.0) == ["a"]


@never_stops
def test_stop_strings_may_come_from_any_iterable() -> None:
    lm = CharLM.fit("abcabcabd" * 20, order=3)
    for generate in (lm.generate, lambda prompt, **chosen: prompt + "".join(lm.stream(prompt, **chosen))):
        assert generate("a", stop=(string for string in ["xx", "c"]), temperature=0) == "ab"


@never_stops
def test_a_stream_yields_no_character_that_a_stop_string_turns_out_to_include() -> None:
    lm = CharLM.fit("abcabd" * 50, order=6)
    stream = lm.stream("abd", stop=["bcabx", "cabd"], temperature=0)
    assert [next(stream), next(stream, None)] == ["a", "b"]
    assert next(stream, None) is None


@every_model
@never_stops
def test_several_texts_are_those_of_one_call_whatever_their_number(lm: CharLM) -> None:
    chosen: Any = {"max_new_tokens": 20, "seed": 3, "top_k": 5, "repetition_penalty": 1.1, "stop": ["ox"]}
    several = lm.generate("e", n_samples=7, **chosen)
    assert len(set(several)) > 1
    assert lm.generate("e", n_samples=3, **chosen) == several[:3]
    assert lm.generate("e", n_samples=1, **chosen) == several[:1] == [lm.generate("e", **chosen)]


@every_model
@costly(10)
@given(prompts=st.lists(st.text("aeimo", max_size=9), max_size=5), n_samples=st.none() | st.integers(1, 3))
def test_each_of_several_prompts_is_continued_as_alone(lm: CharLM, prompts: list[str], n_samples: int | None) -> None:
    chosen: Any = {"max_new_tokens": 12, "seed": 3, "repetition_penalty": 1.1, "stop": ["ae"], "n_samples": n_samples}
    texts, scores = lm.generate(prompts, return_scores=True, **chosen)
    alone = [lm.generate(prompt, return_scores=True, **chosen) for prompt in prompts]
    assert texts == [text for text, _ in alone]
    assert lm.generate(tuple(prompts), **chosen) == texts
    np.testing.assert_equal(scores, [own for _, own in alone])


def test_a_transformer_continues_short_and_long_and_empty_prompts_as_alone() -> None:
    vocabulary = Vocabulary("abcdef", special_tokens=["eos"])
    for lm in (*MODELS_WITHOUT_A_START, CharLM(lively(), vocabulary)):
        prompts = ["a", "abcdef", "", "fedcbafedcbafe"]
        together = lm.generate(prompts, max_new_tokens=25, seed=2)
        assert together == [lm.generate(prompt, max_new_tokens=25, seed=2) for prompt in prompts]


@every_model
@costly(20)
@given(
    prompt=st.text("aeim", min_size=1, max_size=6),
    seed=st.integers(0, 99),
    chosen=st.sampled_from([{}, {"temperature": 0.5, "top_k": 3}, {"allowed": "aeimn"}, {"repetition_penalty": 1.5}]),
    stop=st.lists(st.text("aeim", min_size=1, max_size=3), max_size=2),
)
def test_what_is_drawn_has_the_scores_of_the_text(
    lm: CharLM, prompt: str, seed: int, chosen: dict[str, Any], stop: list[str]
) -> None:
    text, scores = lm.generate(prompt, max_new_tokens=12, seed=seed, stop=stop, return_scores=True, **chosen)
    assert len(scores) - (len(text) - len(prompt)) in ((0, 1) if lm.is_of_records else (0,))
    np.testing.assert_allclose(scores, lm.log_probabilities(text)[len(prompt) :][: len(scores)], atol=FLOAT32)


def test_the_end_of_a_record_has_a_score_only_where_it_was_drawn() -> None:
    lm = CharLM.fit(["ab"] * 9, order=3)
    chosen: Any = {"temperature": 0, "return_scores": True}
    assert [len(lm.generate("", **chosen, **more)[1]) for more in ({}, {"stop": ["b"]}, {"max_new_tokens": 2})] == [
        3,
        1,
        2,
    ]
    records, scores = lm.sample(4, unique=False, prefix="a", temperature=3, return_scores=True)
    for record, own in zip(records, scores, strict=True):
        np.testing.assert_allclose(own, lm.log_probabilities(record)[1:], atol=FLOAT32)
    assert lm.sample(4, unique=False, prefix="a", temperature=3) == records


def test_a_symbol_that_a_stop_string_cuts_through_has_no_score() -> None:
    lm = CharLM.fit("C-Cl-" * 50, order=4, symbols=["Cl", "-C"])
    text, scores = lm.generate("C", stop=["l"], temperature=0, return_scores=True)
    assert text == "C-C"
    assert len(scores) == 1
    whole, scores = lm.generate("C", max_new_tokens=3, temperature=0, return_scores=True)
    assert len(scores) == 3
    np.testing.assert_allclose(scores, lm.log_probabilities(whole)[1:], atol=FLOAT32)


@every_model
def test_settings_shape_what_is_drawn(lm: CharLM) -> None:
    likeliest = lm.generate("e", max_new_tokens=20, temperature=0)
    for narrow in ({"top_k": 1}, {"top_p": 1e-9}):
        assert lm.generate("e", max_new_tokens=20, seed=1, **narrow) == likeliest
        assert "e" + "".join(lm.stream("e", max_new_tokens=20, **narrow)) == likeliest
    few = "".join(lm.generate("i", n_samples=9, max_new_tokens=20, allowed="aeo\u4e00"))
    assert set(few) <= set("iaeo")
    assert set("".join(lm.stream("i", max_new_tokens=20, allowed="ae"))) <= set("ae")


def test_without_a_start_an_empty_prompt_stands_for_the_first_character() -> None:
    vocabulary = Vocabulary("ab")
    lm = CharLM(BigramLanguageModel(2).fit([0, 1, 0, 1, 1, 1], smoothing=0), vocabulary)
    assert lm.generate(max_new_tokens=1, seed=1) == "b"


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


def test_a_record_does_not_depend_on_how_many_are_tried_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = CharLM.fit(NAMES, order=3)
    chosen: Any = {"min_length": 3, "max_length": 7, "exclude": NAMES, "top_p": 0.95, "temperature": 1.2, "seed": 5}
    together = lm.sample(20, **chosen)
    for tries_at_once in (1, 3):
        monkeypatch.setattr("charlm.generation.records.TRIES_AT_ONCE", tries_at_once)
        assert lm.sample(20, **chosen) == together


def test_a_seed_makes_the_same_records_in_every_version() -> None:
    assert CharLM.fit(NAMES, order=3, smoothing="kneser-ney").sample(4, seed=2) == [
        "salyn",
        "iseshvi",
        "ba",
        "olilileivieihlia",
    ]


def test_the_settings_of_records_are_those_of_texts() -> None:
    lm = CharLM.fit(NAMES, order=3)
    assert len(set(lm.sample(20, unique=False, top_k=1))) == 1
    assert len(set(lm.sample(20, unique=False, min_p=1))) == 1
    assert len(set(lm.sample(20, unique=False, top_p=0.01))) == 1
    for name in lm.sample(20, unique=False, repetition_penalty=500.0, max_length=7):
        assert len(set(name)) == len(name)


def test_records_end_where_the_model_says() -> None:
    lm = CharLM.fit(["ab"] * 100)
    assert lm.generate(temperature=0) == "ab"
    assert lm.sample(1, temperature=0) == ["ab"]


def test_each_text_is_given_to_the_model_that_explains_it_best() -> None:
    models = {"fox": CharLM.fit(TEXT), "digits": CharLM.fit("0123456789 " * 50)}
    assert classify(models, ["the lazy", "789 012", "brown"]) == ["fox", "digits", "fox"]
    with pytest.raises(ValueError, match="models is empty"):
        classify({}, ["a"])


def unsound() -> CharLM:
    """A model that gives NaN after each character but the first of its alphabet."""
    model = lively(GPTConfig(vocab_size=3, block_size=8, n_layers=1, n_heads=1, width=4, hash_rows=0))
    with torch.no_grad():
        model.embedding.weight[1:] = math.nan
    return CharLM(model, Vocabulary("abc"))


@pytest.mark.parametrize("names", ["sound unsound", "unsound sound"])
def test_a_likelihood_that_is_no_number_is_never_the_best(names: str) -> None:
    of_name = {"sound": CharLM.fit("abcabc" * 9), "unsound": unsound()}
    models = {name: of_name[name] for name in names.split()}
    with pytest.raises(ValueError, match=r"the likelihood of texts\[1\] under models\['unsound'\] is NaN"):
        classify(models, ["a", "bc", "cb"])


def test_a_text_that_is_impossible_under_one_model_is_given_to_another() -> None:
    strict = CharLM.fit("ab" * 9, "bigram", smoothing=0)
    assert classify({"strict": strict, "any": CharLM.fit("abab" * 9)}, ["aab", "ab"]) == ["any", "strict"]


def test_no_character_is_the_likeliest_where_there_is_no_number() -> None:
    lm = unsound()
    assert len(lm.next_symbols("a")) == 3
    with pytest.raises(ValueError, match=r"there is no likeliest id: .* or a logit is NaN"):
        lm.next_symbols("ab")
    with pytest.raises(ValueError, match="there is no likeliest id"):
        lm.inspect("abc")
    with pytest.raises(ValueError, match="there is no id to draw"):
        lm.generate("ab", max_new_tokens=1)
    assert np.isnan(lm.score_samples(["abc"])).all()


@pytest.mark.parametrize("family", ["ngram", "bigram", "trained-bigram", "gpt", "mixture"])
def test_a_fitted_model_is_in_evaluation_mode(family: Any) -> None:
    trained: dict[str, Any] = (
        {} if family in FAMILIES else {"config": TrainerConfig(max_steps=2), "block_size": 8, "device": "cpu"}
    )
    lm = CharLM.fit(TEXT * 2, family, **trained)
    assert not any(module.training for module in lm.model.modules())


def test_a_path_is_a_file_a_str_a_text_and_anything_else_records(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_bytes(TEXT.encode())
    assert not CharLM.fit(tmp_path / "input.txt").is_of_records
    assert CharLM.fit(tmp_path / "input.txt").score_samples(["fox"]) == CharLM.fit(TEXT).score_samples(["fox"])
    assert CharLM.fit(iter(NAMES)).is_of_records


def test_a_text_model_scores_as_its_n_gram_does(shakespeare: str) -> None:
    cut = int(0.9 * len(shakespeare))
    classic, learned = (CharLM.fit(shakespeare[:cut], order=7, smoothing=own) for own in ("kneser-ney", "learned"))
    assert classic.evaluate(shakespeare[cut:]).nats_per_character == pytest.approx(1.5144, abs=1e-3)
    assert learned.evaluate(shakespeare[cut:]).nats_per_character == pytest.approx(1.4857, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CharLM.fit(""), ValueError, "source is empty"),
        (lambda: CharLM.fit([]), ValueError, "source is empty"),
        (lambda: CharLM.fit(["a", ""]), ValueError, r"source\[1\] is empty: leave empty records out"),
        (lambda: CharLM.fit([b"a"]), TypeError, r"source\[0\] must be a str, got bytes; decode"),  # type: ignore[list-item]  # the promise under test
        (lambda: CharLM.fit(b"abc"), TypeError, "source must be a text, .* got bytes"),  # type: ignore[arg-type]  # likewise
        (lambda: CharLM.fit(5), TypeError, "source must be a text, .* got int"),  # type: ignore[arg-type]  # likewise
        (lambda: CharLM.fit("abc", "gru"), ValueError, "model must be"),  # type: ignore[arg-type]  # likewise
        (lambda: CharLM.fit("abc", order=0), ValueError, "order must be at least 1"),
        (lambda: CharLM.fit("abc", "bigram", smoothing=math.nan), ValueError, "smoothing"),
        (lambda: CharLM.fit("abc", "bigram", smoothing=-1), ValueError, "smoothing"),
        (lambda: CharLM.fit(Path("missing.txt")), FileNotFoundError, r"missing\.txt"),
        (lambda: CharLM(BigramLanguageModel(3), Vocabulary("ab")), ValueError, "as many ids as the model, 3, got 2"),
        (
            lambda: CharLM(Vocabulary("ab"), BigramLanguageModel(2)),  # type: ignore[arg-type]  # likewise
            TypeError,
            "LanguageModel or a count model, got Vocabulary",
        ),
        (lambda: CharLM.fit(TEXT).evaluate(5), TypeError, "text must be a str or an iterable of str, got int"),  # type: ignore[arg-type]  # likewise
        (lambda: CharLM.fit(TEXT).score_samples("abc"), TypeError, "put it in a list"),
        (lambda: classify({"fox": CharLM.fit(TEXT)}, "abc"), TypeError, "put it in a list"),
        (lambda: CharLM.fit(TEXT).next_symbols("a", k=0), ValueError, "k must be at least 1"),
        (lambda: CharLM.fit(TEXT).generate(max_new_tokens=0), ValueError, "max_new_tokens"),
        (lambda: CharLM.fit(TEXT).generate(temperature=-1), ValueError, "temperature"),
        (lambda: CharLM.fit(TEXT).generate(top_k=0), ValueError, "top_k"),
        (lambda: CharLM.fit(TEXT).generate(top_p=0), ValueError, "top_p"),
        (lambda: CharLM.fit(TEXT).generate(min_p=2), ValueError, "min_p"),
        (lambda: CharLM.fit(TEXT).generate(repetition_penalty=0), ValueError, "repetition_penalty"),
        (lambda: CharLM.fit(TEXT).generate(n_samples=0), ValueError, "n_samples"),
        (lambda: CharLM.fit(TEXT).generate(["a", "\u4e00"]), UnknownCharacterError, r"^prompt\[1\]\[0\] is U\+4E00"),
        (lambda: CharLM.fit(TEXT).generate("a\u4e00"), UnknownCharacterError, r"^prompt\[1\] is U\+4E00"),
        (
            lambda: CharLM(BigramLanguageModel(2), Vocabulary("ab")).next_symbols("\u4e00"),
            UnknownCharacterError,
            r"^context\[0\] is U\+4E00",
        ),
        (lambda: CharLM.fit(TEXT).next_symbols(5), TypeError, "^context must be a str, got int"),  # type: ignore[arg-type]  # likewise
        (lambda: CharLM.fit(TEXT).generate(["a", 3]), TypeError, r"prompt\[1\] must be a str, got int"),  # type: ignore[list-item]  # likewise
        (lambda: CharLM.fit(TEXT).generate({"a"}), TypeError, "prompt must be a str, got set, or a list of several"),  # type: ignore[call-overload]  # likewise
        (lambda: CharLM.fit(TEXT).generate(3), TypeError, "prompt must be a str, got int, or a list"),  # type: ignore[call-overload]  # likewise
        (lambda: CharLM.fit(TEXT).stream(["a"]), TypeError, "^prompt must be a str, got list: stream continues one"),  # type: ignore[arg-type]  # likewise
        (lambda: CharLM.fit(TEXT).generate(return_scores=1), TypeError, "return_scores must be True or False"),  # type: ignore[call-overload]  # likewise
        (lambda: CharLM.fit(NAMES).sample(1, return_scores="no"), TypeError, "return_scores must be True or False"),  # type: ignore[call-overload]  # likewise
        (lambda: CharLM.fit(TEXT).generate(seed=0.5), TypeError, "seed"),  # type: ignore[call-overload]  # likewise
        (lambda: CharLM.fit(TEXT).generate(stop=["a", ""]), ValueError, "stop contains an empty string"),
        (lambda: CharLM.fit(TEXT).generate(stop="ab"), TypeError, "put it in a list"),
        (lambda: CharLM.fit(TEXT).generate(stop=[1]), TypeError, r"stop\[0\] must be a str, got int"),  # type: ignore[list-item]  # likewise
        (lambda: CharLM.fit(TEXT).generate(allowed=""), ValueError, "allowed has no symbol"),
        (lambda: CharLM.fit(TEXT).generate(allowed="\u4e00"), ValueError, "allowed has no symbol"),
        (lambda: CharLM.fit(TEXT).stream("\u4e00"), UnknownCharacterError, r"^prompt\[0\] is U\+4E00"),
        (lambda: CharLM.fit(TEXT).stream(max_new_tokens=0), ValueError, "max_new_tokens"),
        (lambda: CharLM.fit(TEXT).stream(top_p=math.nan), ValueError, "top_p"),
        (lambda: CharLM.fit(TEXT).stream(stop=[""]), ValueError, "stop contains an empty string"),
        (lambda: CharLM.fit(TEXT).stream(allowed=""), ValueError, "allowed has no symbol"),
        (lambda: CharLM.fit(NAMES).sample(1, top_k=0), ValueError, "top_k"),
        (lambda: CharLM.fit(NAMES).sample(1, prefix="\u4e00"), UnknownCharacterError, r"^prefix\[0\] is U\+4E00"),
        (lambda: CharLM.fit(TEXT).sample(1), ValueError, "model was fitted to text"),
        (lambda: CharLM.fit(NAMES).sample(0), ValueError, "n_samples"),
        (
            lambda: CharLM.fit(["ab"] * 9).sample(2, temperature=0),
            ValueError,
            "found only 1 of 2 records in 200 attempts",
        ),
        (lambda: CharLM.fit(NAMES).sample(1, prefix="ava", max_length=2), ValueError, "exceed max_length 2"),
        (lambda: CharLM.fit(NAMES).sample(1, min_length=9, max_length=8), ValueError, "exceed max_length 8"),
        (lambda: CharLM.fit(NAMES).sample(1, allowed="\u4e00"), ValueError, "allowed has no symbol"),
        (lambda: CharLM.fit(NAMES).sample(1, allowed=""), ValueError, "allowed has no symbol"),
        (lambda: CharLM.fit(NAMES).sample(1, min_length=1.5), TypeError, "min_length must be an integer"),  # type: ignore[call-overload]  # likewise
        (lambda: CharLM.fit(NAMES).sample(1, min_length="3"), TypeError, "min_length must be an integer"),  # type: ignore[call-overload]  # likewise
        (lambda: CharLM.fit(NAMES).sample(1, min_length=-3), ValueError, "min_length must be at least 0"),
        (lambda: CharLM.fit(NAMES).sample(1, prefix=3), TypeError, "prefix must be a str, got int"),  # type: ignore[call-overload]  # likewise
        (
            lambda: CharLM.fit(NAMES).sample(3, exclude="anna"),
            TypeError,
            "exclude must be an iterable of str, got a single str",
        ),
        (
            lambda: CharLM.fit(NAMES).sample(1, exclude=None),  # type: ignore[call-overload]  # likewise
            TypeError,
            "exclude must be an iterable of str, got NoneType",
        ),
        (lambda: CharLM.fit(NAMES).sample(1, exclude=["a", 1]), TypeError, r"exclude\[1\] must be a str, got int"),  # type: ignore[list-item]  # likewise
    ],
)
def test_bad_input_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("family", "setting"),
    [
        *(("ngram", setting) for setting in ({"size": "x"}, {"device": "x"})),
        *(("bigram", setting) for setting in ({"order": 3}, {"config": TrainerConfig()}, {"device": "cpu"})),
        *(("gpt", setting) for setting in ({"memory": "2GB"}, {"smoothing": 1})),
        ("classic-gpt", {"prior": True}),
        ("mixture", {"smoothing": 1}),
    ],
    ids=str,
)
def test_a_setting_that_a_family_does_not_take_is_refused(family: Any, setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(setting))} is not a setting of {family}, which takes "):
        CharLM.fit(TEXT, family, **setting)


def test_a_smoothing_of_another_family_is_refused() -> None:
    with pytest.raises(TypeError, match="smoothing must be one of tuned, learned, kneser-ney, got int"):
        CharLM.fit(TEXT, smoothing=-4)
    with pytest.raises(TypeError, match="smoothing of a bigram must be a number to add to each count, got 'tuned'"):
        CharLM.fit(TEXT, "bigram", smoothing="tuned")


def test_a_short_text_is_enough_for_a_long_order() -> None:
    lm = CharLM.fit("ab", order=12)
    assert torch.isfinite(torch.tensor(lm.log_probabilities("abababababababab"))).all()


def test_an_unknown_character_of_a_prompt_is_refused() -> None:
    for call in (CharLM.fit(TEXT).generate, CharLM.fit(NAMES).generate):
        with pytest.raises(UnknownCharacterError):
            call("\u4e00")


@pytest.fixture(scope="module")
def trained() -> CharLM:
    """A small Transformer that has learned a short text by heart."""
    vocabulary = Vocabulary.from_text(TEXT, special_tokens=["bos", "unk"])
    config = GPTConfig(
        vocab_size=vocabulary.size,
        block_size=16,
        n_layers=1,
        n_heads=2,
        width=32,
        hash_rows=512,
        context_only=Framing(vocabulary).context_only,
    )
    model = GPT(config, seed=1)
    batches = BatchSampler(TextDataset(vocabulary.encode(TEXT), block_size=16), batch_size=16, seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _, (inputs, targets) in zip(range(100), batches, strict=False):
        _, loss = model(inputs, targets)
        assert loss is not None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return CharLM(model, vocabulary)


@pytest.mark.parametrize("mixed", [False, True], ids=["gpt", "mixture"])
def test_a_trained_transformer_scores_generates_and_comes_back_from_its_file(
    trained: CharLM, tmp_path: Path, mixed: Any
) -> None:
    if mixed:
        dataset = TextDataset(trained.vocabulary.encode(TEXT[100:]), block_size=1)
        never = trained.stored.predictor().context_only
        ngram = NGramLanguageModel(trained.vocabulary.size, order=3, context_only=never)
        ngram.fit(trained.vocabulary.encode(TEXT[:100]))
        trained = CharLM(MixtureLanguageModel([trained.model, ngram]).fit(dataset), trained.vocabulary)
    trained.save(tmp_path / "model")
    lm = CharLM.load(tmp_path / "model")
    assert type(lm.model) is type(trained.model)
    assert lm.generate(TEXT[:20], max_new_tokens=100, temperature=0) == TEXT[:120]
    assert lm.next_symbols("quick brow", k=1)[0][0] == "n"
    assert lm.bits_per_character(TEXT) < 0.5
    assert lm.evaluate(TEXT).characters == len(TEXT)
    known, unknown = lm.score_samples(["lazy dog", "zzq\u00e9 xx"])
    assert unknown < known < 0
    assert np.array_equal(lm.log_probabilities(TEXT), trained.log_probabilities(TEXT))
    assert (
        "".join(lm.stream("the", max_new_tokens=30, seed=3)) == trained.generate("the", max_new_tokens=30, seed=3)[3:]
    )


@pytest.mark.parametrize(("texts", "got"), [("abc", "a single str: put it in a list"), (b"abc", "bytes"), (5, "int")])
def test_several_texts_are_not_one(texts: Any, got: str) -> None:
    lm = CharLM.fit("abcabc" * 9)
    for call in (lm.score_samples, lambda texts: classify({"abc": lm}, texts)):
        with pytest.raises(TypeError, match=f"texts must be an iterable of str, got {got}"):
            call(texts)


@every_model
def test_a_count_model_becomes_one_of_pytorch_when_that_is_asked_for(lm: CharLM, tmp_path: Path) -> None:
    lm.save(tmp_path / "model")
    copy = CharLM.load(tmp_path / "model")
    assert not isinstance(copy.predictor, LanguageModel)
    before = copy.score_samples(["emma", "fox"])
    assert np.array_equal(before, lm.score_samples(["emma", "fox"]))
    assert isinstance(copy.model, LanguageModel)
    assert copy.model is copy.model
    assert not copy.model.training
    assert (copy.family, copy.settings) == (copy.model.family, copy.model.settings()) == (lm.family, lm.settings)
    np.testing.assert_allclose(copy.score_samples(["emma", "fox"]), before, rtol=1e-6)
    copy.save(tmp_path / "again")
    assert CharLM.load(tmp_path / "again").facts() == lm.facts()


@every_model
def test_facts_are_json_and_say_what_the_model_is(lm: CharLM, tmp_path: Path) -> None:
    facts = json.loads(json.dumps(lm.facts()))
    assert facts["family"] == lm.family
    assert facts["settings"] == lm.settings
    assert facts["settings"]["vocab_size"] == lm.vocabulary.size
    assert facts["learned_from"] == ("records" if lm.is_of_records else "text")
    assert facts["symbols"] == len(lm.vocabulary.symbols)
    assert facts["special_tokens"] == list(lm.vocabulary.special_tokens)
    assert facts["fingerprint"] == lm.vocabulary.fingerprint
    lm.save(tmp_path / "model")
    model = load_model(tmp_path / "model")[0]
    tables = model.state_dict().values()
    trained = sum(weight.numel() for weight in model.parameters())
    of_counts = sum(table.numel() for table in tables if table.is_floating_point())
    assert facts["parameters"] == (of_counts if lm.family == "ngram" else trained)
    assert (facts["n_grams"] is None) == (lm.family in ("bigram", "trained-bigram", "classic-gpt"))
    assert facts["bytes"] == sum(table.nbytes for table in tables)
    assert (facts["smoothing"] is None) == (facts["n_grams"] is None)


@pytest.mark.parametrize("smoothing", ["kneser-ney", "learned", "tuned"])
def test_facts_tell_the_smoothing_as_far_as_a_file_does(smoothing: Any, tmp_path: Path) -> None:
    lm = CharLM.fit(TEXT * 40, order=3, smoothing=smoothing)
    lm.save(tmp_path / "model")
    assert CharLM.load(tmp_path / "model").facts()["smoothing"] == lm.facts()["smoothing"] == smoothing
    save_arpa(tmp_path / "model.arpa", CharLM.fit(TEXT, order=3).stored, lm.vocabulary)
    assert CharLM(*load_arpa(tmp_path / "model.arpa")).facts()["smoothing"] is None


@every_model
def test_settings_may_come_in_one_object_and_keywords_count_more(lm: CharLM) -> None:
    settings = SamplingSettings(top_k=4, temperature=0.7)
    for more in ({}, {"temperature": 2.0}, {"top_p": 0.5}):
        both: Any = {"top_k": 4, "temperature": 0.7} | more
        given: Any = {"settings": settings} | more
        expected = lm.generate("a", max_new_tokens=30, seed=2, **both)
        assert lm.generate("a", max_new_tokens=30, seed=2, **given) == expected
        assert "a" + "".join(lm.stream("a", max_new_tokens=30, seed=2, **given)) == expected
        if lm.is_of_records:
            assert lm.sample(5, unique=False, **given) == lm.sample(5, unique=False, **both)
