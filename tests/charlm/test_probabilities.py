"""What a ``CharLM`` says may come is what comes, sums to 1, and is comparable with what other models say."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import GPT, BigramLanguageModel, CharLM, GPTConfig
from chartok import Vocabulary
from chartok.codepoints import CODE_POINTS
from lively_gpt import lively
from strategies import costly

NAMES = ["djamila", "jade", "adam", "dijana", "maja", "anna", "nadia", "jana", "ida", "edda"]
TEXT = " ".join(NAMES) + ". "
UNKNOWN = "\u4e00"
FLOAT32 = 1e-6
"""How far sums of the probabilities of an n-gram ``CharLM``, which is in float32, may differ."""
CONTEXTS = ["", "d", "dj", "jad", "nadi", UNKNOWN, f"d{UNKNOWN}a"]
COUNTED: list[tuple[Any, dict[str, Any]]] = [
    *(("ngram", {"order": order}) for order in (1, 2, 3, 5, 7)),
    ("ngram", {"order": 4, "smoothing": "kneser-ney"}),
    ("bigram", {}),
    ("bigram", {"smoothing": 0.1}),
]
every_count_model = pytest.mark.parametrize(("family", "settings"), COUNTED, ids=str)


def gpt(vocabulary: Vocabulary) -> GPT:
    never = tuple(vocabulary.special_tokens[role] for role in ("bos", "pad") if role in vocabulary.special_tokens)
    config = GPTConfig(
        vocab_size=vocabulary.size, block_size=8, n_layers=1, n_heads=1, width=8, hash_rows=11, context_only=never
    )
    return lively(config)


def vocabulary_of(characters: str, *roles: Any) -> Vocabulary:
    return Vocabulary(characters, special_tokens=roles)


NEURAL = [
    CharLM(gpt(vocabulary), vocabulary)
    for vocabulary in (
        vocabulary_of("adjmn", "bos", "eos", "unk"),
        vocabulary_of("adjmn", "unk"),
        vocabulary_of("adjmn", "pad", "bos", "unk"),
    )
]
MODELS = [CharLM.fit(source, family, **settings) for source in (NAMES, TEXT) for family, settings in COUNTED]
any_context = st.text("adjmnei \u4e00", max_size=8)


@pytest.mark.parametrize("context", ["dj", *CONTEXTS])
def test_what_may_come_sums_to_one_with_the_end_of_a_record(context: str) -> None:
    shares = dict(CharLM.fit(NAMES * 100, order=3).next_symbols(context, k=99))
    assert math.fsum(shares.values()) == pytest.approx(1, abs=1e-9)
    assert set(shares) == {*"".join(NAMES), ""}
    assert min(shares.values()) > 0


@pytest.mark.parametrize("lm", [*MODELS, *NEURAL], ids=repr)
@costly(20)
@given(context=any_context)
def test_after_any_context_what_may_come_sums_to_one(lm: CharLM, context: str) -> None:
    shares = lm.next_symbols(context, k=99)
    assert math.fsum(share for _, share in shares) == pytest.approx(1, abs=1e-9)
    assert len(shares) == len(lm.vocabulary.symbols) + lm.is_of_records
    assert shares[:3] == lm.next_symbols(context, k=3)


@pytest.mark.parametrize("lm", [*MODELS, *NEURAL], ids=repr)
@costly(10)
@given(context=any_context)
def test_the_probabilities_of_all_characters_there_are_and_of_the_end_sum_to_one(lm: CharLM, context: str) -> None:
    texts = [context + character for character in lm.vocabulary.symbols]
    one_unknown = math.exp(lm.log_probabilities(context + "\U0010ffff")[len(context)])
    total = one_unknown * (CODE_POINTS - len(texts))
    total += math.fsum(math.exp(lm.log_probabilities(text)[len(context)]) for text in texts)
    total += math.exp(lm.log_probabilities(context)[-1]) if lm.is_of_records else 0
    assert total == pytest.approx(1, abs={"bigram": 1e-9, "ngram": FLOAT32}.get(lm.family, 1e-5))


@every_count_model
def test_models_of_a_smaller_and_a_larger_alphabet_share_out_the_same(family: Any, settings: dict[str, Any]) -> None:
    small, large = CharLM.fit(NAMES, family, **settings), CharLM.fit([*NAMES, "xyz"], family, **settings)
    strings = sorted({*"".join(NAMES), *"xyz"})
    for lm in (small, large):
        known = len(lm.vocabulary.symbols)
        first = {string: math.exp(lm.log_probabilities(string)[0]) for string in [*strings, UNKNOWN]}
        end = math.exp(lm.score_samples([""])[0])
        total = math.fsum(first[string] for string in strings) + first[UNKNOWN] * (CODE_POINTS - len(strings)) + end
        assert total == pytest.approx(1, abs=FLOAT32)
        assert all(first[string] == first[UNKNOWN] for string in strings if string not in lm.vocabulary.symbols)
        assert known == len(strings) - (3 if lm is small else 0)


def chi_square(drawn: Counter[str], shares: dict[str, float]) -> tuple[float, int]:
    """Returns the statistic of Pearson's test, and its degrees of freedom; rare outcomes are taken together."""
    number = drawn.total()
    frequent = [name for name, share in shares.items() if share * number >= 5]
    observed = [drawn[name] for name in frequent] + [number - sum(drawn[name] for name in frequent)]
    expected = [shares[name] * number for name in frequent]
    expected.append(number - sum(expected))
    if expected[-1] < 1:
        assert observed.pop() <= 9
        expected.pop()
    return sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True)), len(observed) - 1


@pytest.mark.parametrize("lm", [CharLM.fit(NAMES * 3, order=3), CharLM.fit(NAMES, "bigram"), *NEURAL[:1]], ids=repr)
@pytest.mark.parametrize("context", ["", "d", "ja"])
def test_what_is_generated_and_sampled_comes_as_often_as_is_said(lm: CharLM, context: str) -> None:
    shares = dict(lm.next_symbols(context, k=99))
    generated = lm.generate(context, max_new_tokens=1, n_samples=3000, seed=5)
    # Of the longest records, which are not taken, there are too few to matter.
    sampled = lm.sample(1500, prefix=context, min_length=0, max_length=300, unique=False, seed=6)
    for texts in (generated, sampled):
        drawn = Counter(text[len(context) : len(context) + 1] for text in texts)
        assert set(drawn) <= set(shares)
        statistic, freedom = chi_square(drawn, shares)
        assert statistic < freedom + 4 * math.sqrt(2 * freedom)


def test_settings_change_what_comes_as_they_say() -> None:
    lm = CharLM.fit(NAMES * 3, order=3)
    powers = {name: share**2 for name, share in lm.next_symbols("d", k=99)}
    squared = {name: power / math.fsum(powers.values()) for name, power in powers.items()}
    drawn = Counter(text[1:] for text in lm.generate("d", max_new_tokens=1, n_samples=3000, temperature=0.5))
    statistic, freedom = chi_square(drawn, squared)
    assert statistic < freedom + 4 * math.sqrt(2 * freedom)


@pytest.mark.parametrize(("smoothing", "most"), [("kneser-ney", 1e-9), ("learned", 1.0)])
@pytest.mark.parametrize("order", [2, 3, 5, 7])
def test_where_nothing_of_the_context_is_known_more_of_the_same_records_hardly_make_unknown_characters_dearer(
    order: int, smoothing: Any, most: float
) -> None:
    once, often = (CharLM.fit(NAMES * times, order=order, smoothing=smoothing) for times in (1, 100))
    text = UNKNOWN * 2
    assert often.log_probabilities(text)[1] == pytest.approx(once.log_probabilities(text)[1], abs=most)


@every_count_model
@pytest.mark.parametrize("context", CONTEXTS)
def test_elsewhere_they_get_dearer_as_the_logarithm_of_how_much_was_read(
    family: Any, settings: dict[str, Any], context: str
) -> None:
    costs = [
        -CharLM.fit(NAMES * times, family, **settings).log_probabilities(context + UNKNOWN)[len(context)]
        for times in (1, 10, 100, 1000)
    ]
    growth = np.diff(costs)
    assert (growth > -FLOAT32).all()
    is_learned = settings.get("smoothing", "tuned") == "tuned" and family == "ngram"
    most = math.log(10) * (2 if is_learned else 1)
    assert growth[0] < most + 1  # the discounts of what came once are others
    assert (growth[1:] < most + 1e-6).all()


@pytest.mark.parametrize("special_tokens", [[], ["unk"], ["bos", "unk"], ["eos"], ["pad", "bos", "eos", "unk"]])
def test_a_model_of_equal_logits_shares_out_equally_what_may_come(special_tokens: Any) -> None:
    vocabulary = Vocabulary("abcd", special_tokens=special_tokens)
    never = [vocabulary.special_tokens[role] for role in ("bos", "pad") if role in special_tokens]
    lm = CharLM(BigramLanguageModel(vocabulary.size, context_only=never), vocabulary)
    shares = dict(lm.next_symbols("a", k=99))
    assert list(shares) == [*"abcd", *([""] if "eos" in special_tokens else [])]
    assert list(shares.values()) == pytest.approx([1 / len(shares)] * len(shares))
    scores = lm.log_probabilities("ab")
    assert scores.tolist() == pytest.approx([-math.log(vocabulary.size - len(never))] * len(scores))
